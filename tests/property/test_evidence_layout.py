"""Printed packs and drill records: every page holds what it should, whatever the probes and steps say, and the real item list."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policy_render.catalog import Catalog
from policy_render.data_schema import check_data
from policy_render.fonts import Fonts
from policy_render.renderer_process import Typesetter
from signer.evidence.fact import Outcome
from signer.evidence.item import STATUS_ZH, Status, load_items
from signer.evidence.pack import standard_values
from signer.evidence.probes.catalogue import NAMES
from tests.page_layout import Word, outside, overlaps, words_of

_PACK: dict[str, Any] = json.loads(Catalog.load().get("evidence/pack").sample_json)
_RECORD: dict[str, Any] = json.loads(Catalog.load().get("drill/record").sample_json)
_CLOSING, _SQUEEZE = set("）；、”？"), 4.0
_pieces = st.tuples(
    st.sampled_from(["字", "W", "i", "0", "。", "—", "@", "a b", "中A", "－", "f0:"]),
    st.sampled_from([1, 3, 8, 21, 60, 150]),
)
_texts = (
    st.lists(_pieces, min_size=1, max_size=4)
    .map(lambda pieces: "".join(text * count for text, count in pieces)[:600].strip())
    .filter(bool)
)
_lines = _texts.map(lambda text: text[:200].strip()).filter(bool)
_relaxed = settings(
    deadline=None,
    max_examples=8,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


@pytest.fixture(scope="module")
def typesetter(tmp_path_factory: pytest.TempPathFactory) -> Typesetter:
    directory = tmp_path_factory.mktemp("fonts")
    fonts = Fonts.load()
    fonts.link_into(directory)
    return Typesetter(Catalog.load(), fonts, directory)


def _judge(typesetter: Typesetter, reference: str, data: dict[str, Any]) -> Sequence[Word]:
    """Renders the data; fails where words overlap or leave the page."""
    text = json.dumps(data, ensure_ascii=False)
    check_data(Catalog.load().get(reference), text)
    pdf, _ = typesetter.render(reference, text, draft=False, verification_url="https://verify.example.cn/v")
    words = [_squeezed(word) for word in words_of(pdf)]
    assert not overlaps(words)
    assert not outside(words)
    return words


def _squeezed(word: Word) -> Word:
    """Punctuation beside punctuation gives up half an em that holds no ink ("）；"); its box stays whole."""
    left = word.left + (_SQUEEZE if word.text[:1] in _CLOSING else 0)
    right = word.right - (_SQUEEZE if word.text[-1:] in _CLOSING else 0)
    return replace(word, left=left, right=right)


def _printed(words: Sequence[Word]) -> str:
    return "".join(word.text for word in words)


def test_the_whole_item_list_is_printed(typesetter: Typesetter) -> None:
    listed = load_items(NAMES)
    pack = copy.deepcopy(_PACK)
    outcomes = dict.fromkeys(NAMES, Outcome.SHOWN)
    pack["standards"] = [standard_values(standard, listed, outcomes) for standard in listed.standards]
    printed = _printed(_judge(typesetter, "evidence/pack@1", pack))
    for item in listed.items:
        for text in (item.title_zh, item.requirement_zh, item.does_zh):
            assert text.replace(" ", "") in printed.replace(" ", ""), item.id
    assert printed.count(STATUS_ZH[Status.INSURER]) >= sum(item.claimed is Status.INSURER for item in listed.items)


@_relaxed
@given(st.lists(st.tuples(_lines, _texts), min_size=1, max_size=12), _texts, _texts, _lines)
def test_packs_hold_whatever_probes_say(
    typesetter: Typesetter, facts: list[tuple[str, str]], told: str, duty: str, company: str
) -> None:
    pack = copy.deepcopy(_PACK)
    pack["pack"]["company"] = company
    pack["probes"][0]["told_zh"] = told
    pack["probes"][0]["facts"] = [
        {"name": f"fact-{number}", "title_zh": title, "value": value, "kind": "state"}
        for number, (title, value) in enumerate(facts)
    ]
    item = pack["standards"][0]["domains"][0]["items"][0]
    item |= {"requirement_zh": told, "does_zh": duty, "duty_zh": told, "lowered_zh": duty}
    _judge(typesetter, "evidence/pack@1", pack)


@_relaxed
@given(_lines, st.lists(_texts, min_size=1, max_size=10), _texts)
def test_records_hold_whatever_steps_say(
    typesetter: Typesetter, operator: str, observations: list[str], told: str
) -> None:
    record = copy.deepcopy(_RECORD)
    record["record"]["operator"] = operator
    record["conclusion"]["told_zh"] = told
    record["steps"] = [
        {**record["steps"][0], "observation": text, "expected_zh": text, "result": result}
        for text, result in zip(observations, ("ok", "failed", "not-reached") * 4, strict=False)
    ]
    _judge(typesetter, "drill/record@1", record)
