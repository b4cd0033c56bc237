"""Pictures of seals from files: what is taken out of a PNG or SVG, and what is refused, in words that say what to do."""

from __future__ import annotations

import zlib

import pytest
from PIL import Image, PngImagePlugin

from policy_render.errors import Reason, RenderError
from policy_render.picture_drawing import draw_picture
from policy_render.png_picture import MAX_PIXELS
from policy_render.seal_appearance import MAX_FILE_BYTES, SealAppearance
from tests.seal_picture_files import chunk, drawn_svg, header, oval_svg, png, ring

_SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 10 10">{}</svg>'
_EMPTY_PIXELS = chunk(b"IDAT", zlib.compress(b"\0" * 5)) + chunk(b"IEND", b"")


def _svg(inside: str) -> bytes:
    return _SVG.format(inside).encode()


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "LA", "L", "P", "1"])
def test_every_kind_of_png_becomes_an_image_of_eight_bits(mode: str) -> None:
    picture = draw_picture(png(ring(mode)))
    assert picture.bbox == (0.0, 0.0, 120.0, 120.0)
    image, *_ = picture.objects
    assert b"/Width 400/Height 400" in image
    assert b"/BitsPerComponent 8" in image
    assert (b"/SMask" in image) == (mode in {"RGBA", "LA"})
    assert not any(b"Interpolate" in each for each in picture.objects)


def test_sixteen_bits_and_interlaced_rows_are_read() -> None:
    deep = Image.new("I;16", (20, 10), 40_000)
    assert b"/BitsPerComponent 8" in draw_picture(png(deep)).objects[0]
    rows = b"".join(b"\0" + bytes(4 * width) for width, count in ((1, 1), (1, 1)) for _ in range(count))
    interlaced = header(2, 1)[:-5] + b"\x01"
    interlaced += zlib.crc32(interlaced[12:]).to_bytes(4, "big")
    assert draw_picture(interlaced + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")).objects


@pytest.mark.parametrize("content", [png(ring()), oval_svg(), drawn_svg()], ids=["png", "oval", "drawn"])
def test_the_same_file_gives_the_same_bytes_and_comes_back_from_the_renderer(content: bytes) -> None:
    picture = draw_picture(content)
    assert draw_picture(content) == picture
    assert SealAppearance.from_json(picture.to_json()) == picture


def test_what_editors_and_cameras_write_beside_the_pixels_is_left_out() -> None:
    told = PngImagePlugin.PngInfo()
    told.add_text("Author", "Zhang San")
    named = png(ring(), pnginfo=told, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0")
    assert b"Zhang San" in named
    assert draw_picture(named) == draw_picture(png(ring()))


def test_proportions_are_the_files() -> None:
    assert draw_picture(oval_svg()).bbox == (0.0, 0.0, 120.0, 60.0)
    assert draw_picture(png(ring(size=(100, 250)))).bbox == (0.0, 0.0, 120.0, 300.0)


def _moving() -> bytes:
    still = png(ring(size=(20, 20)))
    return still[:33] + chunk(b"acTL", bytes(8)) + still[33:]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty"),
        (b"\xff\xd8\xff\xe0 JFIF", "neither PNG nor SVG"),
        (b"GIF89a", "neither PNG nor SVG"),
        (b"\x1f\x8b\x08", "compressed"),
        (png(ring()) + b"\0", "stands behind its end"),
        (png(ring())[:-13], "ends too early"),
        (png(ring())[:40], "ends too early"),
        (png(ring()).replace(b"IDAT", b"IDAX", 1), "checksum"),
        (header(1, 1) + chunk(b"ABCD", b"") + _EMPTY_PIXELS, "does not know"),
        (header(1, 1) + chunk(b"IEND", b""), "no pixels"),
        (header(1, 1)[:8] + _EMPTY_PIXELS, "begin with its header"),
        (header(0, 5) + _EMPTY_PIXELS, "has no pixels"),
        (header(1, 1, bits=3) + _EMPTY_PIXELS, "what PNG does not know"),
        (header(1, 1, colour_type=3) + _EMPTY_PIXELS, "palette"),
        (header(5, 5) + _EMPTY_PIXELS, "can't be decoded"),
        (header(100_000, 100_000) + _EMPTY_PIXELS, f"more than {MAX_PIXELS:,}"),
        (_moving(), "moves"),
        (bytes(MAX_FILE_BYTES + 1), "larger than 1024 KiB"),
        (png(ring(size=(600, 100))), "width and height"),
        (b"<html></html>", "no SVG"),
        (b"<svg>", "no SVG"),
        (_svg("<g>"), "broken (line 1)"),
        (_svg("<script>alert(1)</script>"), "a script"),
        (_svg('<rect onload="x()" width="1" height="1"/>'), "a script (onload=)"),
        (_svg("<text>印</text>"), "Convert texts to paths"),
        (_svg('<image href="data:image/png;base64,AAAA"/>'), "a picture of pixels"),
        (_svg('<marker id="m"><path d="M0 0"/></marker>'), "a marker"),
        (_svg("<foreignObject/>"), "content of another kind"),
        (_svg('<animate attributeName="x"/>'), "an animation"),
        (_svg('<use href="http://example.cn/a.svg#x"/>'), "outside of it"),
        (_svg('<use xlink:href="other.svg#x"/>'), "outside of it"),
        (_svg('<rect fill="url(file:///etc/passwd#x)" width="1" height="1"/>'), "outside of it"),
        (_svg("<style>@import 'a.css';</style>"), "rules with @"),
        (_svg('<rect style="fill:url(http://example.cn/#x)" width="1" height="1"/>'), "outside of it"),
        (_svg('<g id="a"><use href="#a"/></g>'), "in a circle"),
        (_svg("<g>" * 70 + "</g>" * 70), "nested more than"),
        (b'<?xml-stylesheet href="a.css"?>' + _svg(""), "style sheet"),
        (b'<!DOCTYPE svg [<!ENTITY a "b">]>' + _svg("<g>&a;</g>"), "declares entities"),
        (_svg("").replace(b'viewBox="0 0 10 10"', b'width="0" height="0"'), "can't be decoded"),
        (_svg("").replace(b"0 0 10 10", b"0 0 1000 10"), "width and height"),
    ],
)
def test_what_can_not_be_a_seal_is_refused_with_a_remedy(content: bytes, told: str) -> None:
    with pytest.raises(RenderError) as caught:
        draw_picture(content)
    assert caught.value.reason is Reason.PICTURE_UNFIT
    assert told in str(caught.value)
    assert caught.value.remedy


def _bomb_of_uses() -> bytes:
    layers = ['<g id="l0"><rect width="1" height="1"/></g>']
    layers += [f'<g id="l{n}">' + f'<use href="#l{n - 1}"/>' * 10 + "</g>" for n in range(1, 12)]
    return _svg(f"<defs>{''.join(layers)}</defs>" + '<use href="#l11"/>')


def _bomb_of_rules() -> bytes:
    rules = "".join(f".m{n}{{mask:url(#m{n})}}" for n in range(12))
    masks = "".join(
        f'<mask id="m{n}">' + f'<rect class="m{n + 1}" width="9" height="9"/>' * 9 + "</mask>" for n in range(12)
    )
    return _svg(f'<style>{rules}</style>{masks}<rect class="m0" width="9" height="9"/>')


@pytest.mark.parametrize("bomb", [_bomb_of_uses(), _bomb_of_rules()], ids=["uses", "rules"])
def test_a_bomb_of_references_is_refused_before_it_is_drawn(bomb: bytes) -> None:
    with pytest.raises(RenderError, match="draws more than"):
        draw_picture(bomb)


def test_rules_that_lend_colours_and_masks_are_lawful() -> None:
    runs = '<linearGradient id="g"><stop stop-color="#f00"/><stop offset="1" stop-color="#00f"/></linearGradient>'
    mask = '<mask id="m"><rect class="a" width="9" height="9"/></mask>'
    rules = "<style>.a{fill:url(#g)} .b{mask:url(#m)}</style>"
    assert draw_picture(_svg(f'{rules}{runs}{mask}<rect class="b" width="9" height="9"/>')).objects


def test_gradients_without_number_are_refused() -> None:
    runs = "".join(
        f'<linearGradient id="g{n}"><stop stop-color="#f{n:02x}"/><stop offset="1" stop-color="#00f"/></linearGradient>'
        f'<rect width="10" height="10" fill="url(#g{n})"/>'
        for n in range(200)
    )
    with pytest.raises(RenderError, match="too many colour gradients"):
        draw_picture(_svg(runs))
