"""Writes policy_render/font_coverage.json: which characters the fonts that fonts.toml pins print between them.

Usage: python scripts/pin_fonts.py
"""

from __future__ import annotations

import json
import unicodedata

from fontTools.ttLib import TTCollection, TTFont

from policy_render.fonts import COVERAGE_FILE, INVISIBLE, UNPRINTABLE, FontFile, pinned_fonts


def characters_of(font: FontFile) -> set[int]:
    """The code points of the font's character map."""
    path = str(font.path)
    faces = TTCollection(path, lazy=True).fonts if font.path.suffix == ".ttc" else [TTFont(path, lazy=True)]
    return set(next(face for face in faces if face["name"].getDebugName(1) == font.family).getBestCmap())


def printable_ranges() -> list[tuple[int, int]]:
    """First and last code point of each run of characters that one of the pinned fonts prints."""
    ranges: list[tuple[int, int]] = []
    for code in sorted(set[int]().union(*(characters_of(font) for font in pinned_fonts()))):
        if unicodedata.category(chr(code)) in UNPRINTABLE or any(first <= code <= last for first, last in INVISIBLE):
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return ranges


def main() -> None:
    """Writes the file."""
    for font in pinned_fonts():
        font.check()
    ranges = printable_ranges()
    digests = json.dumps([font.sha256 for font in pinned_fonts()], indent=1)
    lines = ",\n".join(json.dumps(ranges[start : start + 12])[1:-1] for start in range(0, len(ranges), 12))
    COVERAGE_FILE.write_text(f'{{"fonts": {digests},\n"ranges": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{COVERAGE_FILE.name}: {sum(last - first + 1 for first, last in ranges)} characters in {len(ranges)} ranges")


if __name__ == "__main__":
    main()
