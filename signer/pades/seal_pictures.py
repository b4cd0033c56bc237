"""The objects that show a seal's picture: a form XObject (ISO 32000-2, 8.10) and the streams that it draws with, images, masks, profiles.

Written in one way only, and with few words: what the gate reads back can draw, and do nothing else. Not for where pictures stand:
`seal_place`; nor for making them: `policy_render`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Protocol

from signer.pades.seal_place import number
from signer.pades.update_plan import SealPicture

MAX_OBJECTS = 64
MAX_DICTIONARY_BYTES = 8_000
_REFERENCE = re.compile(rb"(?<![0-9.])([1-9]\d{0,6}) 0 R(?![A-Za-z0-9])")
_HEAD = re.compile(rb"<</Length ([1-9]\d{0,6})/Filter/FlateDecode([^\n]{0,%d})>>\nstream\n" % MAX_DICTIONARY_BYTES)
_END = b"\nendstream"
_FORM = re.compile(
    rb"<</Type/XObject/Subtype/Form/FormType 1/BBox\[[-0-9. ]{7,60}\]/Resources(<<[^\n]{0,%d}>>)"
    rb"/Filter/FlateDecode/Length ([1-9]\d{0,6})>>\nstream\n" % MAX_DICTIONARY_BYTES
)
# Names of ISO 32000-2, 8 and 11, that say how something is drawn, and those that Typst gives to resources. No word about actions,
# files, scripts, optional content, or other documents.
_NAMES = (
    rb"Alpha|AntiAlias|BBox|BM|BitsPerComponent|Bounds|CA|CS|C0|C1|Color|ColorBurn|ColorDodge|ColorSpace|Coords|Darken|DeviceGray"
    rb"|DeviceRGB|Difference|Domain|Encode|Exclusion|ExtGState|Extend|Form|Function|FunctionType|Functions|G|Group|HardLight|Height|Hue"
    rb"|I|ICCBased|Image|K|Lighten|Luminosity|Mask|Matrix|Multiply|N|Normal|Overlay|PaintType|Pattern|PatternType|Range|Resources|S|SMask"
    rb"|Saturation|Screen|Shading|ShadingType|SoftLight|Subtype|TilingType|Transparency|Type|Width|XObject|XStep|YStep|ca|[a-z]\d{1,4}"
)
_WORD = re.compile(
    rb"(?P<open><<)|(?P<close>>>)|[\[\] ]|/(?:%b)(?=[/\[\]<> ])|(?P<reference>[1-9]\d{0,6} 0 R)(?=[/\[\]<> ])"
    rb"|(?:-?\d{1,9}(?:\.\d{1,12})?|-?\.\d{1,12}|true|false)(?=[/\[\]<> ])" % _NAMES
)


class Appearance(Protocol):
    """A seal's picture.

    `content`: a content stream; `bbox`: its bounding box; `resources`: a PDF dictionary "<<…>>"; `objects`: streams, as
    `split_stream` reads them. "n 0 R" in resources and objects means the nth of the objects, from 1.
    """

    @property
    def content(self) -> bytes: ...
    @property
    def bbox(self) -> tuple[float, float, float, float]: ...
    @property
    def resources(self) -> bytes: ...
    @property
    def objects(self) -> tuple[bytes, ...]: ...


def seal_picture(appearance: Appearance, form_number: int) -> SealPicture:
    """The picture for an update where its form has that number.

    Raises:
        ValueError: the appearance is none that the gate would read back.
    """
    if len(appearance.objects) > MAX_OBJECTS:
        raise ValueError("the picture has too many objects")

    def renumbered(dictionary: bytes) -> bytes:
        return renumber(dictionary, lambda relative: form_number + relative)

    picture = SealPicture(
        _form(appearance.content, appearance.bbox, renumbered(appearance.resources)),
        tuple(_with_dictionary(body, renumbered) for body in appearance.objects),
    )
    if not draws_only(picture, form_number):
        raise ValueError("the picture does more than draw")
    return picture


def form_end(data: bytes, start: int) -> int | None:
    """Where the body of a picture's form ends that begins at `start`; None where there is none."""
    head = _FORM.match(data, start)
    return None if head is None else _stream_end(data, head.end(), int(head[2]))


def stream_end(data: bytes, start: int) -> int | None:
    """Where the body of a stream that a picture draws with ends; None where there is none at `start`."""
    head = _HEAD.match(data, start)
    return None if head is None else _stream_end(data, head.end(), int(head[1]))


def draws_only(picture: SealPicture, form_number: int) -> bool:
    """Whether its dictionaries know no words but those of drawing, and refer to nothing but its own objects."""
    form = _FORM.match(picture.form)
    heads = [_HEAD.match(body) for body in picture.objects]
    if form is None or form_end(picture.form, 0) != len(picture.form):
        return False
    if any(stream_end(body, 0) != len(body) for body in picture.objects):
        return False
    numbers = range(form_number + 1, form_number + 1 + len(picture.objects))
    return all(
        _is_plain(dictionary, numbers)
        for dictionary in (form[1], *(b"<<%b>>" % head[2] for head in heads if head is not None))
    )


def renumber(dictionary: bytes, number_of: Callable[[int], int]) -> bytes:
    """The dictionary with other numbers in its references."""
    return _REFERENCE.sub(lambda found: b"%d 0 R" % number_of(int(found[1])), dictionary)


def split_stream(body: bytes) -> tuple[bytes, bytes]:
    """A stream's dictionary and its data, still compressed. Raises ValueError."""
    head = _HEAD.match(body)
    if head is None or stream_end(body, 0) != len(body):
        raise ValueError("not a stream of a picture")
    return body[: head.end() - len(b"\nstream\n")], body[head.end() : -len(_END)]


def _with_dictionary(body: bytes, change: Callable[[bytes], bytes]) -> bytes:
    dictionary, data = split_stream(body)
    return b"%b\nstream\n%b%b" % (change(dictionary), data, _END)


def _is_plain(dictionary: bytes, numbers: range) -> bool:
    """One whole dictionary of known words."""
    depth = position = 0
    for word in _words(dictionary):
        position = word.end()
        depth += bool(word["open"]) - bool(word["close"])
        if depth <= 0 and position < len(dictionary):
            return False
        if word["reference"] and int(word["reference"].split()[0]) not in numbers:
            return False
    return depth == 0 and position == len(dictionary)


def _stream_end(data: bytes, start: int, length: int) -> int | None:
    end = start + length + len(_END)
    return end if data[end - len(_END) : end] == _END else None


def _words(dictionary: bytes) -> Iterator[re.Match[bytes]]:
    position = 0
    while (word := _WORD.match(dictionary, position)) is not None:
        yield word
        position = word.end()


@lru_cache(maxsize=64)
def _compressed(content: bytes) -> bytes:
    """Seals are few and stand on many documents: the compressed form is kept."""
    return zlib.compress(content, 9)


def _form(content: bytes, bbox: tuple[float, float, float, float], resources: bytes) -> bytes:
    stream = _compressed(content)
    box = b" ".join(number(value) for value in bbox)
    head = b"<</Type/XObject/Subtype/Form/FormType 1/BBox[%b]/Resources%b/Filter/FlateDecode" % (box, resources)
    return b"%b/Length %d>>\nstream\n%b\nendstream" % (head, len(stream), stream)
