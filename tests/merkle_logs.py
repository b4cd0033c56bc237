"""Small Merkle logs on disk for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from signer.algorithms import SignMessage
from signer.audit.checkpoint import NoteKey
from signer.audit.tree import Tree


def same_length_entries(count: int) -> list[bytes]:
    return [f"entry {number:06d}".encode() for number in range(count)]


def grown(folder: Path, key: tuple[NoteKey, SignMessage], *steps: Sequence[bytes]) -> Tree:
    """A new log in the folder, one checkpoint after each step."""
    tree = Tree(folder, key[0])
    for step in steps:
        tree.integrate(step, key[1])
    return tree
