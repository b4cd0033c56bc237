"""Judges a PNG that is to be a seal's picture, and leaves of it what draws: no names, places or times that cameras and editors write.

Reads chunks and no pixels, so a bomb is refused by the size that it states; decoding is Typst's (`picture_drawing`). ISO/IEC 15948.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from policy_render.errors import Reason, RenderError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# 58 mm, the largest company seal, at 600 dots an inch has 1,370 pixels.
MAX_PIXELS = 4_000_000
# Colour types and the bits that a sample may have with each (table 8).
_BITS = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
_PALETTE = 3
_DRAWING = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_MOVING = frozenset({b"acTL", b"fcTL", b"fdAT"})
_HEADER = struct.Struct(">IIBBBBB")


def drawing_png(content: bytes) -> bytes:
    """The PNG with the chunks alone that its pixels depend on. Colours are taken for sRGB, whatever profile they came with.

    Raises:
        RenderError: PICTURE_UNFIT: broken, moving, empty, or too many pixels.
    """
    kept = [SIGNATURE]
    kinds: list[bytes] = []
    for kind, data in _chunks(content):
        if not kinds:
            _check_header(kind, data)
        if kind in _MOVING:
            raise unfit("the PNG moves (APNG)", "Export one still picture.")
        if kind[0:1].isupper() and kind not in _DRAWING:
            raise _broken("it has a chunk that PNG does not know")
        if kind in _DRAWING:
            kinds.append(kind)
            kept.append(_chunk(kind, data))
    if kinds.count(b"IHDR") != 1 or kinds[-1] != b"IEND":
        raise _broken("its end is missing")
    if b"IDAT" not in kinds:
        raise _broken("it has no pixels")
    colour_type = content[25]
    if colour_type == _PALETTE and b"PLTE" not in kinds:
        raise _broken("its palette is missing")
    return b"".join(kept)


def unfit(message: str, remedy: str) -> RenderError:
    """What is wrong with a picture."""
    return RenderError(Reason.PICTURE_UNFIT, message, remedy)


def _broken(why: str) -> RenderError:
    return unfit(f"the PNG is broken: {why}", "Export the picture again, or copy the file again.")


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and data of each chunk up to IEND, each with the right checksum; behind it nothing."""
    position = len(SIGNATURE)
    kind = b""
    while kind != b"IEND":
        head = content[position : position + 8]
        if len(head) < 8:
            raise _broken("it ends too early")
        length, kind = struct.unpack(">I4s", head)
        end = position + 12 + length
        if end > len(content):
            raise _broken("it ends too early")
        data = content[position + 8 : end - 4]
        if zlib.crc32(kind + data) != int.from_bytes(content[end - 4 : end], "big"):
            raise _broken("a checksum does not fit")
        yield kind, data
        position = end
    if position != len(content):
        raise _broken("something stands behind its end")


def _check_header(kind: bytes, data: bytes) -> None:
    if kind != b"IHDR" or len(data) != _HEADER.size:
        raise _broken("it does not begin with its header")
    width, height, bits, colour_type, compression, filtering, interlaced = _HEADER.unpack(data)
    if bits not in _BITS.get(colour_type, ()) or compression or filtering or interlaced > 1:
        raise _broken("its header states what PNG does not know")
    if not width or not height:
        raise unfit("the PNG has no pixels", "Export it with a width and a height.")
    if width * height > MAX_PIXELS:
        raise unfit(
            f"the PNG has {width} × {height} pixels, more than {MAX_PIXELS:,}",
            "Export it smaller: 1,400 pixels are 600 dots an inch on the largest company seal.",
        )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join([struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(kind + data))])
