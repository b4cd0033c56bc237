"""Every template with the emptiest and the longest data: nothing overlaps, leaves the page, vanishes, or lies under a seal."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policy_render.catalog import Catalog, Template
from policy_render.fonts import Fonts
from policy_render.renderer_process import Typesetter
from tests.page_layout import Word, judge, under
from tests.template_data import emptiest, keep_rules, longest, schema_of

_CATALOG = Catalog.load()
# evidence packs and drill records have tests of their own, over what probes really say
_TEMPLATES = [template for template in _CATALOG.current() if template.name.split("/")[0] not in {"evidence", "drill"}]
_each_template = pytest.mark.parametrize("template", _TEMPLATES, ids=lambda template: template.name)
# A seal covers the date below the insurer's name, as tradition has it; a signature stands on its line.
_DATE_OF_SEAL = re.compile(r"(签单|批改|制单|生成)日期：\d+年\d+月\d+日")
_SIGNATURE_LINE = re.compile(r"签名：|日期：")


@pytest.fixture(scope="module")
def typesetter(tmp_path_factory: pytest.TempPathFactory) -> Typesetter:
    directory = tmp_path_factory.mktemp("fonts")
    fonts = Fonts.load()
    fonts.link_into(directory)
    return Typesetter(_CATALOG, fonts, directory)


def _judge_all(typesetter: Typesetter, template: Template, data: dict[str, Any]) -> list[Word]:
    words = judge(typesetter, template, data)
    for place in template.seal_places:
        assert all(_DATE_OF_SEAL.fullmatch(text) for text in under(words, place)), under(words, place)
    for place in template.signature_places:
        assert all(_SIGNATURE_LINE.fullmatch(text) for text in under(words, place)), under(words, place)
    return words


@_each_template
def test_the_emptiest_data_fits(typesetter: Typesetter, template: Template) -> None:
    _judge_all(typesetter, template, emptiest(template))


@_each_template
def test_the_longest_data_fits(typesetter: Typesetter, template: Template) -> None:
    _judge_all(typesetter, template, longest(template))


@_each_template
def test_every_page_says_which_of_how_many_it_is(typesetter: Typesetter, template: Template) -> None:
    words = _judge_all(typesetter, template, json.loads(template.sample_json))
    pages = max(word.page for word in words) + 1
    for page in range(pages):
        printed = "".join(word.text for word in words if word.page == page)
        assert f"第{page + 1}页共{pages}页" in printed


@pytest.mark.parametrize("name", ["endorsement/commercial", "endorsement/compulsory"])
def test_forty_lines_of_an_endorsement_flow_over_pages(typesetter: Typesetter, name: str) -> None:
    template = _CATALOG.get(name)
    data = json.loads(template.sample_json)
    data["changes"] = [
        {"item": f"第{n}项", "before": f"甲{n}" + "原来的内容" * 20, "after": f"乙{n}" + "新的内容" * 20}
        for n in range(1, 41)
    ]
    words = _judge_all(typesetter, template, data)
    last = max(word.page for word in words)
    assert last >= 3
    printed = "".join(word.text for word in words)
    assert all(f"第{n}项" in printed for n in range(1, 41))
    heads = [word.page for word in words if word.text == "批改项目"]
    assert len(heads) == len(set(heads)) >= 3  # the table's head stands again on every page that it goes on to


_texts = st.lists(
    st.tuples(
        st.sampled_from(["字", "W", "0", "（", "，", "。", "⸺", "@", "a b", "𠅤", "\u00a0x"]), st.integers(1, 120)
    ),
    min_size=1,
    max_size=4,
).map(lambda pieces: "".join(text * count for text, count in pieces))


def _draw_into(schema: dict[str, Any], value: Any, draw: st.DrawFn) -> Any:
    """The value with some of its free texts drawn anew."""
    if isinstance(value, dict):
        return {name: _draw_into(schema["properties"][name], member, draw) for name, member in value.items()}
    if isinstance(value, list):
        return [_draw_into(schema["items"], member, draw) for member in value]
    if isinstance(value, str) and "maxLength" in schema and draw(st.integers(0, 2)) == 0:
        return draw(_texts)[: schema["maxLength"]].strip() or "字"
    return value


@st.composite
def _documents(draw: st.DrawFn) -> tuple[Template, dict[str, Any]]:
    template = draw(st.sampled_from(_TEMPLATES))
    whole = longest(template, most=draw(st.integers(1, 12)), long_ones=draw(st.integers(0, 3)))
    start = draw(st.sampled_from([json.loads(template.sample_json), emptiest(template), whole]))
    drawn: dict[str, Any] = _draw_into(schema_of(template), start, draw)
    return template, keep_rules(template, drawn)


@pytest.mark.soak
@settings(
    deadline=None,
    max_examples=600,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking a document takes longer than reading it
)
@given(_documents())
def test_pages_hold_whatever_lengths(typesetter: Typesetter, document: tuple[Template, dict[str, Any]]) -> None:
    _judge_all(typesetter, *document)
