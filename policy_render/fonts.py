"""The pinned fonts: their files checked by digest, and which characters they print between them. No system font is ever used."""

from __future__ import annotations

import hashlib
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTCollection, TTFont

from policy_render.errors import Reason, RenderError, Violation

_FONTS_FILE = Path(__file__).with_name("fonts.toml")
FAMILIES = ("Noto Sans CJK SC", "HanaMinA", "HanaMinB")
_FORMAT_CHARACTERS = {"Cc", "Cf", "Cs", "Co", "Cn"}  # control, format, surrogate, private use, unassigned


@dataclass(frozen=True)
class Fonts:
    """`files`: in order of preference. `characters`: every code point that one of them prints."""

    files: tuple[Path, ...]
    characters: frozenset[int]

    @classmethod
    def load(cls, fonts_file: Path = _FONTS_FILE) -> Fonts:
        """Reads and checks the files.

        Raises:
            RenderError: FONT_MISSING; names the file and where to get it.
        """
        files = []
        for entry in tomllib.loads(fonts_file.read_text(encoding="utf-8"))["fonts"]:
            file = Path(entry["file"])
            if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != entry["sha256"]:
                raise RenderError(
                    Reason.FONT_MISSING,
                    f"{file} is missing or is not the pinned version",
                    "Install fonts-noto-cjk and fonts-hanazono of Debian 12.",
                )
            files.append(file)
        return cls(tuple(files), frozenset().union(*(_characters(file) for file in files)))

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
        violations = []
        for path, text in _strings(data, "$"):
            missing = {c for c in text if c != "\n" and not self._prints(c)}
            violations += [Violation(path, f"holds {_describe(character)}") for character in sorted(missing)]
        if violations:
            raise RenderError(
                Reason.CHARACTER_NOT_PRINTABLE,
                f"{len(violations)} character(s) can't be printed; the first: {violations[0].field} {violations[0].description}",
                "Use the standard character, or ask for a font that has this one.",
                violations=tuple(violations[:100]),
            )

    def _prints(self, character: str) -> bool:
        return ord(character) in self.characters and unicodedata.category(character) not in _FORMAT_CHARACTERS


def _characters(file: Path) -> set[int]:
    if file.suffix == ".ttc":
        fonts = TTCollection(str(file), lazy=True).fonts
        return set(next(font for font in fonts if font["name"].getDebugName(1) == FAMILIES[0]).getBestCmap())
    return set(TTFont(str(file), lazy=True).getBestCmap())


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
