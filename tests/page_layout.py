"""What stands where on a page, by poppler's word boxes: nothing overlaps, leaves the page, lies under a seal or vanishes."""

from __future__ import annotations

import html
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from policy_render.catalog import Template, TemplatePlace
from policy_render.data_schema import check_data
from policy_render.renderer_process import Typesetter
from tests.template_data import as_json, leaves

_MILLIMETRE = 72 / 25.4
VERIFICATION_URL = "https://verify.example.cn/v"
# Glyphs may stand out of their boxes a little; a neighbour's text may not reach in by more (points).
_TOLERANCE = 1.2
_MARGIN = 25.0
# In a full line, these give up half an em that holds no ink; their boxes stay whole.
_SQUEEZED, _SQUEEZE = set("（，。："), 4.4
# Printed in a form of their own, or as a word: days, moments, codes.
_DATED = re.compile(r"\d{4}-\d\d-\d\d(T.*)?")
_CODES = {"policyholder-online", "staff"}


@dataclass(frozen=True)
class Word:
    """A word's box, in points from the top left of its page, and that page's size."""

    page: int
    left: float
    top: float
    right: float
    bottom: float
    text: str
    page_width: float
    page_height: float


def words_of(pdf: bytes) -> list[Word]:
    """All words on all pages."""
    ended = subprocess.run(["pdftotext", "-bbox", "-", "-"], input=pdf, capture_output=True, check=True)
    boxes = ended.stdout.decode(errors="replace")  # poppler writes the author's rare characters as surrogates
    words = []
    for page, text in enumerate(boxes.split("<page ")[1:]):
        width, height = (float(number) for number in re.findall(r'="([0-9.]+)"', text.partition(">")[0])[:2])
        for match in re.finditer(r'<word xMin="(.+)" yMin="(.+)" xMax="(.+)" yMax="(.+)">(.*)</word>', text):
            left, top, right, bottom = (float(number) for number in match.groups()[:4])
            word = html.unescape(match[5]).replace("\u200b", "")
            left += _SQUEEZE if word[:1] in _SQUEEZED else 0
            right -= _SQUEEZE if word[-1:] in _SQUEEZED else 0
            words.append(Word(page, left, top, right, bottom, word, width, height))
    return words


def overlaps(words: list[Word]) -> list[tuple[Word, Word]]:
    """Pairs whose boxes share more than an edge. Lines stand closer than their boxes, so a third of the height is free."""
    found = []
    ordered = sorted(words, key=lambda word: (word.page, word.top))
    for index, one in enumerate(ordered):
        for other in ordered[index + 1 :]:
            if other.page != one.page or other.top > one.bottom:
                break
            across = min(one.right, other.right) - max(one.left, other.left)
            down = min(one.bottom, other.bottom) - max(one.top, other.top)
            least = min(one.bottom - one.top, other.bottom - other.top)
            if across > _TOLERANCE and down > least / 3:
                found.append((one, other))
    return found


def outside(words: list[Word]) -> list[Word]:
    """Those that reach into the margins."""
    return [
        word
        for word in words
        if word.left < _MARGIN
        or word.right > word.page_width - _MARGIN
        or word.top < 0
        or word.bottom > word.page_height - 1
    ]


def under(words: list[Word], place: TemplatePlace) -> list[str]:
    """The words that a seal at this place covers."""
    pages = max(word.page for word in words) + 1
    page = place.page - 1 if place.page > 0 else pages + place.page
    half = place.width_mm / 2
    left, right = (place.x_mm - half) * _MILLIMETRE, (place.x_mm + half) * _MILLIMETRE
    top, bottom = (place.y_mm - half) * _MILLIMETRE, (place.y_mm + half) * _MILLIMETRE
    return [
        word.text
        for word in words
        if word.page == page
        and min(word.right, right) - max(word.left, left) > 0
        and min(word.bottom, bottom) - max(word.top, top) > 0.5
    ]


def letters(text: str) -> Counter[str]:
    """How often each character stands in a text, white space left out."""
    return Counter(re.sub(r"\s", "", text))


def texts(value: Any) -> Iterator[str]:
    """What is printed as it stands."""
    for leaf in leaves(value):
        if isinstance(leaf, str) and not _DATED.fullmatch(leaf) and leaf not in _CODES:
            yield leaf


def judge(typesetter: Typesetter, template: Template, data: dict[str, Any]) -> list[Word]:
    """Renders the data; fails where a page is not as it must be; gives what stands on it."""
    text = as_json(data)
    check_data(template, text)
    pdf, _ = typesetter.render(template.reference, text, draft=False, verification_url=VERIFICATION_URL)
    words = words_of(pdf)
    assert not (pairs := overlaps(words)), pairs[:5]
    assert not (strayed := outside(words)), strayed[:5]
    # a negative amount's sign is a word on the page
    wanted = letters("".join(re.sub(r"^-(?=\d+\.\d\d$)", "", text) for text in texts(data)))
    missing = wanted - letters("".join(word.text for word in words))
    assert not missing, missing
    return words
