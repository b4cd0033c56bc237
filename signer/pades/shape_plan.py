"""Reads out of one update of a file what its embedder must have planned, so that the shape gate can have it written once more.

Believes nothing: whatever is read here only has to lead to the same bytes. ISO 32000-1, 7.5. Not for the verdict: `shape` compares.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from signer.pades.embed import MAX_TEXT_UNITS, update_plan
from signer.pades.revised_pdf import RevisedPdf
from signer.pades.signature_gap import GapProblem, der_length
from signer.pades.update_plan import SealBox, SignatureFields, SignatureKind, UpdatePlan, ValidationData

_SECTION = re.compile(rb"([1-9]\d{0,6}) ([1-9]\d{0,3})\n")
_ENTRY = re.compile(rb"(\d{10}) 00000 n\r\n")
_ENTRY_LENGTH = 20
# Catalog, pages, picture with its parts, field, stamps, signature: one seal on every page of the longest document.
_MOST_OBJECTS = 8_200
_APPEARANCE = re.compile(rb"/P ([1-9]\d{0,6}) 0 R/Rect\[([-0-9. ]{7,60})\]/AP<</N ([1-9]\d{0,6}) 0 R>>")
_ANNOTATION = re.compile(rb"\d{1,7} 0 obj\n<</Type/Annot/Subtype/(?:Widget|Stamp)/")
_FORM = re.compile(
    rb"<</Type/XObject/Subtype/Form/FormType 1/BBox\[[-0-9. ]{7,60}\]/Resources<<[^\n]{0,2000}>>"
    rb"/Filter/FlateDecode/Length ([1-9]\d{0,6})>>\nstream\n"
)
_PART = re.compile(
    rb"\d{1,7} 0 obj\n<</Type/XObject/Subtype/Form/FormType 1/BBox\[([-0-9. ]{7,60})\]/Resources<</XObject<</S "
)
_VALUE = re.compile(rb"\d{1,7} 0 obj\n<</Length ([1-9]\d{0,6})>>\nstream\n")
_STORE = re.compile(
    rb"\d{1,7} 0 obj\n<</Type/DSS(?:/Certs\[([^\]]*)\])?(?:/CRLs\[([^\]]*)\])?(?:/OCSPs\[([^\]]*)\])?>>\nendobj\n"
)
_FORM_END = b"\nendstream"
_OBJECT_END = b"\nendobj\n"
_TEXT = rb"<FEFF(?:[0-9A-F]{4}){0,%d}>" % MAX_TEXT_UNITS
_SIGNATURE = re.compile(
    rb"\d{1,7} 0 obj\n<</Type/(?:Sig|DocTimeStamp)/Filter/(?P<handler>[A-Za-z0-9.]{1,40})/SubFilter/(?P<subfilter>[A-Za-z0-9.]{1,40})"
    rb"(?:/Name(?P<name>" + _TEXT + rb"))?(?:/Reason(?P<reason>" + _TEXT + rb"))?"
    rb"(?:/M\(D:(?P<time>\d{14})\+00'00'\))?"
    rb"(?:/Reference\[<</Type/SigRef/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/P (?P<level>[12])/V/1\.2>>>>\])?"
    rb"/ByteRange(?P<range>\[0 (?P<a>[1-9]\d{0,9}) (?P<b>[1-9]\d{0,9}) (?P<c>[1-9]\d{0,9})\] *)/Contents"
)


class ShapeMismatch(Exception):
    """The file is not laid out as we make them. `reason`: what differs, in English, without anything from the file."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class ReadUpdate:
    """Where an update begins and ends, its trailer's /Size, and its objects' offsets as its table has them."""

    start: int
    end: int
    size: int
    offsets: Mapping[int, int]

    def offset(self, number: int) -> int:
        """Raises ShapeMismatch."""
        if number not in self.offsets:
            raise ShapeMismatch("objects are missing from the update")
        return self.offsets[number]


def read_table(data: bytes, start: int, end: int) -> dict[int, int]:
    """Object numbers and offsets of an update's cross-reference table, which must fill the bytes from start to end.

    Raises:
        ShapeMismatch: it is none of ours.
    """
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


def read_plan(data: bytes, pdf: RevisedPdf, update: ReadUpdate) -> tuple[UpdatePlan, re.Match[bytes] | None]:
    """What an update on top of `pdf` says about itself, and its signature dictionary up to /Contents where it has one.

    Raises:
        ShapeMismatch: something in it is not written as ours is.
    """
    if not pdf.size < update.size <= pdf.size + _MOST_OBJECTS:
        raise ShapeMismatch("objects are missing from the update")
    numbers = _Numbers(data, update, pdf.size)
    signature = _SIGNATURE.match(data, update.offset(update.size - 1))
    if signature is not None:
        if not SignatureKind(signature["subfilter"], signature["handler"]).is_ours:
            raise ShapeMismatch("the sub-filter is not ours")
        numbers.end -= 1
    form, boxes = _read_pictures(numbers)
    validation_data = _read_validation_data(numbers, pdf)
    if not numbers.done:
        raise ShapeMismatch("an object of the update is of no kind of ours")
    fields = None if signature is None else _read_fields(signature)
    return update_plan(form, boxes, fields, validation_data), signature


class _Numbers:
    """The update's new objects, read one after the other."""

    def __init__(self, data: bytes, update: ReadUpdate, first: int) -> None:
        self.data = data
        self._update = update
        self.next = first
        self.end = update.size

    @property
    def done(self) -> bool:
        return self.next >= self.end

    @property
    def offset(self) -> int:
        """Of the next object. Raises ShapeMismatch."""
        return self._update.offset(self.next)

    def take(self, kind: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """The next object, if it begins as that kind does."""
        found = None if self.done else kind.match(self.data, self.offset)
        if found is not None:
            self.next += 1
        return found


def _read_fields(signature: re.Match[bytes]) -> SignatureFields:
    signed_at = None
    if signature["time"] is not None:
        try:
            signed_at = datetime.strptime(signature["time"].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            raise ShapeMismatch("the signing time is no time") from None
    return SignatureFields(
        subfilter=signature["subfilter"],
        name=signature["name"] or b"",
        reason=signature["reason"] or b"",
        signed_at=signed_at,
        contents_reserve=(int(signature["b"]) - int(signature["a"]) - 2) // 2,
        certification=int(signature["level"] or 0),
        handler=signature["handler"],
    )


def _read_pictures(numbers: _Numbers) -> tuple[bytes | None, tuple[SealBox, ...]]:
    """The picture's form and where it stands; its parts, where it is shown in parts."""
    form = _read_form(numbers)
    parts: dict[int, bytes] = {}
    while form is not None and (part := numbers.take(_PART)) is not None:
        parts[numbers.next - 1] = part[1]
    boxes: list[SealBox] = []
    while (annotation := numbers.take(_ANNOTATION)) is not None:
        end = numbers.data.find(_OBJECT_END, annotation.start())
        shown = _APPEARANCE.search(numbers.data, annotation.start(), max(end, annotation.start()))
        if shown is not None:
            boxes.append(SealBox(int(shown[1]), shown[2], parts.get(int(shown[3]), b"")))
    return form, tuple(boxes)


def _read_form(numbers: _Numbers) -> bytes | None:
    """The body of the picture's object."""
    if numbers.done:
        return None
    start = numbers.offset + len(b"%d 0 obj\n" % numbers.next)
    head = _FORM.match(numbers.data, start)
    if head is None:
        return None
    end = head.end() + int(head[1]) + len(_FORM_END)
    if numbers.data[end - len(_FORM_END) : end] != _FORM_END:
        raise ShapeMismatch("the seal's picture is not written as ours is")
    numbers.next += 1
    return numbers.data[start:end]


def _read_validation_data(numbers: _Numbers, pdf: RevisedPdf) -> ValidationData:
    """The values that the update adds; which are what, its security store tells: ours lists those of before first."""
    values: list[bytes] = []
    while (value := numbers.take(_VALUE)) is not None:
        found = numbers.data[value.end() : value.end() + int(value[1])]
        try:
            if der_length(found) != len(found):
                raise ShapeMismatch("validation data holds more than one value")
        except GapProblem:
            raise ShapeMismatch("validation data is not DER") from None
        values.append(found)
    if not values:
        return ValidationData()
    store = numbers.take(_STORE)
    if store is None:
        raise ShapeMismatch("the security store is not written as ours is")
    before = pdf.additions.references
    certificates = (store[1] or b"").count(b"R") - len(before.certificates)
    revocation_lists = (store[2] or b"").count(b"R") - len(before.revocation_lists)
    if certificates < 0 or revocation_lists < 0 or certificates + revocation_lists > len(values):
        raise ShapeMismatch("the security store is not written as ours is")
    lists = certificates + revocation_lists
    return ValidationData(tuple(values[:certificates]), tuple(values[certificates:lists]), tuple(values[lists:]))
