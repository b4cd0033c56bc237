"""The seal as a picture: drawn by poppler from its content stream alone, and measured."""

from __future__ import annotations

import re
import subprocess
import zlib
from pathlib import Path

import pytest
from PIL import Image

from policy_render.errors import Reason, RenderError
from policy_render.seal_appearance import SIZE, SealAppearance, round_seal

_COMPANY = "示例财产保险股份有限公司"
_CAPTION = "电子保单专用章"
_DPI = 144  # 240 pixels


def _draw(seal: SealAppearance, folder: Path) -> Image.Image:
    """On a page of its own size, as a form XObject, by poppler."""
    form = b"<</Type/XObject/Subtype/Form/BBox[0 0 120 120]/Resources%s/Filter/FlateDecode/Length %d>>stream\n%s\nendstream"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 120 120]/Contents 5 0 R/Resources<</XObject<</S 4 0 R>>>>>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        page,
        form % (seal.resources, len(seal.compressed()), seal.compressed()),
        b"<</Length 5>>stream\n/S Do\nendstream",
    ]
    file, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    file += b"xref\n0 6\n0000000000 65535 f \n%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        table,
        len(file),
    )
    (folder / "seal.pdf").write_bytes(file)
    ended = subprocess.run(
        ["pdftoppm", "-r", str(_DPI), "-png", "-singlefile", folder / "seal.pdf", folder / "seal"],
        check=True,
        capture_output=True,
    )
    assert ended.stderr == b""
    return Image.open(folder / "seal.png").convert("RGB")


def _ink(picture: Image.Image, inner: float, outer: float) -> int:
    """Red pixels whose distance from the middle, in points, is between."""
    scale = SIZE / picture.width
    count = 0
    for x in range(picture.width):
        for y in range(picture.height):
            red, green, _ = picture.getpixel((x, y))  # type: ignore[misc]  # RGB: three numbers
            distance = ((x + 0.5 - picture.width / 2) ** 2 + (y + 0.5 - picture.height / 2) ** 2) ** 0.5 * scale
            count += red > 150 and green < 120 and inner <= distance < outer
    return count


def test_looks_like_a_seal(tmp_path: Path) -> None:
    picture = _draw(round_seal(_COMPANY, caption=_CAPTION), tmp_path)
    assert picture.size == (240, 240)
    assert _ink(picture, 57.5, 59) > 1_200  # the ring
    assert _ink(picture, 55.2, 56.4) == 0  # between the rings
    assert _ink(picture, 0, 5) > 250  # the star is full
    assert _ink(picture, 38, 52) > 1_500  # the name
    assert _ink(picture, 60.5, 90) == 0
    colours = {picture.getpixel((x, 120)) for x in range(240)}
    assert (204, 15, 23) in colours


def test_the_name_stays_off_rings_and_caption_whatever_its_length(tmp_path: Path) -> None:
    for company in ("甲", "示例财险", _COMPANY, _COMPANY * 3):
        picture = _draw(round_seal(company, caption=_CAPTION, code="1101010000123"), tmp_path)
        assert _ink(picture, 53.2, 53.9) == 0
        assert _ink(picture, 55.2, 56.4) == 0


def test_the_code_is_drawn_only_where_there_is_one(tmp_path: Path) -> None:
    without = _ink(_draw(round_seal(_COMPANY, caption=_CAPTION), tmp_path), 0, 54)
    assert _ink(_draw(round_seal(_COMPANY, caption=_CAPTION, code="1101010000123"), tmp_path), 0, 54) > without + 200


def test_nothing_but_paths_in_one_colour() -> None:
    seal = round_seal(_COMPANY, caption=_CAPTION, code="1101010000123")
    assert seal.bbox == (0.0, 0.0, SIZE, SIZE)
    assert zlib.decompress(seal.compressed()) == seal.content
    operators = set(re.findall(rb"(?<![\d.])[A-Za-z*]+", seal.content))
    assert operators == {b"rg", b"RG", b"w", b"m", b"l", b"c", b"h", b"f", b"S"}


def test_is_the_same_every_time_and_another_for_another_company() -> None:
    assert round_seal(_COMPANY, caption=_CAPTION) == round_seal(_COMPANY, caption=_CAPTION)
    assert round_seal(_COMPANY, caption=_CAPTION) != round_seal("示例人寿保险股份有限公司", caption=_CAPTION)


@pytest.mark.parametrize("character", ["ع", "\u202e"])
def test_a_character_that_the_font_lacks_is_told(character: str) -> None:
    with pytest.raises(RenderError) as caught:
        round_seal("示例" + character, caption=_CAPTION)
    assert caught.value.reason is Reason.CHARACTER_NOT_PRINTABLE
    assert f"U+{ord(character):04X}" in caught.value.message
    assert (character in caught.value.message) == character.isprintable()
