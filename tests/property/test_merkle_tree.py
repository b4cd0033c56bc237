"""Proofs of the tree: every one holds, none holds for another leaf, place, size or root; as RFC 9162 defines it, naively.

Threat: T13.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.audit.merkle import (
    SM3,
    Frontier,
    ProofError,
    ReadNode,
    TreeHash,
    consistency_proof,
    inclusion_proof,
    root_of,
    verify_consistency,
    verify_inclusion,
)

_SHA256 = TreeHash("sha256")


def leaves_of(count: int, tree: TreeHash = SM3) -> list[bytes]:
    return [tree.leaf(f"entry {number}".encode()) for number in range(count)]


def reader(leaves: Sequence[bytes], tree: TreeHash = SM3) -> ReadNode:
    """Complete subtrees by the definition."""

    def read(level: int, index: int) -> bytes:
        if level == 0:
            return leaves[index]
        return tree.node(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))

    return read


def naive_root(leaves: Sequence[bytes], tree: TreeHash) -> bytes:
    """MTH of RFC 9162 clause 2.1.1, word for word."""
    if not leaves:
        return tree.empty()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return tree.node(naive_root(leaves[:k], tree), naive_root(leaves[k:], tree))


def _flipped(value: bytes, bit: int) -> bytes:
    changed = bytearray(value)
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    return bytes(changed)


@given(st.integers(0, 300))
def test_roots_are_those_of_the_definition(size: int) -> None:
    leaves = leaves_of(size)
    frontier = Frontier(SM3)
    frontier.extend(leaves)
    assert frontier.root() == root_of(SM3, reader(leaves), size) == naive_root(leaves, SM3)
    assert Frontier(SM3, size, reader(leaves)).root() == frontier.root()


@given(st.integers(0, 200), st.lists(st.integers(0, 70), max_size=6))
def test_a_frontier_goes_on_where_another_stopped(size: int, steps: list[int]) -> None:
    """By leaves of any number, and each complete subtree is told once, when it ends."""
    leaves = leaves_of(size + sum(steps))
    read, frontier = reader(leaves), Frontier(SM3, size, reader(leaves[:size]))
    for step in steps:
        before, after = frontier.size, frontier.size + step
        ended = frontier.extend(leaves[before:after])
        expected = [
            [read(level, index) for index in range(before >> level, after >> level)]
            for level in range(after.bit_length())
        ]
        assert ended == [nodes for nodes in expected if nodes]
        assert frontier.root() == naive_root(leaves[:after], SM3)
        assert frontier.size == after


@given(st.integers(1, 300), st.data())
def test_inclusion_holds_and_any_flipped_bit_is_found(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    read, root = reader(leaves), naive_root(leaves, SM3)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(SM3, read, index, size)
    assert verify_inclusion(SM3, leaves[index], index, size, proof, root).root == root
    parts = [leaves[index], *proof, root]
    number, bit = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 255))
    parts[number] = _flipped(parts[number], bit)
    with pytest.raises(ProofError):
        verify_inclusion(SM3, parts[0], index, size, parts[1:-1], parts[-1])
    other = data.draw(st.integers(0, size + 2).filter(lambda place: place != index))
    with pytest.raises(ProofError):
        verify_inclusion(SM3, leaves[index], other, size, proof, root)
    for wrong in ([*proof, root], proof[:-1] if proof else [root]):
        with pytest.raises(ProofError):
            verify_inclusion(SM3, leaves[index], index, size, wrong, root)


@given(st.integers(1, 300), st.data())
def test_consistency_holds_and_any_flipped_bit_is_found(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    leaves = leaves_of(size)
    old_root, root = naive_root(leaves[:old], SM3), naive_root(leaves, SM3)
    proof = consistency_proof(SM3, reader(leaves), old, size)
    assert verify_consistency(SM3, old, old_root, size, root, proof).old == old
    parts = [old_root, *proof, root]
    number, bit = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 255))
    parts[number] = _flipped(parts[number], bit)
    with pytest.raises(ProofError):
        verify_consistency(SM3, old, parts[0], size, parts[-1], parts[1:-1])
    with pytest.raises(ProofError):
        verify_consistency(SM3, old, old_root, size, root, [*proof, root])


@given(st.integers(2, 200), st.data())
def test_no_proof_joins_a_fork(size: int, data: st.DataObject) -> None:
    """A log that changed one old entry can't prove that it is the old one."""
    old = data.draw(st.integers(1, size))
    leaves = leaves_of(size)
    forked = list(leaves)
    forked[data.draw(st.integers(0, old - 1))] = SM3.leaf(b"another entry")
    proof = consistency_proof(SM3, reader(forked), old, size)
    with pytest.raises(ProofError):
        verify_consistency(SM3, old, naive_root(leaves[:old], SM3), size, naive_root(forked, SM3), proof)


def test_a_shorter_log_is_told() -> None:
    leaves = leaves_of(5)
    with pytest.raises(ProofError, match="shorter"):
        verify_consistency(SM3, 5, naive_root(leaves, SM3), 3, naive_root(leaves[:3], SM3), [])


def test_the_empty_tree() -> None:
    root = naive_root(leaves_of(3), SM3)
    assert verify_consistency(SM3, 0, SM3.empty(), 3, root, []).size == 3
    with pytest.raises(ProofError):
        verify_consistency(SM3, 0, root, 3, root, [])
    with pytest.raises(ProofError):
        verify_inclusion(SM3, SM3.leaf(b""), 0, 0, [], SM3.empty())
    for old in (0, 4):
        with pytest.raises(ValueError, match="no proof"):
            consistency_proof(SM3, reader(leaves_of(3)), old, 3)
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_proof(SM3, reader(leaves_of(3)), 3, 3)


# Entries and roots of the test tree of the Certificate Transparency project; see tests/vectors/rfc9162/README.md.
_ENTRIES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
_ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
_LEAF_4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
_NODE_4_5 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
_NODE_6_7 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"


def test_the_published_tree_over_sha256() -> None:
    leaves = [_SHA256.leaf(bytes.fromhex(entry)) for entry in _ENTRIES]
    assert _SHA256.empty().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    read = reader(leaves, _SHA256)
    for size, root in enumerate(_ROOTS, 1):
        assert root_of(_SHA256, read, size).hex() == root
    assert [node.hex() for node in inclusion_proof(_SHA256, read, 5, 8)] == [_LEAF_4, _NODE_6_7, _ROOTS[3]]
    assert [node.hex() for node in consistency_proof(_SHA256, read, 6, 8)] == [_NODE_4_5, _NODE_6_7, _ROOTS[3]]
    for old in range(1, 9):
        proof = consistency_proof(_SHA256, read, old, 8)
        verify_consistency(_SHA256, old, bytes.fromhex(_ROOTS[old - 1]), 8, bytes.fromhex(_ROOTS[7]), proof)
