"""The round red company seal as vectors: ring, star, company name on the arc, caption below. No picture to scale, no font to embed.

Glyph outlines of the pinned font are drawn as paths, so the content stands in any PDF. A picture proves nothing: the
signature behind it does.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fontTools.pens.basePen import BasePen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTCollection

from policy_render.errors import Reason, RenderError
from policy_render.fonts import FAMILIES, Fonts

# The seal is drawn in a square of this many points and scaled to its place; GB seals are 38 to 58 mm wide.
SIZE = 120.0
_RED = "0.82 0.07 0.10"
_CENTRE = SIZE / 2
_ARC_RADIUS = 44.5
_NAME_SIZE = 13.0
_CAPTION_SIZE = 9.0
_STAR_RADIUS = 15.0
# The name spans at most this angle, open at the bottom where the caption stands.
_NAME_SPAN = math.radians(232)


@dataclass(frozen=True)
class SealAppearance:
    """For a form XObject: `content` is its stream (not compressed), `bbox` its box, `resources` its resource dictionary."""

    content: bytes
    bbox: tuple[float, float, float, float]
    resources: bytes

    def compressed(self) -> bytes:
        """The content for /Filter /FlateDecode."""
        return zlib.compress(self.content, 9)


def round_seal(company: str, *, caption: str) -> SealAppearance:
    """The seal of a company. The same arguments give the same bytes.

    Raises:
        RenderError: CHARACTER_NOT_PRINTABLE, when the font lacks a character; FONT_MISSING.
    """
    parts = [f"{_RED} rg {_RED} RG", _ring(58.0, 2.6), _ring(54.6, 0.6), _star()]
    count = len(company)
    step = min(_NAME_SPAN / max(count - 1, 1), math.radians(28))
    for index, character in enumerate(company):
        angle = math.pi / 2 + step * (count - 1) / 2 - step * index
        narrow = min(1.0, step * _ARC_RADIUS / _NAME_SIZE * 1.02)
        parts.append(_glyph(character, _NAME_SIZE, narrow, _on_arc(angle)))
    left = _CENTRE - len(caption) * _CAPTION_SIZE / 2
    for index, character in enumerate(caption):
        at = (1.0, 0.0, 0.0, 1.0, left + (index + 0.5) * _CAPTION_SIZE, _CENTRE - 33.5)
        parts.append(_glyph(character, _CAPTION_SIZE, 0.95, at))
    return SealAppearance("\n".join(parts).encode("ascii"), (0.0, 0.0, SIZE, SIZE), b"<<>>")


def _ring(radius: float, width: float) -> str:
    """A circle from four Bézier curves."""
    k = radius * 4 / 3 * (math.sqrt(2) - 1)
    c, r = _CENTRE, radius
    return (
        f"{width:.2f} w {c + r:.3f} {c:.3f} m "
        f"{c + r:.3f} {c + k:.3f} {c + k:.3f} {c + r:.3f} {c:.3f} {c + r:.3f} c "
        f"{c - k:.3f} {c + r:.3f} {c - r:.3f} {c + k:.3f} {c - r:.3f} {c:.3f} c "
        f"{c - r:.3f} {c - k:.3f} {c - k:.3f} {c - r:.3f} {c:.3f} {c - r:.3f} c "
        f"{c + k:.3f} {c - r:.3f} {c + r:.3f} {c - k:.3f} {c + r:.3f} {c:.3f} c h S"
    )


def _star() -> str:
    points = []
    for index in range(10):
        # inner radius of a regular five-pointed star
        radius = _STAR_RADIUS if index % 2 == 0 else _STAR_RADIUS * 0.381966
        angle = math.pi / 2 + index * math.pi / 5
        points.append(f"{_CENTRE + radius * math.cos(angle):.3f} {_CENTRE + 2 + radius * math.sin(angle):.3f}")
    return f"{points[0]} m " + " ".join(f"{point} l" for point in points[1:]) + " h f"


def _on_arc(angle: float) -> tuple[float, float, float, float, float, float]:
    """The transformation that puts a glyph's middle onto the arc, its foot towards the centre."""
    turn = angle - math.pi / 2
    cos, sin = math.cos(turn), math.sin(turn)
    return (cos, sin, -sin, cos, _CENTRE + _ARC_RADIUS * math.cos(angle), _CENTRE + _ARC_RADIUS * math.sin(angle))


class _PathPen(BasePen):  # type: ignore[misc]  # fontTools has no types
    """Writes outlines as PDF path operators."""

    def __init__(self, glyph_set: Any) -> None:
        super().__init__(glyph_set)
        self.operators: list[str] = []

    def _moveTo(self, pt: tuple[float, float]) -> None:  # noqa: N802 - fontTools' name
        self.operators.append(f"{pt[0]:.2f} {pt[1]:.2f} m")

    def _lineTo(self, pt: tuple[float, float]) -> None:  # noqa: N802 - fontTools' name
        self.operators.append(f"{pt[0]:.2f} {pt[1]:.2f} l")

    def _curveToOne(self, pt1: tuple[float, float], pt2: tuple[float, float], pt3: tuple[float, float]) -> None:  # noqa: N802 - fontTools' name
        self.operators.append(" ".join(f"{x:.2f} {y:.2f}" for x, y in (pt1, pt2, pt3)) + " c")

    def _closePath(self) -> None:  # noqa: N802 - fontTools' name
        self.operators.append("h")


@lru_cache(maxsize=1)
def _seal_font() -> Any:
    files = Fonts.load().files
    bold = next(file for file in files if file.name == "NotoSansCJK-Bold.ttc")
    return next(
        font for font in TTCollection(str(bold), lazy=True).fonts if font["name"].getDebugName(1) == FAMILIES[0]
    )


def _glyph(character: str, size: float, narrow: float, place: tuple[float, float, float, float, float, float]) -> str:
    """A filled glyph, its middle at the place's origin."""
    font = _seal_font()
    name = font.getBestCmap().get(ord(character))
    if name is None:
        raise RenderError(
            Reason.CHARACTER_NOT_PRINTABLE,
            f"the seal's font lacks {character} (U+{ord(character):04X})",
            "Change [seal] company or caption.",
        )
    glyphs = font.getGlyphSet()
    units = font["head"].unitsPerEm
    scale = size / units
    # the ideographic em box reaches from -0.12 to 0.88: its middle is 0.38 above the baseline
    a, b, c, d, e, f = place
    middle_x, middle_y = glyphs[name].width / 2, 0.38 * units
    x_scale = scale * narrow
    pen = _PathPen(glyphs)
    glyphs[name].draw(
        TransformPen(
            pen,
            (
                a * x_scale,
                b * x_scale,
                c * scale,
                d * scale,
                e - a * x_scale * middle_x - c * scale * middle_y,
                f - b * x_scale * middle_x - d * scale * middle_y,
            ),
        )
    )
    return " ".join([*pen.operators, "f"])
