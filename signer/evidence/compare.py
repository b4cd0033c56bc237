"""What a change changed: two packs side by side, and whether they are of one log that only grew between them.

The proof was made with the newer pack (`--previous`) and is verified here from the packs alone; without it, nothing is
claimed. Not for judging seals: `pack_file`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from signer.algorithms import load_public_key
from signer.audit.checkpoint import Checkpoint, NoteKey, verify_checkpoint
from signer.audit.merkle import SM3, verify_consistency
from signer.errors import SignerError

_VOLATILE = "count"


class Growth(StrEnum):
    """`PROVEN`: the newer log begins with the older one. `BROKEN`: it does not, or a head is not signed as it says."""

    PROVEN = "proven"
    NOT_SHOWN = "not-shown"
    BROKEN = "broken"


@dataclass(frozen=True)
class Change:
    """`where`: an item or a probe's fact. `before` and `after`: "" where it was not there."""

    kind: str
    where: str
    title_zh: str
    before: str
    after: str


@dataclass(frozen=True)
class Comparison:
    """`statuses`: items; `outcomes`: probes; `facts`: what probes saw, by kind; counts among them, which every use changes."""

    statuses: tuple[Change, ...]
    outcomes: tuple[Change, ...]
    facts: tuple[Change, ...]
    growth: Growth
    growth_told: str

    @property
    def essential(self) -> tuple[Change, ...]:
        """Facts that don't change by mere use."""
        return tuple(change for change in self.facts if change.kind != _VOLATILE)


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Comparison:
    """The differences. Raises nothing for packs that fit the schema."""
    growth, told = _growth(old["log"], new["log"])
    return Comparison(
        statuses=_changes(_statuses(old), _statuses(new)),
        outcomes=_changes(_outcomes(old), _outcomes(new)),
        facts=_changes(_facts(old), _facts(new)),
        growth=growth,
        growth_told=told,
    )


_Values = dict[str, tuple[str, str, str]]  # where → (kind, title, value)


def _changes(old: _Values, new: _Values) -> tuple[Change, ...]:
    found = []
    for where in [*old, *(name for name in new if name not in old)]:
        before, after = old.get(where), new.get(where)
        if before is not None and after is not None and before[2] == after[2]:
            continue
        known = after or before
        assert known is not None
        found.append(Change(known[0], where, known[1], before[2] if before else "", after[2] if after else ""))
    return tuple(found)


def _statuses(pack: Mapping[str, Any]) -> _Values:
    return {
        f"{standard['id']} {item['id']}": ("status", item["title_zh"], item["status"])
        for standard in pack["standards"]
        for domain in standard["domains"]
        for item in domain["items"]
    }


def _outcomes(pack: Mapping[str, Any]) -> _Values:
    return {probe["name"]: ("outcome", probe["title_zh"], probe["outcome"]) for probe in pack["probes"]}


def _facts(pack: Mapping[str, Any]) -> _Values:
    return {
        f"{probe['name']}/{fact['name']}": (fact["kind"], fact["title_zh"], fact["value"])
        for probe in pack["probes"]
        for fact in probe["facts"]
    }


def _growth(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Growth, str]:
    if not old["checkpoint"] or not new["checkpoint"]:
        return Growth.NOT_SHOWN, "a pack has no signed head"
    if (old["origin"], old["public_key"]) != (new["origin"], new["public_key"]):
        return Growth.BROKEN, "the packs are of different logs, or of different log keys"
    try:
        before, after = _head(old), _head(new)
    except (SignerError, ValueError) as problem:
        return Growth.BROKEN, f"a pack's head is not the log's: {getattr(problem, 'message', 'malformed')}"
    if after.size < before.size:
        return Growth.BROKEN, f"the log shrank from {before.size} entries to {after.size}: it was rolled back"
    return _proven(before, after, new["consistency"])


def _proven(before: Checkpoint, after: Checkpoint, proof: Mapping[str, Any]) -> tuple[Growth, str]:
    if (after.size, after.root) == (before.size, before.root):
        return Growth.PROVEN, "both packs have the same head"
    if not proof["shown"] or (proof["from_size"], proof["from_root"]) != (before.size, before.root.hex()):
        return Growth.NOT_SHOWN, "the newer pack was not made with --previous and this older one"
    try:
        nodes = [bytes.fromhex(node) for node in proof["proof"]]
        verify_consistency(SM3, before.size, before.root, after.size, after.root, nodes)
    except (SignerError, ValueError):
        return Growth.BROKEN, "the consistency proof is wrong"
    return Growth.PROVEN, f"the log only grew from {before.size} entries to {after.size}"


def _head(log: Mapping[str, Any]) -> Checkpoint:
    """The signed head, verified by the key that the pack names. Raises SignerError, ValueError."""
    key = NoteKey(log["origin"], load_public_key(base64.b64decode(log["public_key"], validate=True)))
    checkpoint = verify_checkpoint("\n".join(log["checkpoint"]), log["origin"], key)
    if (checkpoint.size, checkpoint.root.hex()) != (log["size"], log["root"]):
        raise ValueError("size or root")
    return checkpoint
