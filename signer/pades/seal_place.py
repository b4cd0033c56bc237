"""Where a seal picture stands on a page: from millimetres as callers give them to a PDF rectangle.

Not for finding places by text or across pages: those come as boxes too, once somebody looked them up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from signer.errors import Reason, RequestError
from signer.pades.incremental_update import SealBox
from signer.pades.rendered_pdf import RenderedPdf

_POINTS_PER_MM = 72 / 25.4
# A seal that nobody can see or that hides a page is a mistake of the caller.
_WIDTH_MM = (1.0, 300.0)
# Rounding to three decimals must not push a seal off a page that it just fits on.
_TOLERANCE = 0.001


@dataclass(frozen=True)
class BoxPlace:
    """Page (from 1) and millimetres: origin at the page's top left, y downward, (x, y) is the picture's centre."""

    page: int
    x_mm: float
    y_mm: float
    width_mm: float


def seal_box(pdf: RenderedPdf, place: BoxPlace, height_to_width: float) -> SealBox:
    """The rectangle for a picture of that proportion.

    Raises:
        RequestError: SEAL_INVALID (not a number, or a senseless width), SEAL_PLACE_OFF_PAGE (no such page, or not
            wholly on it).
        PdfLayoutError: the page is not as the renderer writes pages.
    """
    if not all(math.isfinite(value) for value in (place.x_mm, place.y_mm, place.width_mm)):
        raise RequestError(Reason.SEAL_INVALID, "a seal's place must be given in finite numbers", "Give millimetres.")
    if not _WIDTH_MM[0] <= place.width_mm <= _WIDTH_MM[1]:
        raise RequestError(
            Reason.SEAL_INVALID,
            f"a seal can't be {place.width_mm:g} mm wide",
            f"Give a width from {_WIDTH_MM[0]:g} to {_WIDTH_MM[1]:g} mm; 40 mm is usual.",
        )
    page_object = pdf.page_object(place.page)
    if page_object is None:
        raise RequestError(
            Reason.SEAL_PLACE_OFF_PAGE,
            f"the document has no page {place.page}",
            "Pages count from 1; look at the rendered document.",
        )
    return SealBox(page_object, _rectangle(pdf, page_object, place, height_to_width))


def _rectangle(pdf: RenderedPdf, page_object: int, place: BoxPlace, height_to_width: float) -> bytes:
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
            f"a seal {place.width_mm:g} mm wide at ({place.x_mm:g}, {place.y_mm:g}) mm is off page {place.page}",
            f"The page is {page_width:.0f} by {page_height:.0f} mm; x and y are the seal's centre from the top left.",
        )
    return b" ".join(number(value) for value in (left, bottom, right, top))


def number(value: float) -> bytes:
    """A PDF real with up to three decimals, the shortest way."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return b"0" if text in {"-0", ""} else text.encode()
