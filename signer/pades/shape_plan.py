"""Reads out of one update of a file what its embedder must have planned, so that the shape gate can have it written once more.

Believes nothing: whatever is read here only has to lead to the same bytes. ISO 32000-1, 7.5. Not for the verdict: `shape` compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from signer.pades.embed import MAX_TEXT_UNITS, update_plan
from signer.pades.revised_pdf import RevisedPdf
from signer.pades.seal_pictures import MAX_OBJECTS, draws_only, form_end, stream_end
from signer.pades.signature_gap import GapProblem, der_length
from signer.pades.update_plan import SealBox, SealPicture, SignatureFields, SignatureKind, UpdatePlan, ValidationData

_SECTION = re.compile(rb"([1-9]\d{0,6}) ([1-9]\d{0,3})\n")
_ENTRY = re.compile(rb"(\d{10}) 00000 n\r\n")
_ENTRY_LENGTH = 20
# Catalog, pages, pictures with their parts, field, stamps, signature: one seal on every page of the longest document.
_MOST_OBJECTS = 8_800
_APPEARANCE = re.compile(rb"/P ([1-9]\d{0,6}) 0 R/Rect\[([-0-9. ]{7,60})\]/AP<</N ([1-9]\d{0,6}) 0 R>>")
_ANNOTATION = re.compile(rb"\d{1,7} 0 obj\n<</Type/Annot/Subtype/(?:Widget|Stamp)/")
_PART = re.compile(
    rb"\d{1,7} 0 obj\n<</Type/XObject/Subtype/Form/FormType 1/BBox\[([-0-9. ]{7,60})\]/Resources<</XObject<</S ([1-9]\d{0,6}) 0 R"
)
_VALUE = re.compile(rb"\d{1,7} 0 obj\n<</Length ([1-9]\d{0,6})>>\nstream\n")
_STORE = re.compile(
    rb"\d{1,7} 0 obj\n<</Type/DSS(?:/Certs\[([^\]]*)\])?(?:/CRLs\[([^\]]*)\])?(?:/OCSPs\[([^\]]*)\])?>>\nendobj\n"
)
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
    pictures, places = _read_pictures(numbers)
    boxes, invisible_field = _read_annotations(numbers, places)
    validation_data = _read_validation_data(numbers, pdf)
    if not numbers.done:
        raise ShapeMismatch("an object of the update is of no kind of ours")
    fields = None if signature is None else _read_fields(signature)
    plan = update_plan(pictures, boxes, fields, validation_data, invisible_field=invisible_field)
    return plan, signature


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

    def take_body(self, end_of: Callable[[bytes, int], int | None]) -> bytes | None:
        """The body of the next object, if `end_of` knows where it ends."""
        if self.done:
            return None
        start = self.offset + len(b"%d 0 obj\n" % self.next)
        end = end_of(self.data, start)
        if end is None:
            return None
        self.next += 1
        return self.data[start:end]


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


# What annotations may show, by object number: which picture, and what part of it.
_Shown = Mapping[int, tuple[int, bytes]]


def _read_pictures(numbers: _Numbers) -> tuple[tuple[SealPicture, ...], _Shown]:
    """The pictures, and their parts where they are shown in parts."""
    pictures: list[SealPicture] = []
    shown: dict[int, tuple[int, bytes]] = {}
    while (found := _read_picture(numbers)) is not None:
        form_number, picture = found
        shown[form_number] = (len(pictures), b"")
        pictures.append(picture)
    while pictures and (part := numbers.take(_PART)) is not None:
        shown[numbers.next - 1] = (shown.get(int(part[2]), (0, b""))[0], part[1])
    return tuple(pictures), shown


def _read_annotations(numbers: _Numbers, pictures: _Shown) -> tuple[tuple[SealBox, ...], bool]:
    """Where pictures stand, and whether the first annotation, the field, shows none of them."""
    boxes: list[SealBox] = []
    hidden = 0
    while (annotation := numbers.take(_ANNOTATION)) is not None:
        end = numbers.data.find(_OBJECT_END, annotation.start())
        found = _APPEARANCE.search(numbers.data, annotation.start(), max(end, annotation.start()))
        if found is None:
            hidden += 1
            continue
        if not pictures:
            raise ShapeMismatch("the seal's picture is missing")
        picture, part = pictures.get(int(found[3]), (0, b""))
        boxes.append(SealBox(int(found[1]), found[2], part, picture))
    return tuple(boxes), bool(boxes) and hidden > 0


def _read_picture(numbers: _Numbers) -> tuple[int, SealPicture] | None:
    """The number of the next picture's form, and the bodies of its objects."""
    form_number = numbers.next
    form = numbers.take_body(form_end)
    if form is None:
        return None
    objects: list[bytes] = []
    while (body := numbers.take_body(stream_end)) is not None:
        objects.append(body)
    picture = SealPicture(form, tuple(objects))
    if len(objects) > MAX_OBJECTS or not draws_only(picture, form_number):
        raise ShapeMismatch("the seal's picture is not written as ours is")
    return form_number, picture


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
