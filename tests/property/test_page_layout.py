"""Whatever lengths the data has, nothing on the pages overlaps, leaves the page or vanishes. Judged by poppler's word boxes."""

from __future__ import annotations

import html
import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policy_render.catalog import Catalog
from policy_render.data_rules import amount_in_capitals
from policy_render.data_schema import check_data
from policy_render.fonts import Fonts
from policy_render.renderer_process import Typesetter

_TEMPLATE = Catalog.load().get("policy/commercial@1")
_SAMPLE: dict[str, Any] = json.loads(_TEMPLATE.sample_json)
# Glyphs may stand out of their boxes a little; a neighbour's text may not reach in by more (points).
_TOLERANCE = 1.2
_MARGIN = 25.0
# In a full line, these give up half an em that holds no ink; their boxes stay whole.
_SQUEEZED, _SQUEEZE = set("（，。："), 4.4


@dataclass(frozen=True)
class Word:
    """A word's box, in points from the top left of its page."""

    page: int
    left: float
    top: float
    right: float
    bottom: float
    text: str


@pytest.fixture(scope="module")
def typesetter(tmp_path_factory: pytest.TempPathFactory) -> Typesetter:
    directory = tmp_path_factory.mktemp("fonts")
    fonts = Fonts.load()
    fonts.link_into(directory)
    return Typesetter(Catalog.load(), fonts, directory)


def words_of(pdf: bytes) -> list[Word]:
    """All words on all pages."""
    ended = subprocess.run(["pdftotext", "-bbox", "-", "-"], input=pdf, capture_output=True, check=True)
    boxes = ended.stdout.decode(errors="replace")  # poppler writes the author's rare characters as surrogates
    words = []
    for page, text in enumerate(boxes.split("<page ")[1:]):
        for match in re.finditer(r'<word xMin="(.+)" yMin="(.+)" xMax="(.+)" yMax="(.+)">(.*)</word>', text):
            left, top, right, bottom = (float(number) for number in match.groups()[:4])
            word = html.unescape(match[5]).replace("\u200b", "")
            left += _SQUEEZE if word[:1] in _SQUEEZED else 0
            right -= _SQUEEZE if word[-1:] in _SQUEEZED else 0
            words.append(Word(page, left, top, right, bottom, word))
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


def _letters(text: str) -> Counter[str]:
    return Counter(re.sub(r"\s", "", text))


def judge(typesetter: Typesetter, data: dict[str, Any]) -> None:
    """Renders the data and fails where a page is not as it must be."""
    text = json.dumps(data, ensure_ascii=False)
    check_data(_TEMPLATE, text)
    pdf, _ = typesetter.render(_TEMPLATE.reference, text, draft=False, verification_url="https://verify.example.cn/v")
    words = words_of(pdf)
    assert not overlaps(words)
    outside = [
        word
        for word in words
        if word.left < _MARGIN or word.right > 595.3 - _MARGIN or word.top < 0 or word.bottom > 841
    ]
    assert not outside
    printed = _letters("".join(word.text for word in words))
    missing = _letters("".join(_texts(data))) - printed
    assert not missing


def _texts(value: Any) -> Iterator[str]:
    """What is printed as it stands; dates and amounts have a form of their own on the page."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name not in {"confirmed_at", "begins_at", "ends_at", "first_registered"}:
                yield from _texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)
    elif isinstance(value, str):
        yield value


# Runs without a place to break are what breaks layouts: wide letters, digits, punctuation that must not begin or end a line,
# dashes of two and three ems, no-break spaces.
_pieces = st.tuples(
    st.sampled_from(
        ["字", "龘", "W", "i", "0", ".", "（", "，", "。", "—", "⸺", "⸻", "@", "a b", "中A", "\u00a0x", "𠅤", "－"]
    ),
    st.sampled_from([1, 2, 3, 5, 8, 13, 21, 40, 80, 200]),
)


def _lines(limit: int) -> st.SearchStrategy[str]:
    joined = st.lists(_pieces, min_size=1, max_size=4).map(
        lambda pieces: "".join(text * count for text, count in pieces)
    )
    return joined.map(lambda text: text[:limit].strip()).filter(bool)


_line, _paragraph = _lines(200), _lines(2000)
_whole = st.integers(0, 9).flatmap(lambda digits: st.integers(0, 10**digits))


@st.composite
def _policies(draw: st.DrawFn) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(_TEMPLATE.sample_json)
    for part in ("policyholder", "insured", "insurer"):
        for name in draw(st.sets(st.sampled_from(sorted(data[part])))):
            data[part][name] = draw(_line)
    for name in draw(st.sets(st.sampled_from(["owner", "engine_number", "model", "kind", "use", "load", "engine"]))):
        data["vehicle"][name] = draw(_line)
    data["policy"]["number"] = draw(st.sampled_from(["1", "PDZA202611000000012345", "W" * 64]))
    data["policy"]["proposal_number"] = draw(st.sampled_from(["1", "W" * 64]))
    data["head_notice"] = draw(_paragraph)
    data["dispute_resolution"] = draw(_line)
    data["special_agreements"] = draw(st.lists(_paragraph, max_size=8))
    coverages = draw(st.lists(st.tuples(_line, _line, _line, _whole, st.booleans()), min_size=1, max_size=12))
    data["coverages"] = [
        {
            "name": name,
            **({"limit": f"{premium}.50"} if plain else {"limit_text": limit}),
            "deductible": deductible,
            "premium": f"{premium}.00",
        }
        for name, limit, deductible, premium, plain in coverages
    ]
    total = f"{sum(premium for *_, premium, _plain in coverages)}.00"
    data["premium"] = {"total": total, "total_capitals": amount_in_capitals(total)}
    return data


_relaxed = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking a document takes longer than reading it
)


@settings(_relaxed, max_examples=25)
@given(_policies())
def test_pages_hold_whatever_lengths(typesetter: Typesetter, data: dict[str, Any]) -> None:
    judge(typesetter, data)


@pytest.mark.soak
@settings(_relaxed, max_examples=1_000)
@given(_policies())
def test_pages_hold_whatever_lengths_at_length(typesetter: Typesetter, data: dict[str, Any]) -> None:
    judge(typesetter, data)


@pytest.mark.parametrize("digits", range(1, 13))
def test_amounts_of_every_length_are_grouped_by_threes(typesetter: Typesetter, digits: int) -> None:
    whole = "987654321012"[:digits]
    data = {
        **_SAMPLE,
        "coverages": [{"name": "甲", "limit": f"{whole}.05", "deductible": "—", "premium": f"{whole}.60"}],
        "premium": {"total": f"{whole}.60", "total_capitals": amount_in_capitals(f"{whole}.60")},
    }
    pdf, _ = typesetter.render(
        _TEMPLATE.reference, json.dumps(data), draft=False, verification_url="https://verify.example.cn/v"
    )
    printed = [word.text for word in words_of(pdf)]
    assert f"{int(whole):,}.05" in printed
    assert f"{int(whole):,}.60" in printed


@pytest.mark.parametrize(
    ("begins_at", "ends_at", "printed"),
    [
        ("2026-10-01T00:00:00+08:00", "2027-10-01T00:00:00+08:00", "自2026年10月1日0时起至2027年9月30日24时止"),
        ("2026-01-01T00:00:00+08:00", "2027-01-01T00:00:00+08:00", "自2026年1月1日0时起至2026年12月31日24时止"),
        ("2027-03-01T00:00:00+08:00", "2028-03-01T00:00:00+08:00", "自2027年3月1日0时起至2028年2月29日24时止"),
        (
            "2026-10-01T14:30:00+08:00",
            "2027-10-01T14:30:05+08:00",
            "自2026年10月1日14时30分起至2027年10月1日14时30分5秒止",
        ),
        ("2026-10-01T00:00:01+08:00", "2027-10-01T12:00:00+08:00", "自2026年10月1日0时0分1秒起至2027年10月1日12时止"),
    ],
)
def test_periods_are_printed_as_insurers_write_them(
    typesetter: Typesetter, begins_at: str, ends_at: str, printed: str
) -> None:
    data = {**_SAMPLE, "period": {"begins_at": begins_at, "ends_at": ends_at}}
    pdf, _ = typesetter.render(
        _TEMPLATE.reference, json.dumps(data), draft=False, verification_url="https://verify.example.cn/v"
    )
    assert printed in "".join(word.text for word in words_of(pdf))


def test_the_judge_sees_overlapping_text(tmp_path: Path) -> None:
    import typst

    (tmp_path / "bad.typ").write_text(
        '#set page(width: 595pt, height: 841pt)\n#table(columns: (20mm, 20mm), "W" * 20, "W" * 3)'
    )
    assert overlaps(words_of(typst.compile(str(tmp_path / "bad.typ"), format="pdf")))


def test_the_seals_box_stands_at_the_foot_whatever_comes_before(typesetter: Typesetter) -> None:
    place = _TEMPLATE.seal_places[0]
    for agreements in (
        [],
        ["短"],
        ["长" * 1_000] * 2,
        ["长" * 2_000] * 9,
        *(["中" * 60] * count for count in range(4, 9)),
    ):
        data = {**_SAMPLE, "special_agreements": agreements}
        pdf, pages = typesetter.render(
            _TEMPLATE.reference, json.dumps(data), draft=False, verification_url="https://verify.example.cn/v"
        )
        millimetre = 72 / 25.4
        top, bottom = (place.y_mm - place.width_mm / 2) * millimetre, (place.y_mm + place.width_mm / 2) * millimetre
        left, right = (place.x_mm - place.width_mm / 2) * millimetre, (place.x_mm + place.width_mm / 2) * millimetre
        under = [
            word.text
            for word in words_of(pdf)
            if word.page == pages - 1
            and min(word.right, right) - max(word.left, left) > 0
            and min(word.bottom, bottom) - max(word.top, top) > 0.5
        ]
        # the seal covers the date below the company's seal line, as tradition has it, and nothing else
        assert under == ["签单日期：2026年9月30日"]
