"""The pinned fonts: their files checked by digest, and which characters they print between them. No system font is ever used.

What the files print is kept beside them in font_coverage.json (`scripts/pin_fonts.py` writes it, a test compares it with the
files), because reading it from 80 MB of fonts would take each process a second. Not for layout: that is Typst's.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policy_render.errors import Reason, RenderError, Violation

FONTS_FILE = Path(__file__).with_name("fonts.toml")
COVERAGE_FILE = Path(__file__).with_name("font_coverage.json")
# Unicode general categories that no document prints, whatever a font says: control and format characters (bidirectional
# overrides among them), surrogates, private use, unassigned.
UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
# Unicode's Default_Ignorable_Code_Point beyond those: fillers that look like nothing, and variation selectors, which ask for
# a variant that would not be what is printed.
INVISIBLE = (
    (0x034F, 0x034F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0xE0000, 0xE0FFF),
)
_MAX_VIOLATIONS = 100


@dataclass(frozen=True)
class FontFile:
    """One pinned file, and the family in it that we use."""

    path: Path
    family: str
    sha256: str

    def check(self) -> None:
        """Raises RenderError (FONT_MISSING) unless the file is there and is the pinned one."""
        if not self.path.is_file() or hashlib.sha256(self.path.read_bytes()).hexdigest() != self.sha256:
            raise RenderError(
                Reason.FONT_MISSING,
                f"{self.path} is missing or is not the pinned version",
                "Install fonts-noto-cjk and fonts-hanazono of Debian 12.",
            )


def pinned_fonts(fonts_file: Path = FONTS_FILE) -> tuple[FontFile, ...]:
    """The text fonts that fonts.toml pins, in order of preference; not checked yet."""
    return tuple(_font_file(entry) for entry in tomllib.loads(fonts_file.read_text(encoding="utf-8"))["fonts"])


def pinned_seal_font(fonts_file: Path = FONTS_FILE) -> FontFile:
    """The font whose outlines seals are drawn with; not checked yet."""
    return _font_file(tomllib.loads(fonts_file.read_text(encoding="utf-8"))["seal"])


def _font_file(entry: Mapping[str, str]) -> FontFile:
    return FontFile(Path(entry["file"]), entry["family"], entry["sha256"])


@dataclass(frozen=True)
class Fonts:
    """Checked fonts. `files`, `families`: in order of preference. `characters`: what one of them prints."""

    files: tuple[Path, ...]
    families: tuple[str, ...]
    characters: frozenset[str] = field(repr=False)

    @classmethod
    def load(cls, fonts_file: Path = FONTS_FILE, coverage_file: Path = COVERAGE_FILE) -> Fonts:
        """Reads and checks the files.

        Raises:
            RenderError: FONT_MISSING; names the file and where to get it.
        """
        pinned = pinned_fonts(fonts_file)
        for font in pinned:
            font.check()
        coverage = json.loads(coverage_file.read_text(encoding="utf-8"))
        if coverage["fonts"] != [font.sha256 for font in pinned]:
            raise RenderError(
                Reason.FONT_MISSING,
                f"{coverage_file.name} was made for other fonts",
                "Run python scripts/pin_fonts.py.",
            )
        characters = frozenset(chr(code) for first, last in coverage["ranges"] for code in range(first, last + 1))
        return cls(tuple(font.path for font in pinned), tuple(dict.fromkeys(f.family for f in pinned)), characters)

    def link_into(self, directory: Path) -> None:
        """Fills a directory with links to the files: Typst takes folders, and the system's hold other fonts, too."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file in self.files:
            with suppress(FileExistsError):  # several renderers start at once
                (directory / file.name).symlink_to(file)

    def check_printable(self, data: Any) -> None:
        """Refuses data with a character that no font has: a blank box on a policy is not an answer.

        Raises:
            RenderError: CHARACTER_NOT_PRINTABLE, with the character, its code point and every place.
        """
        if self.characters.issuperset("".join(text for _, text in _strings(data, "$"))):
            return
        violations = [
            Violation(path, f"holds {_describe(character)}")
            for path, text in _strings(data, "$")
            for character in sorted(set(text) - self.characters)
        ]
        raise RenderError(
            Reason.CHARACTER_NOT_PRINTABLE,
            f"{len(violations)} character(s) can't be printed; the first: {violations[0].field} {violations[0].description}",
            "Use the standard character, or ask for a font that has this one.",
            violations=tuple(violations[:_MAX_VIOLATIONS]),
        )


def _describe(character: str) -> str:
    shown = character if character.isprintable() else "an unprintable character"
    return f"{shown} (U+{ord(character):04X}), which no font here prints"


def _strings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, member in value.items():
            yield from _strings(member, f"{path}.{key}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _strings(member, f"{path}[{index}]")
