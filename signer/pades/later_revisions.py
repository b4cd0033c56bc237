"""What was appended to a PDF after a signature, and whether its signer allowed it. What is not known to be harmless is a change.

Allowed: validation data (DSS, VRI), document timestamps, further signatures, filling in form fields that the signer left empty,
comments; as far as DocMDP and FieldMDP let it. pyHanko's difference rules (`difference_policy`) say what the changed objects are, revision
by revision; they look where the cross-reference tables point. So here besides, on raw bytes: every revision has a table with entries,
every object that stands in the appended bytes is in such a table, and the file ends where its last revision does. What later fields
draw: `drawn_changes`; what they make of its title: `metadata_changes`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.pdf_utils.xref import XRefSectionType
from pyhanko.sign.diff_analysis import ModificationLevel, SuspiciousModification
from pyhanko.sign.fields import MDPPerm

from signer.findings import FindingCode
from signer.pades.comment_rule import CommentRule
from signer.pades.difference_policy import difference_policy
from signer.pades.drawn_changes import check_drawn_changes
from signer.pades.filled_text import check_fonts, covers_text
from signer.pades.metadata_changes import check_metadata
from signer.pades.signature_gap import GapProblem, SignatureGap
from signer.pades.signed_revision import SignatureField, SignedRevision, entry, subdictionary

_OBJECT = re.compile(rb"(?<![0-9])(\d{1,10})[\x00\t\n\f\r ]+\d{1,5}[\x00\t\n\f\r ]+obj(?![A-Za-z0-9])")
# What follows the last trailer or cross-reference stream, up to the end of the file: nothing else may.
_END = re.compile(
    rb"[\x00\t\n\f\r ]*(?:endobj[\x00\t\n\f\r ]*)?startxref[\x00\t\n\f\r ]+\d{1,12}[\x00\t\n\f\r ]+%%EOF(?:\r\n|\r|\n)?\Z"
)
_MAY_HIDE = (FindingCode.FILLED_OVER, FindingCode.COMMENTED_OVER)
# What fields without a picture of their own are drawn with: a reader would draw signed values anew with other fonts.
_FORM_DEFAULTS = ("/DA", "/Q")
# Readers draw every value anew, also one that was signed with a picture that says something else.
_DRAWN_BY_READERS = "/NeedAppearances"


@dataclass(frozen=True)
class LaterChanges:
    """`codes`: what was done, all of it allowed. `drawn_by`: names of later signatures that show on a page where nothing was before;
    None for one whose place is so large that its signer does not matter.
    """

    codes: tuple[FindingCode, ...] = ()
    drawn_by: frozenset[str | None] = frozenset()

    @property
    def may_hide(self) -> tuple[FindingCode, ...]:
        """What was allowed and may yet hide signed content."""
        return tuple(code for code in self.codes if code in _MAY_HIDE)


def check_later_revisions(
    data: bytes,
    reader: PdfFileReader,
    signed: SignedRevision,
    gap: SignatureGap,
    later: Sequence[tuple[SignatureField, int]],
) -> LaterChanges:
    """Checks all bytes behind the signed ones. `later`: the file's other signatures with the revisions that they stand in.

    Raises:
        GapProblem: BYTES_AFTER_END or CHANGED_AFTER_SIGNING.
        MemoryError.
    """
    if gap.covered_end == len(data):
        return LaterChanges()
    revisions = range(signed.number + 1, reader.xrefs.total_revisions)
    if not revisions:
        raise GapProblem(FindingCode.BYTES_AFTER_END)
    try:
        _check_end(data, reader, revisions[-1])
        return _judge(data, reader, signed, gap, [item for item in later if item[1] > signed.number])
    except (GapProblem, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - pyHanko raises exceptions of many kinds; what can't be explained is a change
        raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING) from None


def _judge(
    data: bytes,
    reader: PdfFileReader,
    signed: SignedRevision,
    gap: SignatureGap,
    later: Sequence[tuple[SignatureField, int]],
) -> LaterChanges:
    revisions = range(signed.number + 1, reader.xrefs.total_revisions)
    _check_tables(data, reader, gap.covered_end, revisions)
    old = reader.get_historical_resolver(signed.number)
    signature_names = {found.name for found, _ in later}
    filled: set[str] = set()
    drawn_by: set[str | None] = set()
    texts: set[generic.Reference] = set()
    comments = CommentRule() if signed.certifies is MDPPerm.ANNOTATE else None
    policy, base = difference_policy(comments), old
    for number in revisions:
        new = reader.get_historical_resolver(number)
        try:
            difference = policy.apply(base, new, field_mdp_spec=signed.locks, doc_mdp=signed.certifies)
        except SuspiciousModification:
            raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING) from None
        if difference.modification_level > _allowed(signed.certifies):
            raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)
        filled |= difference.changed_form_fields - signature_names
        drawn = check_drawn_changes(old, new, frozenset() if comments is None else comments.found)
        drawn_by |= drawn.drawn_by
        texts |= drawn.filled
        _check_form_defaults(old, new)
        check_metadata(old, new)
        # pyHanko's rules for fields take comments for changes, so each revision is compared with the one before.
        base = old if comments is None else new
    commented = comments is not None and bool(comments.found)
    codes = {
        FindingCode.VALIDATION_DATA_ADDED: _validation_data(old) != _validation_data(new),
        FindingCode.TIMESTAMP_ADDED: any(found.is_timestamp for found, _ in later),
        FindingCode.FURTHER_SIGNATURES: any(not found.is_timestamp for found, _ in later),
        FindingCode.FORM_FILLED: bool(filled),
        FindingCode.FILLED_OVER: covers_text(data[: gap.covered_end], old, texts),
        FindingCode.COMMENTS_ADDED: commented and comments is not None and not comments.may_hide,
        FindingCode.COMMENTED_OVER: commented and comments is not None and comments.may_hide,
    }
    return LaterChanges(tuple(code for code, happened in codes.items() if happened), frozenset(drawn_by))


def _allowed(certifies: MDPPerm | None) -> ModificationLevel:
    levels = {MDPPerm.NO_CHANGES: ModificationLevel.LTA_UPDATES, MDPPerm.ANNOTATE: ModificationLevel.ANNOTATIONS}
    return (
        ModificationLevel.FORM_FILLING if certifies is None else levels.get(certifies, ModificationLevel.FORM_FILLING)
    )


def _check_tables(data: bytes, reader: PdfFileReader, start: int, revisions: range) -> None:
    """No empty table, none with a second one beside it, and no object in the appended bytes that they don't know: other readers might."""
    known: set[int] = set()
    for revision in revisions:
        section = reader.xrefs.get_xref_data(revision)
        if section.hybrid is not None or not section.explicit_refs_in_revision:
            raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)
        known.update(offset for _, offset in section.standard_xrefs.values())
        known.add(reader.xrefs.get_xref_container_info(revision).start_location)
    if any(match.start() not in known for match in _OBJECT.finditer(data, start)):
        raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)


def _check_end(data: bytes, reader: PdfFileReader, last: int) -> None:
    """The file ends where its last revision does, with nothing between its trailer and the end mark."""
    table = reader.xrefs.get_xref_container_info(last)
    end: int = table.end_location
    if table.xref_section_type is XRefSectionType.STANDARD:
        stream = io.BytesIO(data)  # shares the bytes
        stream.seek(end)
        trailer = generic.TrailerReference(reader)  # type: ignore[no-untyped-call] # pyHanko has no types here
        generic.DictionaryObject.read_from_stream(stream, trailer)
        end = stream.tell()
    if not _END.match(data, end):
        raise GapProblem(FindingCode.BYTES_AFTER_END)


def _check_form_defaults(old: HistoricalResolver, new: HistoricalResolver) -> None:
    """What the form draws values with stays; fonts may be added under new names, none may be replaced."""
    before, after = (subdictionary(item.root, "/AcroForm") for item in (old, new))
    if any(entry(before, key, None) != entry(after, key, None) for key in _FORM_DEFAULTS if key in before):
        raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)
    if entry(before, _DRAWN_BY_READERS, False) != entry(after, _DRAWN_BY_READERS, False):
        raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)
    resources = subdictionary(after, "/DR")
    check_fonts(resources, subdictionary(subdictionary(before, "/DR"), "/Font"))
    for kind, names in subdictionary(before, "/DR").items():
        known = names.get_object()
        if not isinstance(known, generic.DictionaryObject):
            continue
        present = subdictionary(resources, kind)
        if any(name not in present or present.raw_get(name) != known.raw_get(name) for name in known):
            raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)


def _validation_data(revision: HistoricalResolver) -> list[object]:
    """What the security store holds, by its references."""
    store = subdictionary(revision.root, "/DSS")
    lists = [list(entry(store, key, ())) for key in ("/Certs", "/CRLs", "/OCSPs")]
    return [*lists, sorted(entry(store, "/VRI", ()))]
