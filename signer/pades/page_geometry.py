"""A page as people see it, and as its objects have it: cropped, turned, scaled. ISO 32000-1, 7.7.3.3 and 14.11.2.

Millimetres count from the shown page's top left, y downwards; user space has its own origin and unit. Opens nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

_POINTS_PER_MM = 72 / 25.4
# Rounding must not push a seal off a page that it just fits on.
_TOLERANCE_MM = 0.001

Box = tuple[float, float, float, float]
# What turns an upright picture so that it stands upright on a turned page (8.3.3), by the page's /Rotate.
UPRIGHT = {0: (1, 0, 0, 1, 0, 0), 90: (0, 1, -1, 0, 0, 0), 180: (-1, 0, 0, -1, 0, 0), 270: (0, -1, 1, 0, 0, 0)}


@dataclass(frozen=True)
class PageGeometry:
    """`box`: what is shown of the page, in user space. `rotation`: 0, 90, 180 or 270 degrees clockwise. `unit`: points of one user unit."""

    box: Box
    rotation: int
    unit: float

    @property
    def _per_mm(self) -> float:
        return _POINTS_PER_MM / self.unit

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height as shown."""
        left, bottom, right, top = self.box
        width, height = (right - left) / self._per_mm, (top - bottom) / self._per_mm
        return (height, width) if self.rotation in {90, 270} else (width, height)

    def holds(self, x_mm: float, y_mm: float, width_mm: float, height_mm: float) -> bool:
        """Whether a rectangle with that middle lies on the shown page."""
        page_width, page_height = self.size_mm
        return (
            x_mm - width_mm / 2 >= -_TOLERANCE_MM
            and x_mm + width_mm / 2 <= page_width + _TOLERANCE_MM
            and y_mm - height_mm / 2 >= -_TOLERANCE_MM
            and y_mm + height_mm / 2 <= page_height + _TOLERANCE_MM
        )

    def rectangle(self, x_mm: float, y_mm: float, width_mm: float, height_mm: float) -> Box:
        """The user space rectangle of one given as shown, by its middle."""
        x, y = self._to_user(x_mm, y_mm)
        half_width, half_height = width_mm * self._per_mm / 2, height_mm * self._per_mm / 2
        if self.rotation in {90, 270}:
            half_width, half_height = half_height, half_width
        return (x - half_width, y - half_height, x + half_width, y + half_height)

    def to_shown(self, x: float, y: float) -> tuple[float, float]:
        """Millimetres as shown, from user space."""
        left, bottom, right, top = self.box
        shown = {
            0: (x - left, top - y),
            90: (y - bottom, x - left),
            180: (right - x, y - bottom),
            270: (top - y, right - x),
        }[self.rotation]
        return shown[0] / self._per_mm, shown[1] / self._per_mm

    def _to_user(self, x_mm: float, y_mm: float) -> tuple[float, float]:
        left, bottom, right, top = self.box
        x, y = x_mm * self._per_mm, y_mm * self._per_mm
        return {
            0: (left + x, top - y),
            90: (left + y, bottom + x),
            180: (right - x, bottom + y),
            270: (right - y, top - x),
        }[self.rotation]
