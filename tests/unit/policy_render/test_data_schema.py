"""Client's data: every fault at once, by its path, without a word of the data; hostile data costs little."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_render.catalog import Catalog
from policy_render.data_schema import MAX_DATA_BYTES, check_data
from policy_render.errors import Reason, RenderError

_TEMPLATE = Catalog.load().get("policy/commercial@1")
_SAMPLE: dict[str, Any] = json.loads(_TEMPLATE.sample_json)
Change = Callable[[dict[str, Any]], object]


def _refusal(data_json: str) -> RenderError:
    with pytest.raises(RenderError) as caught:
        check_data(_TEMPLATE, data_json)
    return caught.value


def _faults(change: Change) -> dict[str, str]:
    data = copy.deepcopy(_SAMPLE)
    change(data)
    problem = _refusal(json.dumps(data))
    assert problem.reason is Reason.DATA_INVALID
    faults: dict[str, str] = {}
    for violation in problem.violations:
        faults[violation.field] = "; ".join(filter(None, (faults.get(violation.field), violation.description)))
    return faults


def test_good_data_comes_back_with_what_the_contract_needs() -> None:
    data = check_data(_TEMPLATE, _TEMPLATE.sample_json)
    assert data.text == _TEMPLATE.sample_json
    assert data.values == _SAMPLE
    assert data.number == "PDZA202611000000012345"


@pytest.mark.parametrize(
    ("change", "path", "told"),
    [
        (lambda d: d.pop("period"), "$", "lacks period"),
        (lambda d: d["insured"].pop("name"), "$.insured", "lacks name"),
        (lambda d: d.update(colour="blue"), "$", "unknown members: colour"),
        (lambda d: d["coverages"][2].update(premium=82.1), "$.coverages[2].premium", "decimal strings"),
        (lambda d: d["premium"].update(total=2782.82), "$.premium.total", "decimal strings"),
        (lambda d: d["coverages"][1].update(premium="1042.4"), "$.coverages[1].premium", "two places"),
        (lambda d: d["coverages"][1].update(premium="-1.00"), "$.coverages[1].premium", "two places"),
        (lambda d: d["coverages"][1].update(premium="01.00"), "$.coverages[1].premium", "two places"),
        (lambda d: d["coverages"][1].update(premium="１.00"), "$.coverages[1].premium", "two places"),
        (lambda d: d["coverages"][1].update(premium="1e3"), "$.coverages[1].premium", "two places"),
        (lambda d: d["coverages"][0].update(limit_text="七次"), "$.coverages[0]", "exactly one of: limit, limit_text"),
        (lambda d: d["coverages"][0].pop("limit"), "$.coverages[0]", "exactly one of: limit, limit_text"),
        (lambda d: d.update(coverages=[]), "$.coverages", "minItems 1"),
        (lambda d: d.update(coverages={}), "$.coverages", "a list"),
        (lambda d: d.update(insured=[]), "$.insured", "an object"),
        (lambda d: d["vehicle"].update(seats="5"), "$.vehicle.seats", "a whole number"),
        (lambda d: d["vehicle"].update(seats=5.5), "$.vehicle.seats", "a whole number"),
        (lambda d: d["vehicle"].update(seats=0), "$.vehicle.seats", "minimum 1"),
        (lambda d: d["vehicle"].update(seats=True), "$.vehicle.seats", "a whole number"),
        (lambda d: d["vehicle"].update(vin="LEXAA4AB0PE01234"), "$.vehicle.vin", "must match"),
        (lambda d: d["vehicle"].update(vin="LEXAA4AB0PEO12345"), "$.vehicle.vin", "must match"),
        (lambda d: d["vehicle"].update(plate="京A·00001"), "$.vehicle.plate", "must match"),
        (lambda d: d["vehicle"].update(plate="京a00001"), "$.vehicle.plate", "must match"),
        (lambda d: d["vehicle"].update(first_registered="2023-02-29"), "$.vehicle.first_registered", "a day that"),
        (lambda d: d["vehicle"].update(first_registered="20230228"), "$.vehicle.first_registered", "a day that"),
        (lambda d: d["period"].update(ends_at="2027-10-01T00:00:00"), "$.period.ends_at", "with its zone"),
        (lambda d: d["period"].update(ends_at="2027-13-01T00:00:00+08:00"), "$.period.ends_at", "with its zone"),
        (lambda d: d["period"].update(ends_at="2027-10-01T24:00:00+08:00"), "$.period.ends_at", "with its zone"),
        (lambda d: d["insured"].update(name="  "), "$.insured.name", "must not be blank"),
        (lambda d: d["insured"].update(name="张三 "), "$.insured.name", "nor begin or end with a blank"),
        (lambda d: d["insured"].update(name=""), "$.insured.name", "minLength 1"),
        (lambda d: d["insured"].update(name="长" * 201), "$.insured.name", "maxLength 200"),
        (lambda d: d["insured"].update(name="张\n三"), "$.insured.name", "control character (U+000A)"),
        (lambda d: d["insured"].update(name="张\u2028三"), "$.insured.name", "control character (U+2028)"),
        (lambda d: d["policy"].update(number="PDZA1\n"), "$.policy.number", "control character (U+000A)"),
        (lambda d: d["insured"].update(id_number="11010519491231002X"), "$.insured.id_number", "mask it"),
        # rules between fields
        (
            lambda d: d["premium"].update(total="2782.81"),
            "$.premium.total",
            "is not the sum of premium over $.coverages",
        ),
        (lambda d: d["premium"].update(total_capitals="贰仟元整"), "$.premium.total_capitals", "Chinese capitals"),
        (lambda d: d["period"].update(ends_at="2026-10-01T00:00:00+08:00"), "$.period.ends_at", "is not after"),
        # the same moment in another zone
        (lambda d: d["period"].update(ends_at="2026-09-30T16:00:00+00:00"), "$.period.ends_at", "is not after"),
    ],
)
def test_a_fault_is_told_at_its_path(change: Change, path: str, told: str) -> None:
    faults = _faults(change)
    assert told in faults[path]


@pytest.mark.parametrize(
    "plate", ["暂未上牌", "京AD12345", "使014578", "沪A1234领", "粤Z1234港", "WJ京0001A", "京X1234应急"]
)
def test_plates_of_all_kinds_pass(plate: str) -> None:
    data = copy.deepcopy(_SAMPLE)
    data["vehicle"]["plate"] = plate
    assert check_data(_TEMPLATE, json.dumps(data)).values["vehicle"]["plate"] == plate


@pytest.mark.parametrize("number", ["110101********001X", "91110000100000000X", "E12345678", "110105194912310021"])
def test_other_identity_numbers_pass(number: str) -> None:
    data = copy.deepcopy(_SAMPLE)
    data["insured"]["id_number"] = number
    assert check_data(_TEMPLATE, json.dumps(data)).values["insured"]["id_number"] == number


def test_all_faults_at_once() -> None:
    def spoil(data: dict[str, Any]) -> None:
        del data["insured"]["name"]
        data["coverages"][1]["premium"] = 1042.36
        data["coverages"][5]["deductible"] = None
        data["vehicle"]["vin"] = "X"
        data["colour"] = "blue"

    assert list(_faults(spoil)) == [
        "$",
        "$.coverages[1].premium",
        "$.coverages[5].deductible",
        "$.insured",
        "$.vehicle.vin",
    ]


def test_no_more_than_a_hundred_are_told() -> None:
    def spoil(data: dict[str, Any]) -> None:
        data["coverages"] = [{"name": "x", "limit": 1, "deductible": 2, "premium": 3} for _ in range(100)]

    data = copy.deepcopy(_SAMPLE)
    spoil(data)
    problem = _refusal(json.dumps(data))
    assert len(problem.violations) == 100
    assert "300 faults" in problem.message


def test_repeated_keys_are_told_with_their_path() -> None:
    text = _TEMPLATE.sample_json.replace('"plate"', '"plate": "京B00002", "plate"', 1)
    text = text.replace('"name": "机动车损失保险"', '"name": "甲", "name": "机动车损失保险"', 1)
    problem = _refusal(text)
    assert {(violation.field, violation.description) for violation in problem.violations} == {
        ("$.vehicle.plate", "stands more than once"),
        ("$.coverages[0].name", "stands more than once"),
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1, column 1"),
        ("{", "line 1, column 2"),
        ("{'a': 1}", "line 1, column 2"),
        ('{"a": 1,}', "is not JSON"),
        ('{"a": NaN}', "no NaN"),
        ('{"a": -Infinity}', "no -Infinity"),
        ('{"a": 1}{', "is not JSON"),
        ("// c\n{}", "is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[" * 40 + "]" * 40, "nested too deeply"),
        ('{"a": ' + "9" * 5_000 + "}", "thousands of digits"),
        ('"' + "x" * MAX_DATA_BYTES + '"', "larger than 1 MiB"),
        ('"' + "字" * (MAX_DATA_BYTES // 3) + '"', "larger than 1 MiB"),
        ("[" + "0," * 30_000 + "0]", "more than 20000 values"),
        ("\ufeff{}", "is not JSON"),
    ],
)
def test_what_is_not_the_json_we_take(text: str, told: str) -> None:
    problem = _refusal(text)
    assert problem.reason is Reason.DATA_MALFORMED
    assert told in problem.message
    assert problem.remedy


@pytest.mark.parametrize("text", ["null", "1", '"x"', "[]", "{}"])
def test_json_of_another_kind_is_invalid(text: str) -> None:
    assert _refusal(text).reason is Reason.DATA_INVALID


def test_neither_message_nor_violations_quote_the_data() -> None:
    data = copy.deepcopy(_SAMPLE)
    secret = "13900001111秘密"
    for party in ("policyholder", "insured"):
        data[party] = dict.fromkeys(data[party], secret * 40)
    data["vehicle"] = dict.fromkeys(data["vehicle"], secret)
    data["premium"]["total"] = secret
    problem = _refusal(json.dumps(data))
    assert len(problem.violations) > 10
    assert "秘密" not in str(problem) + repr(problem.violations)
    assert "1390000" not in str(problem) + repr(problem.violations)


@pytest.mark.parametrize(
    "text",
    [
        "{" + ",".join('"a": 1' for _ in range(100_000)) + "}",
        "{" + ",".join(f'"k{n}": 1' for n in range(15_000)) + "}",
        json.dumps({**_SAMPLE, "coverages": [{}] * 15_000}),
        json.dumps({**_SAMPLE, "special_agreements": [" "] * 15_000}),
        json.dumps({**_SAMPLE, "head_notice": " " * 1_000_000 + "x"}),
    ],
    ids=["repeated keys", "unknown keys", "empty members", "blank members", "blanks"],
)
def test_hostile_data_costs_little_and_is_answered_shortly(text: str) -> None:
    started = time.process_time()
    problem = _refusal(text)
    assert time.process_time() - started < 5  # seconds; the naive ways take minutes
    assert len(problem.message) < 1_000
    assert sum(len(violation.description) for violation in problem.violations) < 20_000


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


# Parts made of free text, alone or in a list: any text may be good there.
_FREE_TEXT = {"head_notice", "dispute_resolution", "special_agreements", "important_notices"}


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted({*_SAMPLE} - _FREE_TEXT)), _json_values)
def test_anything_in_place_of_a_part_is_judged_without_another_error(part: str, value: Any) -> None:
    problem = _refusal(json.dumps({**_SAMPLE, part: value}))
    assert problem.reason in {Reason.DATA_INVALID, Reason.DATA_MALFORMED}
    assert all(violation.field.startswith("$") for violation in problem.violations)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200) | st.text('{}[]":,0123456789.eE+-ntfu\\ \n', max_size=60))
def test_any_text_is_judged_without_another_error(text: str) -> None:
    with pytest.raises(RenderError):
        check_data(_TEMPLATE, text)
