"""Data for any template, made from its schema and rules: the emptiest and the longest that fit. Wholly made up.

Not for data that is wrong, nor for random data: Hypothesis draws that.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from policy_render.catalog import Template
from policy_render.data_rules import (
    AdditionRule,
    BeforeRule,
    CapitalsRule,
    DifferenceRule,
    SumRule,
    amount_in_capitals,
    resolve,
)

# What breaks layouts: wide letters, digits, punctuation that may not begin or end a line, long dashes, runs without a break.
_HARD = ("字", "W", "龘𠅤", "（，。", "a b 中A", "⸺", "0.", "@", "\u00a0x", "长的文字，")
_SHORT = {"amount": "0.00", "signed-amount": "0.00", "day": "2026-01-01", "moment": "2026-01-01T00:00:00+08:00"}
_LONG = {
    "amount": "1987654321.05",
    "signed-amount": "-987654321.05",
    "day": "2026-12-31",
    "moment": "2026-12-31T23:59:59+08:00",
}
# the patterns of look 2's definitions that are no free text: what stands for them
_PATTERNS = {
    "^[A-Za-z0-9-]{1,64}$": ("1", "W" * 64),
    "^[A-HJ-NPR-Z0-9]{17}$": ("LEXAA4AB0PE012345", "W" * 17),
    r"^-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,2})?%$": ("0%", "-9999.99%"),
}
_PLATES = ("暂未上牌", "WJ京WWWWWWW应急")
_RULE_ORDER = (BeforeRule, SumRule, DifferenceRule, AdditionRule, CapitalsRule)


def emptiest(template: Template) -> dict[str, Any]:
    """Only what must be there, as short as may be."""
    schema = schema_of(template)
    data: dict[str, Any] = _shortest(schema)
    for way in schema.get("anyOf", [])[:1]:
        for name in way["required"]:
            data[name] = _shortest(schema["properties"][name])
    return keep_rules(template, data)


def longest(template: Template, *, most: int = 3, long_ones: int = 1) -> dict[str, Any]:
    """Everything that may be there, texts at full length; of each list at most `most` members, of which `long_ones` are long."""
    data: dict[str, Any] = _longest(schema_of(template), itertools.cycle(_HARD), most, long_ones)
    return keep_rules(template, data)


def schema_of(template: Template) -> dict[str, Any]:
    """The schema with its references put in place."""
    schema = template.validator.schema
    assert isinstance(schema, dict)
    return schema


def _shortest(schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    match schema["type"]:
        case "object":
            wanted = [*schema["required"], *(schema["oneOf"][-1]["required"] if "oneOf" in schema else [])]
            return {name: _shortest(schema["properties"][name]) for name in wanted}
        case "array":
            return [_shortest(schema["items"]) for _ in range(schema.get("minItems", 0))]
        case "integer":
            return schema["minimum"]
        case "boolean":
            return False
    if schema.get("format") in _SHORT:
        return _SHORT[schema["format"]]
    if "maxLength" in schema:
        return "—"
    return _PATTERNS.get(schema["pattern"], _PLATES)[0]


def _longest(schema: dict[str, Any], hard: Iterator[str], most: int, long_ones: int) -> Any:
    if "enum" in schema:
        return max(schema["enum"], key=len)
    match schema["type"]:
        case "object":
            left_out = {name for way in schema.get("oneOf", [])[:-1] for name in way["required"]}
            return {
                name: _longest(part, hard, most, long_ones)
                for name, part in schema["properties"].items()
                if name not in left_out
            }
        case "array":
            count = min(schema["maxItems"], most)
            members = [_longest(schema["items"], hard, most, long_ones) for _ in range(min(count, long_ones))]
            return members + [_shortest(schema["items"]) for _ in range(count - len(members))]
        case "integer":
            return schema["maximum"]
        case "boolean":
            return True
    if schema.get("format") in _LONG:
        return _LONG[schema["format"]]
    if "maxLength" in schema:
        piece = next(hard)
        return (piece * schema["maxLength"])[: schema["maxLength"]].strip().ljust(schema["maxLength"], "字")
    return _PATTERNS.get(schema["pattern"], _PLATES)[1]


def keep_rules(template: Template, data: dict[str, Any]) -> dict[str, Any]:
    """The data with what the rules tie together made to agree."""
    for kind in _RULE_ORDER:
        for rule in template.rules:
            if isinstance(rule, kind):
                try:
                    _keep(rule, data)
                except KeyError:
                    continue  # a part that was left out
    return data


def _keep(rule: object, data: dict[str, Any]) -> None:
    match rule:
        case BeforeRule(first, second):
            day_only = len(resolve(data, first)) == len("2026-01-01")
            _put(data, first, "2026-10-01" if day_only else "2026-10-01T00:00:00+08:00")
            _put(data, second, "2027-10-01" if day_only else "2027-10-01T00:00:00+08:00")
        case SumRule(total, items, member):
            _put(data, total, f"{sum(Decimal(item[member]) for item in resolve(data, items)):.2f}")
        case DifferenceRule(change, after, before):
            _put(data, change, f"{Decimal(resolve(data, after)) - Decimal(resolve(data, before)):.2f}")
        case AdditionRule(total, terms):
            resolve(data, total)
            _put(data, total, f"{sum(map(Decimal, _those_there(data, terms))):.2f}")
        case CapitalsRule(amount, text):
            _put(data, text, amount_in_capitals(resolve(data, amount).removeprefix("-")))


def _those_there(data: dict[str, Any], pointers: Any) -> Iterator[str]:
    for pointer in pointers:
        try:
            yield resolve(data, pointer)
        except KeyError:
            continue


def _put(data: Any, pointer: str, value: str) -> None:
    parent, _, name = pointer.rpartition("/")
    resolve(data, parent)[name] = value


def leaves(value: Any) -> Iterator[Any]:
    """Every value that is neither an object nor a list."""
    if isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from leaves(member)
    else:
        yield value


def as_json(data: Any) -> str:
    """As a client would send it."""
    return json.dumps(data, ensure_ascii=False)
