"""Finds where a text stands in a PDF, for seals beside keywords. Runs in the inspector's process: PDFium parses there, never in a worker.

White space is left aside on both sides, so a text is found where it is split into runs, letter-spaced, or broken into lines (its place
is then that of its first line's part). Text in pictures is not found, and pages with a
unit of their own (/UserUnit) are taken as if they had none. Not for verification: nothing here says what a reader sees.
"""

from __future__ import annotations

import pypdfium2

from signer.pades.inspector_task import MAX_HITS, MAX_PAGES, TextPlace
from signer.pades.page_geometry import PageGeometry


class TextUnreadable(Exception):
    """The file's text can't be read."""


def find_text(pdf: bytes, text: str) -> list[TextPlace]:
    """Every place of the text, at most 1,000, in reading order. Raises TextUnreadable."""
    wanted = "".join(text.split())
    found: list[TextPlace] = []
    try:
        document = pypdfium2.PdfDocument(pdf)
        if len(document) > MAX_PAGES:
            raise TextUnreadable("the document has too many pages")
        for index in range(len(document)):
            found += _on_page(document[index], index + 1, wanted)
            if len(found) >= MAX_HITS:
                break
    except pypdfium2.PdfiumError as problem:
        raise TextUnreadable("the document's text can't be read") from problem
    return found[:MAX_HITS]


def _on_page(page: pypdfium2.PdfPage, number: int, wanted: str) -> list[TextPlace]:
    texts = page.get_textpage()
    count = texts.count_chars()
    characters = [(index, texts.get_text_range(index, 1)) for index in range(count)]
    solid = [(index, character) for index, character in characters if character.strip()]
    line = "".join(character for _, character in solid)
    owners = [index for index, character in solid for _ in character]
    geometry = PageGeometry(page.get_cropbox(), page.get_rotation(), 1.0)
    found = []
    start = line.find(wanted)
    while start >= 0:
        boxes = [texts.get_charbox(index) for index in owners[start : start + len(wanted)]]
        x, y = _middle_of_first_line(boxes)
        found.append(TextPlace(number, *geometry.to_shown(x, y)))
        start = line.find(wanted, start + len(wanted))
    return found


def _middle_of_first_line(boxes: list[tuple[float, float, float, float]]) -> tuple[float, float]:
    """Boxes are left, bottom, right, top; a character belongs to the line while it overlaps the first one in height."""
    _, bottom, _, top = boxes[0]
    line = [box for box in boxes if box[1] < top and box[3] > bottom]
    return (min(box[0] for box in line) + max(box[2] for box in line)) / 2, (
        min(box[1] for box in line) + max(box[3] for box in line)
    ) / 2
