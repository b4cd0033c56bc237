"""Writes the one incremental update that seals a rendered PDF. ISO 32000-1, 7.5.6 (update), 12.8.1 (signature).

A pure function from a `SealPlan` to bytes: the embedder calls it to seal, the shape gate calls it to say what a sealed
file must look like. So whoever changes a byte here must know: files sealed before no longer pass the gate, and the
inspector judges them, more slowly. Not for deciding where a seal stands or what it says: `embed` does.

Layout: line feed, catalog, pages with annotations (by number), form XObject, signature widget, stamps, signature
dictionary, cross-reference table, trailer. The signature dictionary comes last: what it covers is known before it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from signer.pades.rendered_pdf import PdfLayoutError, RenderedPdf

# Print, which PDF/A asks for; the widget is also Locked, stamps ReadOnly and Locked (ISO 32000-1, table 165).
_WIDGET_FLAGS = 4 + 128
_STAMP_FLAGS = 4 + 64 + 128
_BYTE_RANGE_WIDTH = 36  # "[0 a b c]" with numbers of up to ten digits
_ANNOTATIONS = re.compile(rb"/Annots\[((?:[1-9]\d{0,6} 0 R ?)+)\]")


@dataclass(frozen=True)
class SealBox:
    """Where a seal stands: the page's object number and the /Rect entries (PDF units) as they are written."""

    page_object: int
    rectangle: bytes


@dataclass(frozen=True)
class SignatureFields:
    """What the signature dictionary says in the clear; `name` and `reason` are PDF strings with their brackets."""

    subfilter: bytes
    name: bytes
    reason: bytes
    signed_at: datetime
    contents_reserve: int


@dataclass(frozen=True)
class SealPlan:
    """All that one update depends on beside the document.

    `form`: body of the XObject that shows the seal, None with no boxes. `boxes`: the first is the signature field's.
    `tooltip`, `stamp_text`: PDF strings with their brackets.
    """

    form: bytes | None
    boxes: tuple[SealBox, ...]
    tooltip: bytes
    stamp_text: bytes
    signature: SignatureFields


@dataclass(frozen=True)
class SealUpdate:
    """The update's bytes with a gap for the signature: `before` ends in front of "<", `after` begins behind ">"."""

    before: bytes
    after: bytes
    gap: int


def write_update(pdf: RenderedPdf, plan: SealPlan) -> SealUpdate:
    """The update that seals a document as planned.

    Raises:
        PdfLayoutError: the document is not laid out as the renderer writes it.
    """
    objects = _Objects(pdf)
    form_number = objects.reserve() if plan.form is not None else 0
    field_numbers = [objects.reserve() for _ in plan.boxes or (None,)]
    signature_number = objects.reserve()
    objects.add(pdf.root, _catalog(pdf, field_numbers[0]))
    for page, numbers in _by_page(plan.boxes, field_numbers).items():
        objects.add(page, _page(pdf, page, numbers))
    if plan.form is not None:
        objects.add(form_number, plan.form)
    objects.add(field_numbers[0], _widget(plan, form_number, signature_number))
    for box, number in zip(plan.boxes[1:], field_numbers[1:], strict=True):
        objects.add(number, _stamp(plan, box, form_number))
    return _with_signature(objects, signature_number, plan.signature)


def byte_range(before: int, gap: int, after: int) -> bytes:
    """The /ByteRange array around a gap, at its fixed width. ISO 32000-1, 12.8.1."""
    return (b"[0 %d %d %d]" % (before, before + gap, after)).ljust(_BYTE_RANGE_WIDTH)


class _Objects:
    """The update's objects as they are written, and where each begins in the file."""

    def __init__(self, pdf: RenderedPdf) -> None:
        self.pdf = pdf
        self.parts = [b"\n"]
        self.position = len(pdf.data) + 1
        self.offsets: dict[int, int] = {}
        self.next_number = pdf.size

    def reserve(self) -> int:
        self.next_number += 1
        return self.next_number - 1

    def add(self, number: int, body: bytes) -> None:
        written = b"%d 0 obj\n%b\nendobj\n" % (number, body)
        self.offsets[number] = self.position
        self.parts.append(written)
        self.position += len(written)


def _by_page(boxes: tuple[SealBox, ...], numbers: list[int]) -> dict[int, list[int]]:
    pages: dict[int, list[int]] = {}
    for box, number in zip(boxes, numbers, strict=False):  # an invisible signature has a field and no box
        pages.setdefault(box.page_object, []).append(number)
    return dict(sorted(pages.items()))


def _catalog(pdf: RenderedPdf, field_number: int) -> bytes:
    # SigFlags 3: SignaturesExist, AppendOnly (ISO 32000-1, table 219).
    return b"%b/AcroForm<</Fields[%d 0 R]/SigFlags 3>>>>" % (pdf.dictionary(pdf.root)[:-2], field_number)


def _page(pdf: RenderedPdf, page: int, numbers: list[int]) -> bytes:
    body = pdf.page_dictionary(page)
    added = b" ".join(b"%d 0 R" % number for number in numbers)
    if b"/Annots" not in body:
        return b"%b/Annots[%b]>>" % (body[:-2], added)
    existing = _ANNOTATIONS.search(body)
    if existing is None:
        raise PdfLayoutError("a page lists its annotations in an unknown way")
    return b"%b %b%b" % (body[: existing.end(1)], added, body[existing.end(1) :])


def _widget(plan: SealPlan, form_number: int, signature_number: int) -> bytes:
    """Field and widget in one, ISO 32000-1, 12.5.6.19 and 12.7.4.5; invisible: an empty rectangle and no appearance."""
    shown = b"/Rect[0 0 0 0]"
    if plan.boxes:
        box = plan.boxes[0]
        shown = b"/P %d 0 R/Rect[%b]/AP<</N %d 0 R>>" % (box.page_object, box.rectangle, form_number)
    return b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Seal)/TU%b/V %d 0 R/F %d%b>>" % (
        plan.tooltip,
        signature_number,
        _WIDGET_FLAGS,
        shown,
    )


def _stamp(plan: SealPlan, box: SealBox, form_number: int) -> bytes:
    return b"<</Type/Annot/Subtype/Stamp/Contents%b/F %d/P %d 0 R/Rect[%b]/AP<</N %d 0 R>>>>" % (
        plan.stamp_text,
        _STAMP_FLAGS,
        box.page_object,
        box.rectangle,
        form_number,
    )


def _with_signature(objects: _Objects, number: int, fields: SignatureFields) -> SealUpdate:
    head = b"%d 0 obj\n<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/%b/Name%b%b/M(D:%b+00'00')/ByteRange" % (
        number,
        fields.subfilter,
        fields.name,
        b"/Reason" + fields.reason if fields.reason else b"",
        fields.signed_at.strftime("%Y%m%d%H%M%S").encode(),
    )
    middle, gap, end = b"/Contents", 2 * fields.contents_reserve + 2, b">>\nendobj\n"
    objects.offsets[number] = objects.position
    before = objects.position + len(head) + _BYTE_RANGE_WIDTH + len(middle)
    digest = hashlib.sha256(b"".join(objects.parts) + head).hexdigest()[:32].encode()
    closing = _table_and_trailer(objects, before + gap + len(end), digest)
    after = end + closing
    covered = byte_range(before, gap, len(after))
    return SealUpdate(b"".join([*objects.parts, head, covered, middle]), after, gap)


def _table_and_trailer(objects: _Objects, offset: int, identifier: bytes) -> bytes:
    """The update's cross-reference table, trailer and end; the second /ID string is new with each update (14.4)."""
    lines = [b"xref\n"]
    numbers = sorted(objects.offsets)
    start = 0
    for index, number in enumerate(numbers):
        if index + 1 == len(numbers) or numbers[index + 1] != number + 1:
            lines.append(b"%d %d\n" % (numbers[start], index + 1 - start))
            lines.extend(b"%010d 00000 n\r\n" % objects.offsets[each] for each in numbers[start : index + 1])
            start = index + 1
    pdf = objects.pdf
    lines.append(
        b"trailer\n<</Size %d/Root %d 0 R%b/ID[(%b)<%b>]/Prev %d>>\nstartxref\n%d\n%%%%EOF\n"
        % (objects.next_number, pdf.root, pdf.info, pdf.identifier, identifier, pdf.xref_offset, offset)
    )
    return b"".join(lines)
