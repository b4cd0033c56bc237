"""The round red company seal as vectors: ring, star, company name on the arc, caption below it, a registration code at the foot.

Glyph outlines of the pinned font are drawn as paths, so the content stands in any PDF and no font needs embedding. Not a
proof: the signature behind the picture is.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fontTools.pens.basePen import BasePen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTCollection

from policy_render.errors import Reason, RenderError
from policy_render.fonts import pinned_seal_font

# The seal is drawn in a square of this many points and scaled to its place; company seals are 38 to 58 mm wide.
SIZE = 120.0
# Of the file that a picture is drawn from.
MAX_FILE_BYTES = 1024 * 1024
_CENTRE = SIZE / 2
_RED = "0.80 0.06 0.09"  # DeviceRGB; the file's output intent is sRGB
_OUTER_RADIUS, _OUTER_WIDTH = 58.2, 3.0
_INNER_RADIUS, _INNER_WIDTH = 54.6, 0.6
_STAR_RADIUS, _STAR_ABOVE = 15.5, 3.0
# Text: size in points, the radius that the glyphs' middles stand on, and the angle that the line fills at most.
_NAME_SIZE, _NAME_RADIUS, _NAME_SPAN = 14.0, 45.2, math.radians(214)
_CAPTION_SIZE, _CAPTION_BELOW, _CAPTION_WIDTH = 9.2, 27.0, 62.0
_CODE_SIZE, _CODE_RADIUS, _CODE_SPAN = 6.0, 49.0, math.radians(92)
_NAME_STEP, _CODE_STEP = math.radians(24), math.radians(6.2)

_Matrix = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class SealAppearance:
    """For a form XObject: `content` is its stream (not compressed), `bbox` its box, `resources` its resource dictionary.

    `objects`: streams that it draws with, as PDF writes them; "n 0 R" in them and in `resources` means the nth of them, from 1.
    """

    content: bytes
    bbox: tuple[float, float, float, float]
    resources: bytes
    objects: tuple[bytes, ...] = ()

    def compressed(self) -> bytes:
        """The content for /Filter /FlateDecode."""
        return zlib.compress(self.content, 9)

    @property
    def height_to_width(self) -> float:
        """The picture's proportion."""
        left, bottom, right, top = self.bbox
        return (top - bottom) / (right - left)

    @property
    def added_bytes(self) -> int:
        """By how much a document grows that shows it."""
        return len(self.compressed()) + sum(len(each) for each in self.objects)

    def to_json(self) -> str:
        """For the way from a renderer's process."""
        streams = [base64.b64encode(each).decode() for each in (self.content, *self.objects)]
        return json.dumps({"box": self.bbox, "resources": self.resources.decode("ascii"), "streams": streams})

    @classmethod
    def from_json(cls, text: str) -> SealAppearance:
        """Reads what `to_json` wrote. Raises ValueError, KeyError, TypeError for anything else."""
        value = json.loads(text)
        content, *objects = (base64.b64decode(each) for each in value["streams"])
        left, bottom, right, top = (float(each) for each in value["box"])
        return cls(content, (left, bottom, right, top), value["resources"].encode("ascii"), tuple(objects))


def round_seal(company: str, *, caption: str, code: str = "") -> SealAppearance:
    """The seal of a company. The same arguments give the same bytes.

    Long texts are narrowed, so that they stay within their arc or line.

    Raises:
        RenderError: CHARACTER_NOT_PRINTABLE, when the font lacks a character; FONT_MISSING.
    """
    parts = [
        f"{_RED} rg {_RED} RG",
        _ring(_OUTER_RADIUS, _OUTER_WIDTH),
        _ring(_INNER_RADIUS, _INNER_WIDTH),
        _star(),
        *_on_upper_arc(company),
        *_below_the_star(caption),
        *_on_lower_arc(code),
    ]
    return SealAppearance("\n".join(parts).encode("ascii"), (0.0, 0.0, SIZE, SIZE), b"<<>>")


def _on_upper_arc(text: str) -> Iterator[str]:
    """Left to right, feet towards the centre."""
    step = min(_NAME_SPAN / max(len(text) - 1, 1), _NAME_STEP)
    narrow = min(1.0, step * _NAME_RADIUS / _NAME_SIZE)
    for index, character in enumerate(text):
        angle = math.pi / 2 + step * ((len(text) - 1) / 2 - index)
        yield _glyph(character, _NAME_SIZE, narrow, _turned(angle - math.pi / 2, angle, _NAME_RADIUS))


def _on_lower_arc(text: str) -> Iterator[str]:
    """Left to right, feet towards the ring."""
    step = min(_CODE_SPAN / max(len(text) - 1, 1), _CODE_STEP)
    for index, character in enumerate(text):
        angle = -math.pi / 2 + step * (index - (len(text) - 1) / 2)
        yield _glyph(character, _CODE_SIZE, 1.0, _turned(angle + math.pi / 2, angle, _CODE_RADIUS))


def _below_the_star(text: str) -> Iterator[str]:
    step = min(_CAPTION_SIZE, _CAPTION_WIDTH / max(len(text), 1))
    for index, character in enumerate(text):
        at = _CENTRE + (index - (len(text) - 1) / 2) * step
        yield _glyph(character, _CAPTION_SIZE, step / _CAPTION_SIZE, (1.0, 0.0, 0.0, 1.0, at, _CENTRE - _CAPTION_BELOW))


def _turned(turn: float, angle: float, radius: float) -> _Matrix:
    """The transformation that turns a glyph and puts its middle onto a circle."""
    cos, sin = math.cos(turn), math.sin(turn)
    return (cos, sin, -sin, cos, _CENTRE + radius * math.cos(angle), _CENTRE + radius * math.sin(angle))


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
        points.append(
            f"{_CENTRE + radius * math.cos(angle):.3f} {_CENTRE + _STAR_ABOVE + radius * math.sin(angle):.3f}"
        )
    return f"{points[0]} m " + " ".join(f"{point} l" for point in points[1:]) + " h f"


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
    pinned = pinned_seal_font()
    pinned.check()
    faces = TTCollection(str(pinned.path), lazy=True).fonts
    return next(face for face in faces if face["name"].getDebugName(1) == pinned.family)


def _glyph(character: str, size: float, narrow: float, place: _Matrix) -> str:
    """A filled glyph, its middle at the place's origin."""
    font = _seal_font()
    name = font.getBestCmap().get(ord(character))
    if name is None:
        shown = character if character.isprintable() else "an unprintable character"
        raise RenderError(
            Reason.CHARACTER_NOT_PRINTABLE,
            f"the seal's font lacks {shown} (U+{ord(character):04X})",
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
