"""The strict gate for files of our own making: a rendered PDF and exactly the update that our embedder writes.

Reads the few numbers that a seal depends on, lets `incremental_update` write the same update once more, and compares
every byte outside the signature's gap; the gap must hold one DER value in lowercase hexadecimal digits and zeros. So a
file that passes has no byte that is neither signed nor checked, up to the CMS itself, which `verify` judges. No PDF
parser, safe on hostile bytes, well under a millisecond. A file that fails is not wrong: it is not ours in shape, and
`inspector` judges it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from signer.pades.embed import MAX_TEXT_UNITS, SUBFILTER_PADES, seal_plan
from signer.pades.incremental_update import SealBox, SealPlan, SignatureFields, byte_range, write_update
from signer.pades.rendered_pdf import PdfLayoutError, RenderedPdf
from signer.pades.signature_gap import GapProblem, der_length, digest_covered

_TRAILER = re.compile(
    rb"trailer\n<</Size (?P<size>[1-9]\d{0,6})/Root [1-9]\d{0,6} 0 R[^\n]{0,300}>>\n"
    rb"startxref\n(?P<xref>[1-9]\d{0,9})\n%%EOF\n\Z"
)
_TRAILER_LIMIT = 500
_SECTION = re.compile(rb"([1-9]\d{0,6}) ([1-9]\d{0,3})\n")
_ENTRY = re.compile(rb"(\d{10}) 00000 n\r\n")
_ENTRY_LENGTH = 20
# Catalog, pages, picture, field, stamps, signature: one seal on every page of the longest document.
_MOST_OBJECTS = 4_100
_BOX = re.compile(rb"/P ([1-9]\d{0,6}) 0 R/Rect\[([-0-9. ]{7,60})\]/AP")
_ANNOTATION_LIMIT = 600
_FORM = re.compile(
    rb"<</Type/XObject/Subtype/Form/FormType 1/BBox\[[-0-9. ]{7,60}\]/Resources<<[^\n]{0,2000}>>"
    rb"/Filter/FlateDecode/Length ([1-9]\d{0,6})>>\nstream\n"
)
_FORM_END = b"\nendstream"
_OBJECT_END = b"\nendobj\n"
_TEXT = rb"<FEFF(?:[0-9A-F]{4}){0,%d}>" % MAX_TEXT_UNITS
_SIGNATURE = re.compile(
    rb"(?P<number>\d+) 0 obj\n<</Type/Sig/Filter/Adobe\.PPKLite/SubFilter/(?P<subfilter>[A-Za-z.]{1,30})"
    rb"/Name(?P<name>" + _TEXT + rb")(?:/Reason(?P<reason>" + _TEXT + rb"))?/M\(D:(?P<time>\d{14})\+00'00'\)"
    rb"/ByteRange(?P<range>\[0 (?P<a>[1-9]\d{0,9}) (?P<b>[1-9]\d{0,9}) (?P<c>[1-9]\d{0,9})\] *)/Contents"
)


# Every file that our embedder made has these, in the bytes that its signature covers; hardly any other file does.
_MARKS = (b"/SigFlags 3>>>>\nendobj\n", b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/Name<FEFF")


class ShapeMismatch(Exception):
    """The file is not laid out as we make them. `reason`: what differs, in English, without anything from the file."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class SealedShape:
    """A file that our embedder could have made. `cms`: DER, exactly; `signed_at`: claimed; the rest as in `prepare`."""

    original_length: int
    gap_start: int
    gap_end: int
    cms: bytes
    subfilter: str
    signer_name: str
    reason: str
    signed_at: datetime

    def digest(self, data: bytes, hash_name: str) -> bytes:
        """The digest (a hashlib name) of all bytes of the file but the gap."""
        return digest_covered(data, (self.gap_start, self.gap_end, len(data)), hash_name)

    def sm3_signed_and_whole(self, data: bytes) -> tuple[bytes, bytes]:
        """SM3 of the signed bytes and of the whole file; what is before the gap, most of a file, is hashed once."""
        view = memoryview(data)
        signed = hashlib.new("sm3", view[: self.gap_start])
        whole = signed.copy()
        signed.update(view[self.gap_end :])
        whole.update(view[self.gap_start :])
        return signed.digest(), whole.digest()


def check_shape(data: bytes) -> SealedShape:
    """The parts of a sealed file of ours.

    Raises:
        ShapeMismatch: the file is not, byte for byte, what our embedder writes around a CMS.
    """
    trailer = _TRAILER.search(data, max(0, len(data) - _TRAILER_LIMIT))
    if trailer is None:
        raise ShapeMismatch("the end is not ours")
    offsets = _read_table(data, int(trailer["xref"]), trailer.start())
    original_length = min(offsets.values()) - 1
    try:
        pdf = RenderedPdf.read(data[:original_length])
        signature = _SIGNATURE.match(data, offsets.get(int(trailer["size"]) - 1, len(data)))
        if signature is None:
            raise ShapeMismatch("the signature dictionary is not ours")
        gap_start, gap_end = _gap(data, signature)
        plan = _read_plan(data, pdf, offsets, signature, gap_end - gap_start)
        update = write_update(pdf, plan)
    except PdfLayoutError as problem:
        raise ShapeMismatch(problem.message) from None
    if data[original_length:gap_start] != update.before or data[gap_end:] != update.after:
        raise ShapeMismatch("the update is not the one that our embedder writes")
    return SealedShape(
        original_length,
        gap_start,
        gap_end,
        _read_contents(data[gap_start:gap_end]),
        signature["subfilter"].decode(),
        _text(signature["name"]),
        _text(signature["reason"] or b"<FEFF>"),
        plan.signature.signed_at,
    )


def bears_our_mark(data: bytes) -> bool:
    """True for whatever looks as if our embedder had once made it: where it fails the gate, it was changed since.

    Says nothing about who signed: anybody can write these bytes. Nobody can take them away without breaking the seal.
    """
    return any(mark in data for mark in _MARKS)


def _read_table(data: bytes, start: int, end: int) -> dict[int, int]:
    """Object numbers and offsets of the update's cross-reference table, which must fill the bytes from start to end."""
    if not data.startswith(b"xref\n", start):
        raise ShapeMismatch("startxref does not lead to a table")
    offsets: dict[int, int] = {}
    position = start + len(b"xref\n")
    while position < end:
        section = _SECTION.match(data, position)
        if section is None or len(offsets) + int(section[2]) > _MOST_OBJECTS:
            raise ShapeMismatch("the table of the update is not ours")
        position = section.end()
        for number in range(int(section[1]), int(section[1]) + int(section[2])):
            entry = _ENTRY.match(data, position)
            if entry is None:
                raise ShapeMismatch("the table of the update is not ours")
            offsets[number] = int(entry[1])
            position += _ENTRY_LENGTH
    if position != end or not offsets or not 0 < min(offsets.values()) <= max(offsets.values()) < start:
        raise ShapeMismatch("the table of the update is not ours")
    return offsets


def _gap(data: bytes, signature: re.Match[bytes]) -> tuple[int, int]:
    """The gap as /ByteRange names it: right behind the dictionary's /Contents, and everything else covered."""
    start, end, rest = int(signature["a"]), int(signature["b"]), int(signature["c"])
    if start != signature.end() or end <= start or end + rest != len(data):
        raise ShapeMismatch("/ByteRange does not cover everything but the signature")
    if signature["range"] != byte_range(start, end - start, rest):
        raise ShapeMismatch("/ByteRange is not written as ours is")
    return start, end


def _read_plan(
    data: bytes, pdf: RenderedPdf, offsets: dict[int, int], signature: re.Match[bytes], gap: int
) -> SealPlan:
    """What the update says about itself; `write_update` then tells whether it says so in our way."""
    if signature["subfilter"].decode() != SUBFILTER_PADES:
        raise ShapeMismatch("the sub-filter is not ours")
    try:
        signed_at = datetime.strptime(signature["time"].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise ShapeMismatch("the signing time is no time") from None
    fields = SignatureFields(
        signature["subfilter"], signature["name"], signature["reason"] or b"", signed_at, (gap - 2) // 2
    )
    added = range(pdf.size, int(signature["number"]))
    if not all(number in offsets for number in added):
        raise ShapeMismatch("objects are missing from the update")
    if len(added) <= 1:
        return seal_plan(None, (), fields)
    boxes = tuple(_read_box(data, offsets[number]) for number in added[1:])
    return seal_plan(_read_form(data, offsets, added[0]), boxes, fields)


def _read_box(data: bytes, offset: int) -> SealBox:
    match = _BOX.search(data, offset, offset + _ANNOTATION_LIMIT)
    if match is None:
        raise ShapeMismatch("a seal's place is not written as ours is")
    return SealBox(int(match[1]), match[2])


def _read_form(data: bytes, offsets: dict[int, int], number: int) -> bytes:
    """The body of the picture's object, which reaches up to the signature field's object."""
    start = offsets[number] + len(b"%d 0 obj\n" % number)
    end = offsets[number + 1] - len(_OBJECT_END)
    head = _FORM.match(data, start)
    if (
        head is None
        or head.end() + int(head[1]) + len(_FORM_END) != end
        or data[end - len(_FORM_END) : end] != _FORM_END
    ):
        raise ShapeMismatch("the seal's picture is not written as ours is")
    return data[start:end]


def _read_contents(gap: bytes) -> bytes:
    """The one DER value of the gap; behind it only zeros."""
    digits = gap[1:-1]
    if gap[:1] != b"<" or gap[-1:] != b">" or len(digits) % 2 or digits.translate(None, b"0123456789abcdef"):
        raise ShapeMismatch("the signature's place does not hold lowercase hexadecimal digits alone")
    content = bytes.fromhex(digits.decode())
    try:
        length = der_length(content)
    except GapProblem:
        raise ShapeMismatch("the signature's place does not hold DER") from None
    if content[length:].strip(b"\0"):
        raise ShapeMismatch("the signature's place holds more than a signature")
    return content[:length]


def _text(string: bytes) -> str:
    return bytes.fromhex(string[5:-1].decode()).decode("utf-16-be", "replace")
