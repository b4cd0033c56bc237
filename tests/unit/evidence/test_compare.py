"""Two packs side by side: every kind of change is told, growth is proven by the log's own mathematics or not claimed."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

import pytest

from policy_render.catalog import Catalog
from signer.algorithms import SignMessage, load_public_key
from signer.audit.checkpoint import NoteKey, sign_checkpoint
from signer.audit.merkle import SM3, consistency_proof, range_hash
from signer.evidence.compare import Growth, compare
from tests.sm2_keys import new_sm2_key

_ORIGIN = "sample-log"
_LEAVES = [SM3.leaf(bytes([number])) for number in range(40)]


def _node(level: int, index: int) -> bytes:
    first = index << level
    if level == 0:
        return _LEAVES[first]
    return SM3.node(_node(level - 1, index * 2), _node(level - 1, index * 2 + 1))


def _root(size: int) -> bytes:
    return range_hash(SM3, _node, 0, size)


@pytest.fixture(scope="module")
def signer() -> tuple[bytes, SignMessage]:
    """The log's key: public half, and what signs with it."""
    return new_sm2_key()


def _pack(signer: tuple[bytes, SignMessage], size: int, proven_from: int | None = None) -> dict[str, Any]:
    """The template's sample with a real log head."""
    pack: dict[str, Any] = json.loads(Catalog.load().get("evidence/pack").sample_json)
    key = NoteKey(_ORIGIN, load_public_key(signer[0]))
    text = sign_checkpoint(_ORIGIN, size, _root(size), key, signer[1])
    pack["log"] |= {
        "size": size,
        "root": _root(size).hex(),
        "public_key": base64.b64encode(signer[0]).decode(),
        "checkpoint": text.split("\n"),
    }
    if proven_from is not None:
        proof = consistency_proof(SM3, _node, proven_from, size)
        pack["log"]["consistency"] = {
            "shown": True,
            "from_size": proven_from,
            "from_root": _root(proven_from).hex(),
            "proof": [node.hex() for node in proof],
        }
    return pack


def test_a_log_that_grew_is_proven(signer: tuple[bytes, SignMessage]) -> None:
    found = compare(_pack(signer, 11), _pack(signer, 29, proven_from=11))
    assert (found.growth, found.statuses, found.facts) == (Growth.PROVEN, (), ())
    assert compare(_pack(signer, 11), _pack(signer, 11)).growth is Growth.PROVEN


def test_without_a_proof_nothing_is_claimed(signer: tuple[bytes, SignMessage]) -> None:
    assert compare(_pack(signer, 11), _pack(signer, 29)).growth is Growth.NOT_SHOWN
    assert compare(_pack(signer, 12), _pack(signer, 29, proven_from=11)).growth is Growth.NOT_SHOWN


def test_what_is_not_so_is_broken(signer: tuple[bytes, SignMessage]) -> None:
    old, new = _pack(signer, 11), _pack(signer, 29, proven_from=11)
    assert compare(new, old).growth is Growth.BROKEN  # rolled back
    assert compare(old, copy.deepcopy(new)).growth is Growth.PROVEN
    for member, value in (
        ("consistency", {**new["log"]["consistency"], "proof": new["log"]["consistency"]["proof"][::-1]}),
        ("size", 30),
        ("origin", "another-log"),
        ("checkpoint", [new["log"]["checkpoint"][0], "28", *new["log"]["checkpoint"][2:]]),
        ("public_key", base64.b64encode(new_sm2_key()[0]).decode()),
    ):
        spoilt = copy.deepcopy(new)
        spoilt["log"][member] = value
        assert compare(old, spoilt).growth is Growth.BROKEN, member


def test_changes_are_told_by_kind(signer: tuple[bytes, SignMessage]) -> None:
    old, new = _pack(signer, 11), _pack(signer, 11)
    item = new["standards"][0]["domains"][0]["items"][0]
    item["status"] = "not-met"
    probe = new["probes"][0]
    probe["outcome"] = "contrary"
    probe["facts"] = [{"name": "damages", "title_zh": "损坏", "value": "1", "kind": "state"}]
    found = compare(old, new)
    assert [(change.where, change.before, change.after) for change in found.statuses] == [
        ("GB/T 22239-2019 8.1.4.3 c)", "met", "not-met")
    ]
    assert [(change.where, change.after) for change in found.outcomes] == [("log-fsck", "contrary")]
    assert [(change.kind, change.where, change.before, change.after) for change in found.facts] == [
        ("count", "log-fsck/entries", "1024", ""),
        ("state", "log-fsck/damages", "", "1"),
    ]
    assert [change.where for change in found.essential] == ["log-fsck/damages"]
