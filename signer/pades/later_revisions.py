"""What was appended to a PDF after a signature: allowed only where it is long-term validation data and nothing beside.

pyHanko's difference analysis says what the changed objects are; it looks where the cross-reference tables point. So
here, on raw bytes: every revision has a table with entries, every object that stands in the appended bytes is in such a
table, and the file ends where its last revision does. Filling in forms and further signatures count as changes for now:
both can draw over a page, and telling the harmless ones apart comes with countersignatures.
"""

from __future__ import annotations

import re

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, DiffResult, ModificationLevel, StandardDiffPolicy
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from signer.findings import FindingCode
from signer.pades.signature_gap import GapProblem, SignatureGap

_OBJECT = re.compile(rb"(?<![0-9])(\d{1,10})[\x00\t\n\f\r ]+\d{1,5}[\x00\t\n\f\r ]+obj(?![A-Za-z0-9])")
_END = re.compile(rb"%%EOF(?:\r\n|\r|\n)?\Z")
# pyHanko's rules, without its allowance for objects that nothing refers to or that are written once more as they were:
# a reader that repairs files might look at them.
_POLICY = StandardDiffPolicy(
    DEFAULT_DIFF_POLICY.global_rules,
    DEFAULT_DIFF_POLICY.form_rule,
    ignore_orphaned_objects=False,
    ignore_identical_objects=False,
)


def check_later_revisions(data: bytes, signature: EmbeddedPdfSignature, gap: SignatureGap) -> None:
    """Checks all bytes behind the signed ones.

    Raises:
        GapProblem: BYTES_AFTER_END, NOT_WHOLLY_COVERED or CHANGED_AFTER_SIGNING.
        Exception: whatever pyHanko raises on hostile files.
    """
    try:
        signature.compute_integrity_info(_POLICY)  # type: ignore[no-untyped-call] # pyHanko has no types here
    except MemoryError:
        raise
    except Exception:
        if gap.covered_end < len(data):
            raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING) from None
        raise
    coverage: object = signature.coverage
    difference: object = signature.diff_result
    if gap.covered_end == len(data):
        if coverage is not SignatureCoverageLevel.ENTIRE_FILE:
            raise GapProblem(FindingCode.NOT_WHOLLY_COVERED)
        return
    reader = signature.reader
    later = range(signature.signed_revision + 1, reader.xrefs.total_revisions)
    if not later or not _END.search(data[-16:]):
        raise GapProblem(FindingCode.BYTES_AFTER_END)
    if coverage is not SignatureCoverageLevel.ENTIRE_REVISION:
        raise GapProblem(FindingCode.NOT_WHOLLY_COVERED)
    if not isinstance(difference, DiffResult) or difference.modification_level is not ModificationLevel.LTA_UPDATES:
        raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)
    _check_tables(data, reader, gap.covered_end, later)


def _check_tables(data: bytes, reader: PdfFileReader, start: int, revisions: range) -> None:
    """No empty table, and no object in the appended bytes that the tables don't know: other readers might."""
    known: set[int] = set()
    for revision in revisions:
        if not reader.xrefs.explicit_refs_in_revision(revision):
            raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)
        if any(_may_show(reference.get_object()) for reference in reader.xrefs.explicit_refs_in_revision(revision)):
            raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)
        section = reader.xrefs.get_xref_data(revision)
        known.update(offset for _, offset in section.standard_xrefs.values())
        known.add(reader.xrefs.get_xref_container_info(revision).start_location)
    if any(match.start() not in known for match in _OBJECT.finditer(data, start)):
        raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)


def _may_show(item: object) -> bool:
    """True for an annotation that some reader might draw; pyHanko takes a /Rect that it can't read for an empty one."""
    if not isinstance(item, generic.DictionaryObject) or "/Rect" not in item:
        return False
    sides = list(item["/Rect"])
    if len(sides) != 4 or not all(isinstance(side, int | generic.FloatObject) for side in sides):
        return True
    return bool(sides[0] != sides[2] and sides[1] != sides[3])
