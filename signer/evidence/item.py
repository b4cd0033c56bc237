"""The items of the standards that a pack answers to, read strictly from items/*.toml; and what probes make of their status.

The standards' texts were not at hand: requirements are told in words of our own, `text_checked` says so, and `clause_sure`
tells where even the number rests on memory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from signer.evidence.fact import Outcome
from signer.strict_toml import StrictTable, read_toml

ITEMS = Path(__file__).parent / "items"


class Status(StrEnum):
    """`INSURER`: nothing that this system could contribute."""

    MET = "met"
    PARTLY = "partly"
    NOT_MET = "not-met"
    INSURER = "insurer"


STATUS_ZH = {
    Status.MET: "符合",
    Status.PARTLY: "部分符合",
    Status.NOT_MET: "不符合",
    Status.INSURER: "单位职责",
}


@dataclass(frozen=True)
class Standard:
    """A standard and the part of it that applies."""

    id: str
    title_zh: str
    level_zh: str
    text_checked: bool


@dataclass(frozen=True)
class Item:
    """One requirement. `does_zh` is empty where the system does nothing for it, `duty_zh` where nothing is left to the insurer."""

    standard: str
    clause: str
    id: str
    title_zh: str
    requirement_zh: str
    does_zh: str
    does_en: str
    duty_zh: str
    claimed: Status
    probes: tuple[str, ...]
    clause_sure: bool


@dataclass(frozen=True)
class Domain:
    """A clause of the standard with its items, in order."""

    standard: str
    clause: str
    title_zh: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class ItemList:
    """All that a pack answers to."""

    standards: tuple[Standard, ...]
    domains: tuple[Domain, ...]

    @property
    def items(self) -> list[Item]:
        """Every item, in order."""
        return [item for domain in self.domains for item in domain.items]


def load_items(probes: Collection[str], folder: Path = ITEMS) -> ItemList:
    """Reads every file. `probes`: the names that items may call on.

    Raises:
        ConfigurationError: CONFIGURATION_INVALID, with file and line: unknown keys, a probe that doesn't exist, an item twice.
    """
    top = read_toml(folder / "standards.toml")
    standards = tuple(_read_standard(table) for table in top.tables("standards"))
    top.finish()
    domains: dict[tuple[str, str], Domain] = {}
    seen: set[tuple[str, str]] = set()
    for file in sorted(folder.glob("*-*.toml")):
        domain = _read_domain(read_toml(file), [standard.id for standard in standards], probes, seen)
        key = (domain.standard, domain.clause)
        known = domains.get(key)
        domains[key] = domain if known is None else _joined(known, domain)
    return ItemList(standards, tuple(domains.values()))


def judge(claimed: Status, outcomes: Sequence[Outcome]) -> Status:
    """The status that probes leave of a claim: never better than claimed, and nothing is met that a probe did not show."""
    if claimed not in {Status.MET, Status.PARTLY}:
        return claimed
    if Outcome.CONTRARY in outcomes:
        return Status.NOT_MET
    if Outcome.UNKNOWN in outcomes:
        return Status.PARTLY
    return claimed


def outcomes_of(item: Item, seen: Mapping[str, Outcome]) -> list[Outcome]:
    """The outcomes of an item's probes."""
    return [seen[name] for name in item.probes]


def _read_standard(table: StrictTable) -> Standard:
    standard = Standard(
        id=table.string("id"),
        title_zh=table.string("title_zh"),
        level_zh=table.string("level_zh"),
        text_checked=table.boolean("text_checked", default=False),
    )
    table.finish()
    return standard


def _read_domain(
    table: StrictTable, standards: Sequence[str], probes: Collection[str], seen: set[tuple[str, str]]
) -> Domain:
    standard = table.string("standard", one_of=standards)
    clause, title = table.string("clause"), table.string("title_zh")
    items = []
    for entry in table.tables("items"):
        item = _read_item(entry, standard, clause, probes)
        if (standard, item.id) in seen:
            raise entry.fault("id", f"{item.id!r} stands twice")
        seen.add((standard, item.id))
        items.append(item)
    table.finish()
    return Domain(standard, clause, title, tuple(items))


def _read_item(table: StrictTable, standard: str, clause: str, probes: Collection[str]) -> Item:
    item = Item(
        standard=standard,
        clause=clause,
        id=table.string("id"),
        title_zh=table.string("title_zh"),
        requirement_zh=table.string("requirement_zh"),
        does_zh=table.string("does_zh", ""),
        does_en=table.string("does_en", ""),
        duty_zh=table.string("duty_zh", ""),
        claimed=Status(table.string("status", one_of=[status.value for status in Status])),
        probes=table.strings("probes", default=()),
        clause_sure=table.boolean("clause_sure", default=True),
    )
    table.finish()
    for name in item.probes:
        if name not in probes:
            raise table.fault("probes", f"there is no probe {name!r}", f"Allowed: {', '.join(sorted(probes))}.")
    _check(table, item)
    return item


def _check(table: StrictTable, item: Item) -> None:
    """What an item of its status must say."""
    if not item.id.startswith(item.clause):
        raise table.fault("id", f"{item.id!r} is not below {item.clause}")
    if bool(item.does_zh) != bool(item.does_en) or bool(item.does_zh) == (item.claimed is Status.INSURER):
        raise table.fault("does_zh", "what the system does stands in both languages, and not where it does nothing")
    if not item.duty_zh and item.claimed is not Status.MET:
        raise table.fault("duty_zh", "is missing: what remains the insurer's duty")
    if item.claimed is Status.MET and not item.probes:
        raise table.fault("probes", "nothing is met without a probe that shows it")
    if item.claimed is Status.INSURER and item.probes:
        raise table.fault("probes", "what is the insurer's alone has no probes here")


def _joined(first: Domain, second: Domain) -> Domain:
    return Domain(first.standard, first.clause, first.title_zh, first.items + second.items)
