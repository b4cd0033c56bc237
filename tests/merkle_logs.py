"""Small Merkle logs on disk for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from asn1crypto import pem

from signer.algorithms import SignMessage, load_public_key
from signer.audit.checkpoint import NoteKey
from signer.audit.cosignature import WitnessKey
from signer.audit.tree import Tree
from tests.sm2_keys import new_sm2_key


def new_log_key(name: str) -> tuple[NoteKey, SignMessage]:
    spki, sign = new_sm2_key()
    return NoteKey(name, load_public_key(spki)), sign


def new_witness_key(name: str) -> tuple[WitnessKey, SignMessage]:
    spki, sign = new_sm2_key()
    return WitnessKey(name, load_public_key(spki)), sign


def same_length_entries(count: int) -> list[bytes]:
    return [f"entry {number:06d}".encode() for number in range(count)]


def grown(folder: Path, key: tuple[NoteKey, SignMessage], *steps: Sequence[bytes]) -> Tree:
    """A new log in the folder, one checkpoint after each step."""
    tree = Tree(folder, key[0])
    for step in steps:
        tree.integrate(step, key[1])
    return tree


def log_beside_its_key(parent: Path, key: tuple[NoteKey, SignMessage], entries: Sequence[bytes]) -> Path:
    """A new log under one checkpoint in `log`, and `log.pem` with its public key, as an appliance has them. The log's folder."""
    folder = parent / "log"
    folder.mkdir()
    grown(folder, key, entries)
    (parent / "log.pem").write_bytes(pem.armor("PUBLIC KEY", key[0].public_key.spki))
    return folder
