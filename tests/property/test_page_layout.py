"""Whatever lengths the data has, nothing on the pages overlaps, leaves the page or vanishes. Judged by poppler's word boxes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policy_render.catalog import Catalog
from policy_render.data_rules import amount_in_capitals
from policy_render.fonts import Fonts
from policy_render.renderer_process import Typesetter
from tests.page_layout import judge, overlaps, under, words_of

_TEMPLATE = Catalog.load().get("policy/commercial@1")
_SAMPLE: dict[str, Any] = json.loads(_TEMPLATE.sample_json)


@pytest.fixture(scope="module")
def typesetter(tmp_path_factory: pytest.TempPathFactory) -> Typesetter:
    directory = tmp_path_factory.mktemp("fonts")
    fonts = Fonts.load()
    fonts.link_into(directory)
    return Typesetter(Catalog.load(), fonts, directory)


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
    judge(typesetter, _TEMPLATE, data)


@pytest.mark.soak
@settings(_relaxed, max_examples=1_000)
@given(_policies())
def test_pages_hold_whatever_lengths_at_length(typesetter: Typesetter, data: dict[str, Any]) -> None:
    judge(typesetter, _TEMPLATE, data)


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
        pdf, _ = typesetter.render(
            _TEMPLATE.reference, json.dumps(data), draft=False, verification_url="https://verify.example.cn/v"
        )
        # the seal covers the date below the company's seal line, as tradition has it, and nothing else
        assert under(words_of(pdf), place) == ["签单日期：2026年9月30日"]
