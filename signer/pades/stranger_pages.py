"""Where seals stand on a stranger's pages, turned, cropped and scaled as those may be, and the annotations that show them.

Runs in the inspector's process, on pyHanko's objects. Not for the signature behind the picture: `stranger_sealing`.
"""

# mypy: disallow-untyped-calls = False
# pyHanko's writers have no types.
from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from signer.pades.page_geometry import UPRIGHT, Box, PageGeometry
from signer.pades.seal_place import BoxPlace, CrossPagePlace, pages_of_strips
from signer.pades.signed_revision import entry
from signer.pades.stranger_pictures import add_picture, form_object, rectangle_of
from signer.pades.stranger_plan import StrangerPlan, Unsafe, UnsafeToSeal

MAX_PAGES = 10_000
_MAX_DEPTH = 64
_STAMP_FLAGS = 4 + 64 + 128  # Print, ReadOnly, Locked
_STAMP_TEXT = "电子签章图样：法律效力以文件的数字签名为准"
_A4 = (0.0, 0.0, 595.276, 841.89)


@dataclass(frozen=True)
class ShownSeal:
    """`index`: the page's, from 0. `box`: the annotation's rectangle. `part`: of the picture's own box, what shows there.

    `picture`: which of the plan's.
    """

    index: int
    page: Any
    box: Box
    part: Box
    rotation: int
    picture: int = 0


def pages_of(reader: PdfFileReader) -> Iterator[tuple[Any, Any]]:
    """Every page with its reference, in order. Raises UnsafeToSeal for a tree that is none."""
    seen: set[Any] = set()
    waiting = [(reader.root.raw_get("/Pages"), 0)]
    count = 0
    while waiting:
        reference, depth = waiting.pop()
        node = reference.get_object()
        kids = entry(node, "/Kids", None)
        if reference.reference in seen or depth > _MAX_DEPTH:
            raise UnsafeToSeal(Unsafe.DAMAGED)
        seen.add(reference.reference)
        if kids is not None:
            waiting.extend((kids.raw_get(index), depth + 1) for index in reversed(range(len(kids))))
            continue
        count += 1
        if count > MAX_PAGES:
            raise UnsafeToSeal(Unsafe.TOO_MANY_PAGES)
        yield node, reference


def places_on(reader: PdfFileReader, plan: StrangerPlan) -> list[ShownSeal]:
    """Where the plan's picture stands. Raises UnsafeToSeal for places that are not on the document."""
    wanted = [*((0, place) for place in plan.places), *plan.beside]
    if not wanted:
        return []
    pages = list(pages_of(reader))
    found: list[ShownSeal] = []
    for picture, place in wanted:
        box = plan.pictures[picture].bbox
        there = _strips(pages, place, box) if isinstance(place, CrossPagePlace) else [_whole(pages, place, box)]
        found += [replace(seal, picture=picture) for seal in there]
    return found


def show_seal(writer: IncrementalPdfFileWriter, plan: StrangerPlan, shown: Sequence[ShownSeal], field: Any) -> None:
    """Gives the signature field its picture, where the plan has places for it, and every further place a stamp."""
    forms = {number: add_picture(writer, plan.pictures[number]) for number in {seal.picture for seal in shown}}
    stamps = list(shown)
    if plan.places:
        first = stamps.pop(0)
        window = writer.add_object(_window(forms[first.picture], first))
        field["/AP"] = generic.DictionaryObject({pdf_name("/N"): window})
        field["/Rect"] = rectangle_of(first.box)
    for seal in stamps:
        window = writer.add_object(_window(forms[seal.picture], seal))
        stamp = generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Annot"),
                pdf_name("/Subtype"): pdf_name("/Stamp"),
                pdf_name("/Contents"): generic.TextStringObject(_STAMP_TEXT),
                pdf_name("/F"): generic.NumberObject(_STAMP_FLAGS),
                pdf_name("/P"): seal.page,
                pdf_name("/Rect"): rectangle_of(seal.box),
                pdf_name("/AP"): generic.DictionaryObject({pdf_name("/N"): window}),
            }
        )
        writer.register_annotation(seal.page, writer.add_object(stamp))


def _whole(pages: Sequence[tuple[Any, Any]], place: BoxPlace, picture: Box) -> ShownSeal:
    if not 1 <= place.page <= len(pages):
        raise UnsafeToSeal(Unsafe.NO_SUCH_PAGE)
    left, bottom, right, top = picture
    height_mm = place.width_mm * (top - bottom) / (right - left)
    return _shown(pages, place.page, (place.x_mm, place.y_mm, place.width_mm, height_mm), picture)


def _strips(pages: Sequence[tuple[Any, Any]], place: CrossPagePlace, picture: Box) -> Iterator[ShownSeal]:
    if len(pages) < 2:
        raise UnsafeToSeal(Unsafe.ONE_PAGE)
    left, bottom, right, top = picture
    height_mm = place.width_mm * (top - bottom) / (right - left)
    for page, position, count in pages_of_strips(len(pages), place.width_mm):
        strip_mm, part = place.width_mm / count, (right - left) / count
        page_mm = geometry_of(pages[page - 1][0]).size_mm[0]
        shown = (left + position * part, bottom, left + (position + 1) * part, top)
        yield _shown(pages, page, (page_mm - strip_mm / 2, place.y_mm, strip_mm, height_mm), shown)


def _shown(pages: Sequence[tuple[Any, Any]], page: int, at: tuple[float, float, float, float], part: Box) -> ShownSeal:
    node, reference = pages[page - 1]
    geometry = geometry_of(node)
    if not all(math.isfinite(value) for value in at) or not geometry.holds(*at):
        raise UnsafeToSeal(Unsafe.OFF_PAGE)
    return ShownSeal(page - 1, reference, geometry.rectangle(*at), part, geometry.rotation)


def geometry_of(page: Any) -> PageGeometry:
    """How a page is shown; inheritable entries are looked up in the tree above it (ISO 32000-1, 7.7.3.4)."""
    media = _box(_inherited(page, "/MediaBox")) or _A4
    crop = _box(_inherited(page, "/CropBox")) or media
    shown = (max(media[0], crop[0]), max(media[1], crop[1]), min(media[2], crop[2]), min(media[3], crop[3]))
    if shown[0] >= shown[2] or shown[1] >= shown[3]:
        shown = media
    rotation = int(_inherited(page, "/Rotate") or 0) % 360
    if rotation not in UPRIGHT:
        raise UnsafeToSeal(Unsafe.DAMAGED)
    unit = float(entry(page, "/UserUnit", 1))
    if not 0.01 <= unit <= 1000:
        raise UnsafeToSeal(Unsafe.DAMAGED)
    return PageGeometry(shown, rotation, unit)


def _inherited(page: Any, name: str) -> Any:
    node = page
    for _ in range(_MAX_DEPTH):
        if name in node:
            return node[name]
        if "/Parent" not in node:
            return None
        node = node["/Parent"]
    return None


def _box(value: Any) -> Box | None:
    if value is None or len(value) != 4:
        return None
    x0, y0, x1, y1 = (float(number) for number in value)
    return (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def _window(form: Any, seal: ShownSeal) -> generic.StreamObject:
    """A form that shows a part of the picture, upright on the page."""
    resources = generic.DictionaryObject({pdf_name("/XObject"): generic.DictionaryObject({pdf_name("/S"): form})})
    window = form_object(seal.part, b"/S Do", resources)
    window[pdf_name("/Matrix")] = rectangle_of(UPRIGHT[seal.rotation])
    return window
