"""Where a seal picture stands: from millimetres as callers give them to PDF rectangles, on one page or cut over all of them (骑缝章).

Not for finding places by text: those come as boxes, once somebody looked them up (`keyword`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from signer.errors import Reason, RequestError
from signer.pades.revised_pdf import RevisedPdf
from signer.pades.update_plan import SealBox

_POINTS_PER_MM = 72 / 25.4
# A seal that nobody can see or that hides a page is a mistake of the caller.
_WIDTH_MM = (1.0, 300.0)
# Rounding to three decimals must not push a seal off a page that it just fits on.
_TOLERANCE = 0.001
# A narrower strip shows nothing of a seal; more pages than fit side by side get another whole seal.
_NARROWEST_STRIP_MM = 2.0


@dataclass(frozen=True)
class BoxPlace:
    """Page (from 1) and millimetres: origin at the page's top left, y downward, (x, y) is the picture's centre."""

    page: int
    x_mm: float
    y_mm: float
    width_mm: float


@dataclass(frozen=True)
class CrossPagePlace:
    """A seal across the right edges of all pages: each shows a strip of it. `y_mm`: its middle, from the top. `width_mm`: the whole's."""

    y_mm: float
    width_mm: float


def seal_boxes(
    pdf: RevisedPdf, places: Sequence[BoxPlace | CrossPagePlace], box: tuple[float, float, float, float]
) -> tuple[SealBox, ...]:
    """The rectangles for a picture with that bounding box, at all places. Raises as `seal_box` does."""
    left, bottom, right, top = box
    found: list[SealBox] = []
    for place in places:
        if isinstance(place, CrossPagePlace):
            found += _strips(pdf, place, box)
        else:
            found.append(seal_box(pdf, place, (top - bottom) / (right - left)))
    return tuple(found)


def _strips(pdf: RevisedPdf, place: CrossPagePlace, box: tuple[float, float, float, float]) -> Iterator[SealBox]:
    """From the first page's strip, the leftmost of the picture, to the last page's."""
    pages = pdf.page_count()
    _check_measures(place.y_mm, place.width_mm, width_mm=place.width_mm)
    if pages < 2:
        raise RequestError(
            Reason.SEAL_PLACE_OFF_PAGE,
            "a seal across pages needs two pages at least, the document has one",
            "Give a box or a keyword.",
        )
    left, bottom, right, top = box
    for page, position, count in pages_of_strips(pages, place.width_mm):
        strip_mm, part = place.width_mm / count, (right - left) / count
        page_object = _page(pdf, page)
        page_mm = (pdf.media_box(page_object).right - pdf.media_box(page_object).left) / _POINTS_PER_MM
        at = BoxPlace(page, page_mm - strip_mm / 2, place.y_mm, strip_mm)
        shown = (left + position * part, bottom, left + (position + 1) * part, top)
        rectangle = _rectangle(pdf, page_object, at, (top - bottom) / part)
        yield SealBox(page_object, rectangle, b" ".join(number(value) for value in shown))


def pages_of_strips(pages: int, width_mm: float) -> Iterator[tuple[int, int, int]]:
    """Each page (from 1), its strip's place in a seal (from 0), and into how many strips that seal is cut.

    Many pages get several seals, one after the other, so that no strip is too narrow to show anything.
    """
    most = max(2, int(width_mm // _NARROWEST_STRIP_MM))
    groups = math.ceil(pages / most)
    for group in range(groups):
        first, end = group * pages // groups + 1, (group + 1) * pages // groups + 1
        for page in range(first, end):
            yield page, page - first, end - first


def seal_box(pdf: RevisedPdf, place: BoxPlace, height_to_width: float) -> SealBox:
    """The rectangle for a picture of that proportion.

    Raises:
        RequestError: SEAL_INVALID (not a number, or a senseless width), SEAL_PLACE_OFF_PAGE (no such page, or not
            wholly on it).
        PdfLayoutError: the page is not as the renderer writes pages.
    """
    _check_measures(place.x_mm, place.y_mm, width_mm=place.width_mm)
    page_object = _page(pdf, place.page)
    return SealBox(page_object, _rectangle(pdf, page_object, place, height_to_width))


def _check_measures(*coordinates: float, width_mm: float) -> None:
    if not all(math.isfinite(value) for value in (*coordinates, width_mm)):
        raise RequestError(Reason.SEAL_INVALID, "a seal's place must be given in finite numbers", "Give millimetres.")
    if not _WIDTH_MM[0] <= width_mm <= _WIDTH_MM[1]:
        raise RequestError(
            Reason.SEAL_INVALID,
            f"a seal can't be {width_mm:g} mm wide",
            f"Give a width from {_WIDTH_MM[0]:g} to {_WIDTH_MM[1]:g} mm; 40 mm is usual.",
        )


def _page(pdf: RevisedPdf, page: int) -> int:
    page_object = pdf.page_object(page)
    if page_object is None:
        raise RequestError(
            Reason.SEAL_PLACE_OFF_PAGE,
            f"the document has no page {page}",
            "Pages count from 1; look at the rendered document.",
        )
    return page_object


def _rectangle(pdf: RevisedPdf, page_object: int, place: BoxPlace, height_to_width: float) -> bytes:
    box = pdf.media_box(page_object)
    centre_x = box.left + place.x_mm * _POINTS_PER_MM
    centre_y = box.top - place.y_mm * _POINTS_PER_MM
    half_width = place.width_mm * _POINTS_PER_MM / 2
    half_height = half_width * height_to_width
    left, right = centre_x - half_width, centre_x + half_width
    bottom, top = centre_y - half_height, centre_y + half_height
    if (
        left < box.left - _TOLERANCE
        or right > box.right + _TOLERANCE
        or bottom < box.bottom - _TOLERANCE
        or top > box.top + _TOLERANCE
    ):
        page_width, page_height = (box.right - box.left) / _POINTS_PER_MM, (box.top - box.bottom) / _POINTS_PER_MM
        raise RequestError(
            Reason.SEAL_PLACE_OFF_PAGE,
            f"a seal of {place.width_mm:g} × {place.width_mm * height_to_width:g} mm at ({place.x_mm:g}, {place.y_mm:g}) mm "
            f"is off page {place.page}",
            f"The page is {page_width:.0f} by {page_height:.0f} mm; x and y are the seal's centre from the top left.",
        )
    return b" ".join(number(value) for value in (left, bottom, right, top))


def number(value: float) -> bytes:
    """A PDF real with up to three decimals, the shortest way."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return b"0" if text in {"-0", ""} else text.encode()
