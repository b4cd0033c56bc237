"""What a probe saw: facts with names, and whether they show what they should. Strings alone, safe to print and to compare.

Not for personal data: facts are about the system. `printable` takes out what no document prints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signer.evidence.surroundings import Surroundings

MAX_VALUE = 600  # characters; longer ones belong into files of their own


class FactKind(StrEnum):
    """What a change of the fact means in a comparison of two packs."""

    SETTING = "setting"
    VERSION = "version"
    KEY = "key"
    GRANT = "grant"
    STATE = "state"
    COUNT = "count"  # changes with every use


class Outcome(StrEnum):
    """`SHOWN`: what is claimed was seen. `CONTRARY`: the opposite was seen. `UNKNOWN`: it could not be looked at."""

    SHOWN = "shown"
    CONTRARY = "contrary"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Fact:
    """`name`: stable, unique within its probe. `title_zh`: for the reader of a pack."""

    name: str
    title_zh: str
    value: str
    kind: FactKind = FactKind.STATE


@dataclass(frozen=True)
class Observation:
    """A probe's result. `told_zh`: one sentence on what it means; `told_en`: the same."""

    outcome: Outcome
    told_zh: str
    told_en: str
    facts: Sequence[Fact] = ()


@dataclass(frozen=True)
class Probe:
    """A look at the running system. `look` may raise anything: `observe` makes an answer of it."""

    name: str
    title_zh: str
    title_en: str
    look: Callable[[Surroundings], Observation]


def shown(told_zh: str, told_en: str, facts: Sequence[Fact] = ()) -> Observation:
    """What is claimed was seen."""
    return Observation(Outcome.SHOWN, told_zh, told_en, facts)


def contrary(told_zh: str, told_en: str, facts: Sequence[Fact] = ()) -> Observation:
    """The opposite of what is claimed was seen."""
    return Observation(Outcome.CONTRARY, told_zh, told_en, facts)


def unknown(told_zh: str, told_en: str, facts: Sequence[Fact] = ()) -> Observation:
    """It could not be looked at."""
    return Observation(Outcome.UNKNOWN, told_zh, told_en, facts)


def judged(passed: bool, zh: tuple[str, str], en: tuple[str, str], facts: Sequence[Fact] = ()) -> Observation:
    """SHOWN with the first sentences where `passed`, else CONTRARY with the second ones."""
    return shown(zh[0], en[0], facts) if passed else contrary(zh[1], en[1], facts)


def printable(text: str) -> str:
    """The text on one line, without characters that no document prints, and not longer than a fact may be."""
    clean = "".join(character if character.isprintable() else " " for character in str(text)).strip()
    return clean if len(clean) <= MAX_VALUE else clean[: MAX_VALUE - 1] + "…"
