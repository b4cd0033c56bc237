"""Writes one incremental update to a document of ours: a seal, a document timestamp, validation data. ISO 32000-1, 7.5.6, 12.8.1.

A pure function from a plan to bytes: the embedder calls it to seal, the shape gate calls it to say what a sealed file must look like.
So whoever changes a byte here must know: files sealed before no longer pass the gate, and the inspector judges them, more slowly. Not
for deciding where a seal stands or what it says: `embed` does.

Layout: line feed, catalog, pages with annotations (by number), pictures (form XObject and what it draws with), their parts, signature
widget, stamps, validation data, signature dictionary, cross-reference table, trailer. The signature dictionary comes last: what it
covers is known before it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from signer.pades import update_objects
from signer.pades.rendered_pdf import PdfLayoutError
from signer.pades.revised_pdf import Additions, RevisedPdf, ValidationReferences
from signer.pades.update_plan import SignatureFields, UpdatePlan

_BYTE_RANGE_WIDTH = 36  # "[0 a b c]" with numbers of up to ten digits
_ANNOTATIONS = re.compile(rb"/Annots\[((?:[1-9]\d{0,6} 0 R ?)+)\]")


@dataclass(frozen=True)
class Update:
    """The update's bytes with a gap for the signature: `before` ends in front of "<", `after` begins behind ">".

    Without a signature `gap` is 0. The rest is what the document has become by it, as in `RevisedPdf`.
    """

    before: bytes
    after: bytes
    gap: int
    size: int
    xref_offset: int
    offsets: Mapping[int, int] = field(repr=False)
    additions: Additions


def write_update(pdf: RevisedPdf, plan: UpdatePlan) -> Update:
    """The update that does what is planned.

    Raises:
        PdfLayoutError: the document is not laid out as the renderer writes it.
    """
    objects = _Objects(pdf)
    numbers = _Numbers.reserve(objects, plan)
    additions = _additions(pdf.additions, plan, numbers)
    objects.add(pdf.rendered.root, update_objects.catalog(pdf, additions))
    for page, shown in _by_page(plan, numbers.annotations).items():
        objects.add(page, _page(pdf, page, shown))
    _add_pictures(objects, plan, numbers)
    for number, value in zip(numbers.values, plan.validation_data.values, strict=True):
        objects.add(number, update_objects.stream(value))
    if numbers.store:
        objects.add(numbers.store, update_objects.security_store(additions.references))
    if plan.signature is None:
        return _closed(objects, additions)
    return _with_signature(objects, numbers.signature, plan.signature, additions)


def byte_range(before: int, gap: int, after: int) -> bytes:
    """The /ByteRange array around a gap, at its fixed width. ISO 32000-1, 12.8.1."""
    return (b"[0 %d %d %d]" % (before, before + gap, after)).ljust(_BYTE_RANGE_WIDTH)


class _Objects:
    """The update's objects as they are written, and where each begins in the file."""

    def __init__(self, pdf: RevisedPdf) -> None:
        self.pdf = pdf
        self.parts = [b"\n"]
        self.position = len(pdf.data) + 1
        self.offsets: dict[int, int] = {}
        self.next_number = pdf.size

    def reserve(self, count: int = 1) -> tuple[int, ...]:
        first = self.next_number
        self.next_number += count
        return tuple(range(first, self.next_number))

    def add(self, number: int, body: bytes) -> None:
        written = b"%d 0 obj\n%b\nendobj\n" % (number, body)
        self.offsets[number] = self.position
        self.parts.append(written)
        self.position += len(written)


@dataclass(frozen=True)
class _Numbers:
    """The numbers of the update's new objects, in their order; 0 and () for what there is none of."""

    pictures: tuple[tuple[int, ...], ...]  # of each picture its form's and its objects'
    parts: tuple[int, ...]  # one for each box that shows a part
    annotations: tuple[int, ...]  # the field, then the stamps
    values: tuple[int, ...]
    store: int
    signature: int

    @classmethod
    def reserve(cls, objects: _Objects, plan: UpdatePlan) -> _Numbers:
        pictures = tuple(objects.reserve(1 + len(picture.objects)) for picture in plan.pictures)
        parts = objects.reserve(sum(bool(box.part) for box in plan.boxes))
        annotations = objects.reserve(1 + len(plan.stamps) if plan.signature is not None else 0)
        values = objects.reserve(len(plan.validation_data.values))
        store = objects.reserve()[0] if values else 0
        signature = objects.reserve()[0] if plan.signature is not None else 0
        return cls(pictures, parts, annotations, values, store, signature)


def _additions(before: Additions, plan: UpdatePlan, numbers: _Numbers) -> Additions:
    after = before
    if plan.signature is not None:
        after = replace(after, fields=(*before.fields, numbers.annotations[0]))
        if plan.signature.certification:
            after = replace(after, certifying=numbers.signature)
    if not numbers.store:
        return after
    old, new = before.references, plan.validation_data
    lists = len(new.certificates) + len(new.revocation_lists)
    references = ValidationReferences(
        old.certificates + numbers.values[: len(new.certificates)],
        old.revocation_lists + numbers.values[len(new.certificates) : lists],
        old.ocsp_responses + numbers.values[lists:],
    )
    return replace(after, validation_data=numbers.store, references=references)


def _add_pictures(objects: _Objects, plan: UpdatePlan, numbers: _Numbers) -> None:
    """The pictures, their parts, and the annotations that show them."""
    for picture, own in zip(plan.pictures, numbers.pictures, strict=True):
        for number, body in zip(own, (picture.form, *picture.objects), strict=True):
            objects.add(number, body)
    parts = iter(numbers.parts)
    forms = [numbers.pictures[box.picture][0] for box in plan.boxes]
    appearances = [next(parts) if box.part else form for box, form in zip(plan.boxes, forms, strict=True)]
    for box, form, appearance in zip(plan.boxes, forms, appearances, strict=True):
        if box.part:
            objects.add(appearance, update_objects.part_of(form, box.part))
    if plan.signature is None:
        return
    ordinal = len(objects.pdf.additions.fields) + 1
    first = 0 if plan.field_box is None else appearances.pop(0)
    widget = update_objects.widget(plan, plan.signature, ordinal, first, numbers.signature)
    objects.add(numbers.annotations[0], widget)
    for box, number, appearance in zip(plan.stamps, numbers.annotations[1:], appearances, strict=True):
        objects.add(number, update_objects.stamp(plan, box, appearance))


def _by_page(plan: UpdatePlan, numbers: tuple[int, ...]) -> dict[int, list[int]]:
    """Each page with its annotations; an invisible field is on none."""
    shown = numbers if plan.field_box is not None else numbers[1:]
    pages: dict[int, list[int]] = {}
    for box, number in zip(plan.boxes, shown, strict=True):
        pages.setdefault(box.page_object, []).append(number)
    return dict(sorted(pages.items()))


def _page(pdf: RevisedPdf, page: int, numbers: list[int]) -> bytes:
    body = pdf.page_dictionary(page)
    added = b" ".join(b"%d 0 R" % number for number in numbers)
    if b"/Annots" not in body:
        return b"%b/Annots[%b]>>" % (body[:-2], added)
    existing = _ANNOTATIONS.search(body)
    if existing is None:
        raise PdfLayoutError("a page lists its annotations in an unknown way")
    return b"%b %b%b" % (body[: existing.end(1)], added, body[existing.end(1) :])


def _with_signature(objects: _Objects, number: int, fields: SignatureFields, additions: Additions) -> Update:
    head = b"%d 0 obj\n%b/ByteRange" % (number, update_objects.signature_head(fields))
    middle, gap, end = b"/Contents", 2 * fields.contents_reserve + 2, b">>\nendobj\n"
    objects.offsets[number] = objects.position
    before = objects.position + len(head) + _BYTE_RANGE_WIDTH + len(middle)
    digest = hashlib.sha256(b"".join(objects.parts) + head).hexdigest()[:32].encode()
    xref_offset = before + gap + len(end)
    after = end + _table_and_trailer(objects, xref_offset, digest)
    covered = byte_range(before, gap, len(after))
    written = b"".join([*objects.parts, head, covered, middle])
    return Update(written, after, gap, objects.next_number, xref_offset, objects.offsets, additions)


def _closed(objects: _Objects, additions: Additions) -> Update:
    """An update that nobody signs."""
    written = b"".join(objects.parts)
    digest = hashlib.sha256(written).hexdigest()[:32].encode()
    xref_offset = objects.position
    closing = _table_and_trailer(objects, xref_offset, digest)
    return Update(written + closing, b"", 0, objects.next_number, xref_offset, objects.offsets, additions)


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
    rendered = pdf.rendered
    lines.append(
        b"trailer\n<</Size %d/Root %d 0 R%b/ID[(%b)<%b>]/Prev %d>>\nstartxref\n%d\n%%%%EOF\n"
        % (objects.next_number, rendered.root, rendered.info, rendered.identifier, identifier, pdf.xref_offset, offset)
    )
    return b"".join(lines)
