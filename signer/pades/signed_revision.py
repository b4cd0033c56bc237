"""Which revision of a PDF a signature belongs to, whether it covers all of it, and what its signer allows to come later.

For signatures of any format, so without looking into /Contents. ISO 32000-1, 7.5.6 (revisions), 12.8.2.2 (DocMDP), 12.8.2.4 (FieldMDP).
Not for judging what came later: that is `later_revisions`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader, process_data_at_eof
from pyhanko.pdf_utils.xref import XRefSectionMetaInfo
from pyhanko.sign.fields import FieldMDPSpec, MDPPerm

from signer.findings import FindingCode
from signer.pades.signature_gap import GapProblem, SignatureGap

_DEFAULT_DOCMDP = 2  # ISO 32000-1, table 254
_EMPTY: generic.DictionaryObject = generic.DictionaryObject()  # type: ignore[no-untyped-call] # pyHanko has no types here


@dataclass(frozen=True)
class SignatureField:
    """A filled signature field, as found in the file. `name`: fully qualified."""

    name: str
    field: generic.DictionaryObject
    signature: generic.DictionaryObject

    @property
    def is_timestamp(self) -> bool:
        """True for a document timestamp (ISO 32000-2, 12.8.5)."""
        return bool(entry(self.signature, "/Type", "/Sig") == "/DocTimeStamp")


@dataclass(frozen=True)
class SignedRevision:
    """`number`: from 0. `certifies`: what a certification signature still allows, None for an approval signature."""

    number: int
    certifies: MDPPerm | None
    locks: FieldMDPSpec | None


def entry(dictionary: generic.DictionaryObject, key: str, default: Any) -> Any:
    """An entry with its reference followed, which pyHanko's own `get` does not do."""
    return dictionary[key] if key in dictionary else default  # noqa: SIM401 - that is what the docstring is about


def subdictionary(dictionary: generic.DictionaryObject, key: str) -> generic.DictionaryObject:
    """An entry that is a dictionary, empty where there is none or something else stands there."""
    value = entry(dictionary, key, None)
    return value if isinstance(value, generic.DictionaryObject) else _EMPTY


def find_revision(data: bytes, reader: PdfFileReader, found: SignatureField, gap: SignatureGap) -> SignedRevision:
    """The revision that the signature was made in, every byte of it covered.

    Raises:
        GapProblem: NOT_WHOLLY_COVERED, SIGNATURE_MALFORMED.
        Exception: whatever pyHanko raises on hostile files.
    """
    _check_contents(found.signature, gap)
    value = found.field.raw_get("/V")
    if not isinstance(value, generic.IndirectObject):
        raise GapProblem(FindingCode.SIGNATURE_MALFORMED)
    number = reader.xrefs.get_last_change(value.reference)
    if gap.covered_end == len(data):
        if number != reader.xrefs.total_revisions - 1:
            raise GapProblem(FindingCode.NOT_WHOLLY_COVERED)
    else:
        _check_end(data, reader, number, gap.covered_end)
    return SignedRevision(number, _certifies(found), _locks(found))


def _check_contents(signature: generic.DictionaryObject, gap: SignatureGap) -> None:
    """What the parser sees as /Contents is what lies in the gap."""
    contents = signature.raw_get("/Contents")
    if not isinstance(contents, generic.TextStringObject | generic.ByteStringObject):
        raise GapProblem(FindingCode.SIGNATURE_MALFORMED)
    seen = contents.original_bytes
    if seen[: len(gap.cms)] != gap.cms or seen[len(gap.cms) :].strip(b"\0"):
        raise GapProblem(FindingCode.NOT_WHOLLY_COVERED)


def _check_end(data: bytes, reader: PdfFileReader, number: int, end: int) -> None:
    """The covered bytes end where that revision ends, and every table up to it lies within them."""
    stream = io.BytesIO(data)  # shares the bytes
    stream.seek(end)
    whole = process_data_at_eof(stream) == reader.xrefs.get_startxref_for_revision(number)
    if not whole or any(table.end_location > end for table in _tables(reader, number)):
        raise GapProblem(FindingCode.NOT_WHOLLY_COVERED)


def _tables(reader: PdfFileReader, number: int) -> Iterator[XRefSectionMetaInfo]:
    """Every table up to that revision, and the streams that hybrid files have beside them."""
    for revision in range(number + 1):
        yield reader.xrefs.get_xref_container_info(revision)
        beside = reader.xrefs.get_xref_data(revision).hybrid
        if beside is not None:
            yield beside.meta_info


def _certifies(found: SignatureField) -> MDPPerm | None:
    for parameters in _transforms(found.signature, "/DocMDP"):
        return MDPPerm(int(entry(parameters, "/P", _DEFAULT_DOCMDP)))
    lock = entry(found.field, "/Lock", None)  # ISO 32000-2, 12.7.5.5: a lock may carry a permission, too
    if isinstance(lock, generic.DictionaryObject) and "/P" in lock:
        return MDPPerm(int(lock["/P"]))
    return None


def _locks(found: SignatureField) -> FieldMDPSpec | None:
    for parameters in _transforms(found.signature, "/FieldMDP"):
        return FieldMDPSpec.from_pdf_object(parameters)
    return None


def _transforms(signature: generic.DictionaryObject, method: str) -> Iterator[generic.DictionaryObject]:
    for item in entry(signature, "/Reference", ()):
        reference = item.get_object()
        if entry(reference, "/TransformMethod", "") == method:
            yield subdictionary(reference, "/TransformParams")
