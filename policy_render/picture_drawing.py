"""Draws a seal's picture from a PNG or SVG file: judged, set by Typst on a page of its size, and the page's drawing taken out.

So pixels and vectors come by one way, with Typst's decoders, in PDF/A-3b's colours (sRGB and grey by profile), and the same file gives the
same bytes. In renderers' processes and on administrators' command line alone. Not for the drawn seal: `seal_appearance`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import typst

from policy_render.errors import Reason, RenderError
from policy_render.png_picture import SIGNATURE, drawing_png, unfit
from policy_render.seal_appearance import MAX_FILE_BYTES, SIZE, SealAppearance
from policy_render.svg_picture import check_svg

# Every document that it stands on grows by so much.
MAX_DRAWN_BYTES = 1024 * 1024
MAX_OBJECTS = 64
# What one dictionary may have of bytes; `signer.pades` reads no longer ones.
MAX_DICTIONARY_BYTES = 8_000
# Company seals are round or oval; a department's may be a long rectangle.
_MAX_ASPECT = 5.0
_PAGE = """\
#set page(width: {width}pt, height: auto, margin: 0pt)
#set document(title: "seal", date: datetime(year: 2000, month: 1, day: 1))
#image(bytes(({content},)), format: "{kind}", width: {width}pt)
"""
_OBJECT = re.compile(rb"([1-9]\d{0,5}) 0 obj\n(<<[^\n]*>>|\[[^\n]*\])\n(stream\n|endobj\n)")
_LENGTH = re.compile(rb"/Length (\d{1,9})")
_REFERENCE = re.compile(rb"([1-9]\d{0,5}) 0 R")
_PROCEDURES = re.compile(rb"/ProcSet\[[^\]]*\]")  # without meaning since PDF 1.4
_MEDIA_BOX = re.compile(rb"/Type/Page/[^\n]*/MediaBox\[0 0 ([0-9.]+) ([0-9.]+)\]")
_PAGE_ENTRY = re.compile(rb"<</Type/Page/Resources ([1-9]\d*) 0 R[^\n]*/Contents ([1-9]\d*) 0 R")
_FLATE = b"/Filter/FlateDecode"
_MAX_DEPTH = 16
_EXPORT = {
    "png": "Export the picture again.",
    "svg": "Give it a width and a height, or a viewBox, and export it as plain SVG; or give a PNG.",
}


def draw_picture(content: bytes) -> SealAppearance:
    """The picture in a file's content, 120 points wide. The same content gives the same bytes.

    Raises:
        RenderError: PICTURE_UNFIT, says what to change.
    """
    kind, judged = _judged(content)
    pdf = _typeset(kind, judged)
    page = _Page.read(pdf)
    aspect = page.height / page.width
    if not 1 / _MAX_ASPECT <= aspect <= _MAX_ASPECT:
        raise unfit(
            f"the picture's width and height are as {page.width:.4g} to {page.height:.4g}",
            f"One side may be up to {_MAX_ASPECT:g} times the other; crop or scale it.",
        )
    appearance = _Harvest(page).appearance()
    if appearance.added_bytes > MAX_DRAWN_BYTES:
        raise unfit(
            f"the picture adds more than {MAX_DRAWN_BYTES // 1024} KiB to every document",
            "Export it with fewer pixels or flat colours.",
        )
    return appearance


def _judged(content: bytes) -> tuple[str, bytes]:
    """Typst's name of the format, and what may be drawn."""
    if not content:
        raise unfit("the file is empty", "Give a PNG or an SVG.")
    if len(content) > MAX_FILE_BYTES:
        raise unfit(
            f"the file is larger than {MAX_FILE_BYTES // 1024} KiB",
            "Export the picture with fewer pixels or flat colours.",
        )
    if content.startswith(SIGNATURE):
        return "png", drawing_png(content)
    if content.startswith(b"\x1f\x8b"):
        raise unfit("the file is compressed (gzip)", "Unpack it and give the SVG itself.")
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        check_svg(content)
        return "svg", content
    raise unfit("the file is neither PNG nor SVG", "Export the picture as PNG with transparency, or as plain SVG.")


def _typeset(kind: str, content: bytes) -> bytes:
    source = _PAGE.format(width=f"{SIZE:g}", content=",".join(map(str, content)), kind=kind)
    try:
        pdf: bytes = typst.compile(
            source.encode(),
            format="pdf",
            pdf_standards="a-3b",
            pdf_tags=False,
            timestamp=0,
            font_paths=typst.Fonts(include_system_fonts=False, include_embedded_fonts=False),
            ignore_system_fonts=True,
        )
    except typst.TypstError:
        raise unfit(f"the {kind.upper()} can't be decoded", _EXPORT[kind]) from None
    except BaseException as problem:  # a panic in Rust is no Exception
        if type(problem).__name__ != "PanicException":
            raise
        raise unfit(f"the {kind.upper()} can't be drawn", _EXPORT[kind]) from None
    return pdf


@dataclass(frozen=True)
class _Object:
    """`stream` None: a dictionary or an array."""

    head: bytes
    stream: bytes | None


@dataclass(frozen=True)
class _Page:
    """Typst's one page, in points, and all objects of its file."""

    width: float
    height: float
    resources: bytes
    content: bytes
    objects: dict[int, _Object]

    @classmethod
    def read(cls, pdf: bytes) -> _Page:
        """Knows the layout that Typst writes and no other. Raises RenderError (RENDERING_FAILED)."""
        objects = dict(_objects(pdf))
        box, entry = _MEDIA_BOX.search(pdf), _PAGE_ENTRY.search(pdf)
        if box is None or entry is None or int(entry[1]) not in objects or int(entry[2]) not in objects:
            raise _unknown_layout()
        content = objects[int(entry[2])]
        drawn = content.stream or b""
        if _FLATE in content.head:
            drawn = zlib.decompress(drawn)
        return cls(float(box[1]), float(box[2]), objects[int(entry[1])].head, drawn, objects)


def _objects(pdf: bytes) -> Iterator[tuple[int, _Object]]:
    position = 0
    while (found := _OBJECT.search(pdf, position)) is not None:
        position, stream = found.end(), None
        if found[3] == b"stream\n":
            length = _LENGTH.search(found[2])
            if length is None:
                raise _unknown_layout()
            position += int(length[1])
            stream = pdf[found.end() : position]
        yield int(found[1]), _Object(found[2], stream)


class _Harvest:
    """What the page draws with: dictionaries go inside of what names them, streams are numbered from 1 as they are met."""

    def __init__(self, page: _Page) -> None:
        self._page = page
        self._numbers: dict[int, int] = {}

    def appearance(self) -> SealAppearance:
        """Raises RenderError (PICTURE_UNFIT, RENDERING_FAILED)."""
        resources = self._inside(self._page.resources, 0)
        written: list[bytes] = []
        while len(written) < len(self._numbers):
            written.append(self._stream(list(self._numbers)[len(written)]))
            if len(self._numbers) > MAX_OBJECTS:
                raise _too_complex()
        box = (0.0, 0.0, self._page.width, self._page.height)
        return SealAppearance(self._page.content, box, resources, tuple(written))

    def _stream(self, number: int) -> bytes:
        item = self._page.objects[number]
        head, stream = _LENGTH.sub(b"", item.head, count=1), item.stream or b""
        if _FLATE in head:
            head = head.replace(_FLATE, b"", 1)
        else:
            stream = zlib.compress(stream, 9)
        entries = self._inside(head, 0)[2:]
        return b"<</Length %d%b%b\nstream\n%b\nendstream" % (len(stream), _FLATE, entries, stream)

    def _inside(self, head: bytes, depth: int) -> bytes:
        """A dictionary or array with everything inside that is no stream."""
        if depth > _MAX_DEPTH:
            raise _unknown_layout()

        def replaced(found: re.Match[bytes]) -> bytes:
            number = int(found[1])
            if number not in self._page.objects:
                raise _unknown_layout()
            if self._page.objects[number].stream is None:
                return self._inside(self._page.objects[number].head, depth + 1)
            return b"%d 0 R" % self._numbers.setdefault(number, len(self._numbers) + 1)

        inside = _REFERENCE.sub(replaced, _PROCEDURES.sub(b"", head))
        if len(inside) > MAX_DICTIONARY_BYTES:
            raise _too_complex()
        return inside


def _too_complex() -> RenderError:
    return unfit("the SVG has too many colour gradients, masks and transparent groups", "Flatten it, or give a PNG.")


def _unknown_layout() -> RenderError:
    return RenderError(
        Reason.RENDERING_FAILED,
        "the picture was drawn in a way that is not known here",
        "Report it with the picture: the typesetter's version does not fit this one.",
    )
