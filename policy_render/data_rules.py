"""Rules between fields, as a template's manifest names them: sums, amounts in capitals, order in time. A schema can't say these.

A rule over a part that data may leave out says nothing where that part is left out: which parts must be there is the schema's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from policy_render.errors import Violation

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿")


class Rule(Protocol):
    """Checks data that fits the schema."""

    def check(self, data: Mapping[str, Any]) -> Iterator[Violation]:
        """The faults that it finds."""
        ...


@dataclass(frozen=True)
class SumRule:
    """`total` equals the sum of `member` over the list `items` (JSON pointers)."""

    total: str
    items: str
    member: str

    def check(self, data: Mapping[str, Any]) -> Iterator[Violation]:
        """See `Rule`."""
        found = _all_of(data, self.items, self.total)
        if found and sum(Decimal(item[self.member]) for item in found[0]) != Decimal(found[1]):
            yield Violation(json_path(self.total), f"is not the sum of {self.member} over {json_path(self.items)}")


@dataclass(frozen=True)
class CapitalsRule:
    """`text` is the amount `amount` in Chinese capitals; of a negative one, without its sign, which forms print as a word (应退)."""

    amount: str
    text: str

    def check(self, data: Mapping[str, Any]) -> Iterator[Violation]:
        """See `Rule`."""
        found = _all_of(data, self.amount, self.text)
        if found and found[1] != amount_in_capitals(found[0].removeprefix("-")):
            yield Violation(json_path(self.text), f"is not {json_path(self.amount)} in Chinese capitals (大写)")


@dataclass(frozen=True)
class BeforeRule:
    """The moment `first` is before the moment `second`."""

    first: str
    second: str

    def check(self, data: Mapping[str, Any]) -> Iterator[Violation]:
        """See `Rule`."""
        found = [datetime.fromisoformat(text) for text in _all_of(data, self.first, self.second)]
        if found and found[0] >= found[1]:
            yield Violation(json_path(self.second), f"is not after {json_path(self.first)}")


@dataclass(frozen=True)
class AdditionRule:
    """`total` equals the sum of the amounts that `terms` name; one whose part is left out counts nothing."""

    total: str
    terms: Sequence[str]

    def check(self, data: Mapping[str, Any]) -> Iterator[Violation]:
        """See `Rule`."""
        total = _all_of(data, self.total)
        amounts = [Decimal(amount) for term in self.terms for amount in _all_of(data, term)]
        if total and sum(amounts) != Decimal(total[0]):
            yield Violation(json_path(self.total), f"is not the sum of {', '.join(map(json_path, self.terms))}")


@dataclass(frozen=True)
class DifferenceRule:
    """`change` equals `after` less `before`; it is negative where the amount became smaller."""

    change: str
    after: str
    before: str

    def check(self, data: Mapping[str, Any]) -> Iterator[Violation]:
        """See `Rule`."""
        found = [Decimal(amount) for amount in _all_of(data, self.change, self.after, self.before)]
        if found and found[0] != found[1] - found[2]:
            yield Violation(json_path(self.change), f"is not {json_path(self.after)} less {json_path(self.before)}")


_KINDS: dict[str, type[SumRule | CapitalsRule | BeforeRule | AdditionRule | DifferenceRule]] = {
    "sum": SumRule,
    "addition": AdditionRule,
    "difference": DifferenceRule,
    "capitals": CapitalsRule,
    "before": BeforeRule,
}


def read_rule(values: Mapping[str, Any]) -> Rule:
    """A rule from a manifest's table. Raises TypeError or KeyError for one that is not well formed: our own file."""
    members = dict(values)
    return _KINDS[members.pop("kind")](**members)


def resolve(data: Any, pointer: str) -> Any:
    """The value that a JSON pointer names; the schema has made sure that it is there."""
    for part in pointer.split("/")[1:]:
        data = data[part]
    return data


def _all_of(data: Any, *pointers: str) -> list[Any]:
    """What the pointers name, in their order; nothing unless all of it is there."""
    try:
        return [resolve(data, pointer) for pointer in pointers]
    except KeyError:
        return []


def json_path(pointer: str) -> str:
    """A JSON pointer in the notation of our violations."""
    return "$" + pointer.replace("/", ".")


def amount_in_capitals(amount: str) -> str:
    """A decimal string as money in Chinese capitals: "4280.00" is 肆仟贰佰捌拾元整."""
    yuan, _, cents = amount.partition(".")
    text = _integer_in_capitals(int(yuan))
    jiao, fen = int(cents[0]), int(cents[1])
    if int(yuan) == 0 and (jiao or fen):
        text = ""
    elif text:
        text += "元"
    if not jiao and not fen:
        return (text or "零元") + "整"
    if jiao:
        text += _DIGITS[jiao] + "角"
    elif text:
        text += "零"
    return text + (_DIGITS[fen] + "分" if fen else "整")


def _integer_in_capitals(value: int) -> str:
    if value == 0:
        return _DIGITS[0]
    groups = []
    while value:
        value, group = divmod(value, 10_000)
        groups.append(group)
    text = ""
    gap = False
    for index in range(len(groups) - 1, -1, -1):
        group = groups[index]
        if group == 0:
            gap = bool(text)
            continue
        if text and (gap or group < 1_000):
            text += _DIGITS[0]
        text += _group_in_capitals(group) + _GROUPS[index]
        gap = False
    return text


def _group_in_capitals(group: int) -> str:
    text = ""
    gap = False
    for place in range(3, -1, -1):
        digit = group // 10**place % 10
        if digit == 0:
            gap = bool(text)
            continue
        if gap:
            text += _DIGITS[0]
        text += _DIGITS[digit] + _PLACES[place]
        gap = False
    return text
