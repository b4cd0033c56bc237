"""Seal pictures as files, of every kind that configuration may name; each colour tells where it was drawn."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image, ImageDraw

from policy_render.seal_appearance import round_seal
from policy_render.seal_svg import seal_svg

RED, BLUE = (204, 15, 23), (20, 40, 170)
OVAL_ASPECT = 0.5


def drawn_svg() -> bytes:
    """The drawn seal of a company as an SVG file: paths alone."""
    return seal_svg(round_seal("示例财产保险股份有限公司理赔中心", caption="理赔专用章"))


def oval_svg() -> bytes:
    """A blue oval, twice as wide as high: a ring, a half-transparent bar, a gradient, a mask."""
    return b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 100" width="60mm" height="30mm">
 <defs>
  <linearGradient id="run">
   <stop offset="0" stop-color="#1428aa"/><stop offset="1" stop-color="#1428aa" stop-opacity="0.3"/>
  </linearGradient>
  <mask id="half"><rect width="200" height="50" fill="#fff"/></mask>
  <path id="star" d="M100 22 L106 40 L125 40 L110 51 L116 69 L100 58 L84 69 L90 51 L75 40 L94 40 Z"/>
 </defs>
 <style>.ring{fill:none;stroke:#1428aa;stroke-width:6}</style>
 <ellipse class="ring" cx="100" cy="50" rx="95" ry="45"/>
 <rect x="40" y="72" width="120" height="10" fill="url(#run)"/>
 <use href="#star" fill="#1428aa"/>
 <g opacity="0.5"><circle cx="50" cy="50" r="12" fill="#1428aa"/><circle cx="60" cy="50" r="12" fill="#1428aa"/></g>
 <rect mask="url(#half)" x="140" y="38" width="20" height="24" fill="#1428aa"/>
</svg>"""


def ring(mode: str = "RGBA", size: tuple[int, int] = (400, 400)) -> Image.Image:
    """A red ring with a half-transparent disc and nothing around it; without transparency on white."""
    picture = Image.new("RGBA", size, (255, 255, 255, 0))
    draw = ImageDraw.Draw(picture)
    width, height = size
    draw.ellipse((4, 4, width - 5, height - 5), outline=(*RED, 255), width=max(2, width // 20))
    draw.ellipse((width * 0.35, height * 0.35, width * 0.65, height * 0.65), fill=(*RED, 128))
    if mode == "RGBA":
        return picture
    if mode == "LA":
        return picture.convert("LA")
    white = Image.new("RGBA", size, (255, 255, 255, 255))
    white.alpha_composite(picture)
    flat = white.convert("RGB")
    return flat.quantize(32) if mode == "P" else flat.convert(mode)


def png(picture: Image.Image, **options: object) -> bytes:
    """A PNG file."""
    written = io.BytesIO()
    picture.save(written, "PNG", **options)
    return written.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width: int, height: int, bits: int = 8, colour_type: int = 6) -> bytes:
    """The beginning of a PNG."""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0))


def colours_in(picture: Image.Image, *, least: int = 20) -> set[str]:
    """Which of the two colours a picture shows in so many pixels at least; engines round them a little."""
    found = {"red": 0, "blue": 0}
    for count, colour in picture.convert("RGB").getcolors(maxcolors=1 << 24) or ():
        for name, wanted in (("red", RED), ("blue", BLUE)):
            if isinstance(colour, tuple) and all(abs(a - b) <= 2 for a, b in zip(colour, wanted, strict=True)):
                found[name] += count
    return {name for name, count in found.items() if count >= least}
