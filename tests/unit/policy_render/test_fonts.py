"""The pinned fonts: the right files or none, and which characters they print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from policy_render.errors import Reason, RenderError
from policy_render.fonts import COVERAGE_FILE, FONTS_FILE, Fonts, pinned_fonts, pinned_seal_font
from scripts.pin_fonts import printable_ranges

_HANAZONO = Path("/usr/share/fonts/truetype/hanazono/HanaMinB.ttf")


@pytest.fixture(scope="module")
def fonts() -> Fonts:
    return Fonts.load()


def _refusal(fonts: Fonts, data: object) -> RenderError:
    with pytest.raises(RenderError) as caught:
        fonts.check_printable(data)
    assert caught.value.reason is Reason.CHARACTER_NOT_PRINTABLE
    return caught.value


def test_the_kept_coverage_is_what_the_files_print() -> None:
    kept = json.loads(COVERAGE_FILE.read_text())
    assert [tuple(pair) for pair in kept["ranges"]] == printable_ranges()


def test_every_pinned_file_is_there() -> None:
    for font in (*pinned_fonts(), pinned_seal_font()):
        font.check()


@pytest.mark.parametrize("spoil", ["missing", "different"])
def test_a_missing_or_different_file_is_told_by_name(tmp_path: Path, spoil: str) -> None:
    other = tmp_path / "HanaMinB.ttf"
    if spoil == "different":
        other.write_bytes(_HANAZONO.read_bytes() + b"\0")
    (tmp_path / "fonts.toml").write_text(FONTS_FILE.read_text().replace(str(_HANAZONO), str(other)))
    with pytest.raises(RenderError) as caught:
        Fonts.load(tmp_path / "fonts.toml")
    assert caught.value.reason is Reason.FONT_MISSING
    assert "HanaMinB.ttf" in caught.value.message
    assert "fonts-hanazono" in caught.value.remedy


def test_coverage_of_other_fonts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fonts.toml").write_text(FONTS_FILE.read_text().split("[[fonts]]\nfile = " + f'"{_HANAZONO}"')[0])
    with pytest.raises(RenderError, match="made for other fonts"):
        Fonts.load(tmp_path / "fonts.toml")


def test_only_the_pinned_files_are_offered_to_typst(fonts: Fonts, tmp_path: Path) -> None:
    fonts.link_into(tmp_path / "fonts")
    fonts.link_into(tmp_path / "fonts")
    assert {link.resolve() for link in (tmp_path / "fonts").iterdir()} == {file.resolve() for file in fonts.files}


@pytest.mark.parametrize("text", ["机动车ABC 123", "𠅤䶮㛃𪚥", "·（）—…￥①Ⅷ㎡", "é\u0301ü", "〇々ヶ"])
def test_printable_characters_pass(fonts: Fonts, text: str) -> None:
    fonts.check_printable({"name": text, "list": [text, 5, None, True]})


@pytest.mark.parametrize(
    ("character", "why"),
    [
        ("\u202e", "bidirectional override"),
        ("\u200b", "zero width"),
        ("\ufeff", "byte order mark"),
        ("\ufe0f", "variation selector"),
        ("\U000e0100", "ideographic variation selector"),
        ("\ue000", "private use"),
        ("\x00", "control"),
        ("\n", "control"),
        ("\ud800", "surrogate"),
        ("\U0010ffff", "not a character"),
        ("\U0001fae0", "no glyph"),
        ("\u3164", "a letter that looks like nothing"),
        ("ع", "no glyph"),
        ("\U0003134f", "no glyph, or unassigned"),
    ],
)
def test_unprintable_characters_are_told_with_code_point_and_path(fonts: Fonts, character: str, why: str) -> None:
    problem = _refusal(fonts, {"insured": {"name": "张" + character}, "notes": ["好", character]})
    assert [violation.field for violation in problem.violations] == ["$.insured.name", "$.notes[1]"], why
    assert all(f"U+{ord(character):04X}" in violation.description for violation in problem.violations)
    # an unprintable character would turn or break the line that it is told in
    assert (character in problem.message) == character.isprintable()


def test_the_last_fallback_really_has_the_rare_characters() -> None:
    assert 0x20164 in set(TTFont(str(_HANAZONO), lazy=True).getBestCmap())
