"""Amounts in Chinese capitals (大写), against examples from banking practice and by reading them back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_render.data_rules import (
    AdditionRule,
    BeforeRule,
    CapitalsRule,
    DifferenceRule,
    SumRule,
    amount_in_capitals,
    json_path,
    read_rule,
)

# 支付结算办法 (1997), annex 1, gives 1,409.50, 6,007.14, 1,680.32, 107,000.53, 16,409.02 and 325.04
_EXAMPLES = {
    "0.00": "零元整",
    "0.01": "壹分",
    "0.10": "壹角整",
    "0.15": "壹角伍分",
    "1.00": "壹元整",
    "10.00": "壹拾元整",
    "10.05": "壹拾元零伍分",
    "325.04": "叁佰贰拾伍元零肆分",
    "1409.50": "壹仟肆佰零玖元伍角整",
    "1680.32": "壹仟陆佰捌拾元叁角贰分",
    "6007.14": "陆仟零柒元壹角肆分",
    "16409.02": "壹万陆仟肆佰零玖元零贰分",
    "107000.53": "壹拾万柒仟元伍角叁分",
    "4280.00": "肆仟贰佰捌拾元整",
    "100000.00": "壹拾万元整",
    "1000001.00": "壹佰万零壹元整",
    "10010001.00": "壹仟零壹万零壹元整",
    "100000000.00": "壹亿元整",
    "100010000.00": "壹亿零壹万元整",
    "999999999999.99": "玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分",
}


@pytest.mark.parametrize(("amount", "capitals"), _EXAMPLES.items())
def test_examples(amount: str, capitals: str) -> None:
    assert amount_in_capitals(amount) == capitals


_VALUES = {character: value for value, character in enumerate("零壹贰叁肆伍陆柒捌玖")}
_UNITS = {"拾": 10, "佰": 100, "仟": 1_000}
_BIG = {"万": 10_000, "亿": 100_000_000}


def _read(capitals: str) -> Decimal:
    """What a clerk reads: independent of how it was written."""
    total = section = digit = cents = 0
    for character in capitals:
        if character in _VALUES:
            digit = _VALUES[character]
        elif character in _UNITS:
            section += digit * _UNITS[character]
            digit = 0
        elif character in _BIG:
            total += (section + digit) * _BIG[character]
            section = digit = 0
        elif character == "元":
            total += section + digit
            section = digit = 0
        elif character in "角分":
            cents += digit * (10 if character == "角" else 1)
            digit = 0
    return Decimal(total) + Decimal(cents) / 100


@given(st.integers(0, 10**14 - 1) | st.integers(0, 10**6))
def test_every_amount_reads_back(cents: int) -> None:
    amount = f"{cents // 100}.{cents % 100:02d}"
    capitals = amount_in_capitals(amount)
    assert _read(capitals) == Decimal(amount)
    assert "零零" not in capitals
    assert capitals.endswith(("整", "分"))


def test_rules_are_read_from_a_manifests_tables() -> None:
    assert read_rule({"kind": "sum", "total": "/t", "items": "/i", "member": "m"}) == SumRule("/t", "/i", "m")
    assert read_rule({"kind": "capitals", "amount": "/a", "text": "/b"}) == CapitalsRule("/a", "/b")
    assert read_rule({"kind": "before", "first": "/a", "second": "/b"}) == BeforeRule("/a", "/b")
    assert read_rule({"kind": "addition", "total": "/t", "terms": ["/a", "/b"]}) == AdditionRule("/t", ["/a", "/b"])
    assert read_rule({"kind": "difference", "change": "/c", "after": "/a", "before": "/b"}) == DifferenceRule(
        "/c", "/a", "/b"
    )
    with pytest.raises(KeyError):
        read_rule({"kind": "after", "first": "/a", "second": "/b"})
    with pytest.raises(TypeError):
        read_rule({"kind": "before", "first": "/a", "third": "/b"})


def test_sums_are_exact() -> None:
    rule = SumRule("/total", "/items", "m")
    assert not list(rule.check({"total": "0.30", "items": [{"m": "0.10"}, {"m": "0.20"}]}))
    assert list(rule.check({"total": "0.31", "items": [{"m": "0.10"}, {"m": "0.20"}]}))


def test_pointers_become_paths() -> None:
    assert json_path("/premium/total") == "$.premium.total"


_ADDED = AdditionRule("/all/total", ["/one/total", "/two/total"])


@pytest.mark.parametrize(
    ("data", "right"),
    [
        ({"all": {"total": "0.30"}, "one": {"total": "0.10"}, "two": {"total": "0.20"}}, True),
        ({"all": {"total": "0.31"}, "one": {"total": "0.10"}, "two": {"total": "0.20"}}, False),
        ({"all": {"total": "0.10"}, "one": {"total": "0.10"}}, True),
        ({"all": {"total": "0.30"}, "one": {"total": "0.10"}}, False),
        ({"all": {"total": "0.00"}}, True),
        ({"one": {"total": "0.10"}}, True),  # no total: nothing to say
    ],
)
def test_an_addition_counts_the_parts_that_are_there(data: dict[str, dict[str, str]], right: bool) -> None:
    assert bool(list(_ADDED.check(data))) != right
    if not right:
        (fault,) = _ADDED.check(data)
        assert (fault.field, fault.description) == ("$.all.total", "is not the sum of $.one.total, $.two.total")


@pytest.mark.parametrize(
    ("change", "right"), [("-286.52", True), ("286.52", False), ("-286.53", False), ("0.00", False)]
)
def test_a_difference_has_its_sign(change: str, right: bool) -> None:
    rule = DifferenceRule("/p/change", "/p/after", "/p/before")
    faults = list(rule.check({"p": {"change": change, "after": "2496.30", "before": "2782.82"}}))
    assert bool(faults) != right
    assert not list(rule.check({"p": {"change": change, "after": "1.00"}}))


@pytest.mark.parametrize(
    ("amount", "text", "right"),
    [
        ("-286.52", "贰佰捌拾陆元伍角贰分", True),
        ("-286.52", "负贰佰捌拾陆元伍角贰分", False),
        ("0.00", "零元整", True),
    ],
)
def test_capitals_leave_the_sign_to_a_word(amount: str, text: str, right: bool) -> None:
    rule = CapitalsRule("/p/a", "/p/t")
    assert bool(list(rule.check({"p": {"a": amount, "t": text}}))) != right
    assert not list(rule.check({}))


def test_rules_over_a_part_that_is_left_out_say_nothing() -> None:
    assert not list(SumRule("/c/total", "/c/items", "m").check({}))
    assert not list(BeforeRule("/c/begins_at", "/c/ends_at").check({"d": {}}))
