"""The Merkle tree of RFC 9162, section 2.1: roots, inclusion proofs, consistency proofs, and their verification.

Over any hash of hashlib; the log takes SM3, tests take SHA-256, for which published examples exist. Knows no files: hashes of
complete subtrees come from a `ReadNode`. Not for what an entry says.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from signer.errors import Reason, SignerError

# The hash of the complete subtree over the leaves [index · 2^level, (index + 1) · 2^level).
ReadNode = Callable[[int, int], bytes]


class ProofError(SignerError):
    """A proof does not hold: what was claimed is not in the tree, or the tree was changed."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.LOG_PROOF_WRONG, message, "Keep the files as evidence; ask for the proof again.")


class TreeHash:
    """A hash of hashlib as the tree uses it. States that begin every leaf and node are kept and copied: looking an algorithm up
    costs as much as hashing an entry.
    """

    def __init__(self, name: str) -> None:
        """`name`: hashlib's."""
        self._empty = hashlib.new(name)
        self._leaf = hashlib.new(name, b"\x00")
        self._node = hashlib.new(name, b"\x01")

    def empty(self) -> bytes:
        """The root of a tree without leaves."""
        return self._empty.digest()

    def leaf(self, entry: bytes) -> bytes:
        """H(0x00 ‖ entry)."""
        state = self._leaf.copy()
        state.update(entry)
        return state.digest()

    def node(self, left: bytes, right: bytes) -> bytes:
        """H(0x01 ‖ left ‖ right)."""
        state = self._node.copy()
        state.update(left + right)
        return state.digest()

    def parents(self, nodes: Sequence[bytes]) -> list[bytes]:
        """The hashes over the first and second of them, the third and fourth, and so on; a last one without a partner has none."""
        copy = self._node.copy
        hashes = []
        for left, right in zip(nodes[::2], nodes[1::2], strict=False):
            state = copy()
            state.update(left + right)
            hashes.append(state.digest())
        return hashes


SM3 = TreeHash("sm3")


class Frontier:
    """The right edge of a growing tree: enough to append leaves and to know the root, in O(log n) space."""

    def __init__(self, tree: TreeHash, size: int = 0, read: ReadNode | None = None) -> None:
        """At `size` leaves, its complete subtrees read by `read`."""
        self._tree = tree
        self.size = size
        self._alone: list[bytes | None] = []  # by level: the complete subtree that has no sibling yet
        for level in range(size.bit_length()):
            assert read is not None, "a tree that has leaves needs a reader"
            self._alone.append(read(level, (size >> level) - 1) if size >> level & 1 else None)

    def extend(self, leaves: Sequence[bytes]) -> list[list[bytes]]:
        """Adds leaves' hashes. Returns the complete subtrees that they end, by level and in order: the leaves themselves first."""
        self.size += len(leaves)
        ended: list[list[bytes]] = []
        nodes = list(leaves)
        while nodes:
            level = len(ended)
            ended.append(nodes)
            if level == len(self._alone):
                self._alone.append(None)
            waiting = self._alone[level]
            row = nodes if waiting is None else [waiting, *nodes]
            self._alone[level] = row[-1] if len(row) & 1 else None
            nodes = self._tree.parents(row)
        return ended

    def root(self) -> bytes:
        """The tree's root."""
        root: bytes | None = None
        for subtree in self._alone:
            if subtree is not None:
                root = subtree if root is None else self._tree.node(subtree, root)
        return self._tree.empty() if root is None else root


def range_hash(tree: TreeHash, read: ReadNode, begin: int, end: int) -> bytes:
    """MTH over the leaves [begin, end), as they occur in RFC 9162's recursions: `begin` is a multiple of the split below."""
    count = end - begin
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return read(level, begin >> level)
    middle = begin + _split(count)
    return tree.node(range_hash(tree, read, begin, middle), range_hash(tree, read, middle, end))


def root_of(tree: TreeHash, read: ReadNode, size: int) -> bytes:
    """The root over the first `size` leaves."""
    return range_hash(tree, read, 0, size) if size else tree.empty()


def inclusion_proof(tree: TreeHash, read: ReadNode, index: int, size: int) -> list[bytes]:
    """PATH(index, D[0:size]), RFC 9162 clause 2.1.3.1. Raises ValueError for an index outside of the tree."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} among {size}")
    proof: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            proof.append(range_hash(tree, read, middle, end))
            end = middle
        else:
            proof.append(range_hash(tree, read, begin, middle))
            begin = middle
    return proof[::-1]


def consistency_proof(tree: TreeHash, read: ReadNode, old: int, size: int) -> list[bytes]:
    """PROOF(old, D[0:size]), RFC 9162 clause 2.1.4.1; empty for equal sizes. Raises ValueError unless 0 < old <= size."""
    if not 0 < old <= size:
        raise ValueError(f"there is no proof from {old} to {size} leaves")
    proof: list[bytes] = []
    begin, end, whole = 0, size, True
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            proof.append(range_hash(tree, read, middle, end))
            end = middle
        else:
            proof.append(range_hash(tree, read, begin, middle))
            begin, whole = middle, False
    if not whole:
        proof.append(range_hash(tree, read, begin, end))
    return proof[::-1]


def verify_inclusion(
    tree: TreeHash, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> Inclusion:
    """Evidence that the leaf stands at `index` of the tree with that root (RFC 9162 clause 2.1.3.2). Raises ProofError."""
    if not 0 <= index < size:
        raise ProofError(f"there is no entry {index} in a log of {size}")
    position, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofError("the inclusion proof is longer than the tree is high")
        if position & 1 or position == last:
            node = tree.node(sibling, node)
            position, last = _past_lone_levels(position, last)
        else:
            node = tree.node(node, sibling)
        position, last = position >> 1, last >> 1
    if last != 0 or not hmac.compare_digest(node, root):
        raise ProofError(f"the inclusion proof of entry {index} does not lead to the root")
    return Inclusion(index, size, root)


def verify_consistency(
    tree: TreeHash, old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> Consistency:
    """Evidence that the tree of `size` leaves begins with the one of `old` (RFC 9162 clause 2.1.4.2).

    Raises:
        ProofError: something was changed, removed or put in before `old`; or `size` is the smaller one.
    """
    if old > size:
        raise ProofError(f"the log has become shorter: {size} entries after {old}")
    if old in (0, size):
        expected = tree.empty() if old == 0 else root
        if proof or not hmac.compare_digest(old_root, expected):
            raise ProofError(f"two different roots over {old} entries")
        return Consistency(old, size, root)
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        raise ProofError("the consistency proof is empty")
    position, last = old - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    first_root = second_root = path[0]
    for node in path[1:]:
        if last == 0:
            raise ProofError("the consistency proof is longer than the tree is high")
        if position & 1 or position == last:
            first_root, second_root = tree.node(node, first_root), tree.node(node, second_root)
            position, last = _past_lone_levels(position, last)
        else:
            second_root = tree.node(second_root, node)
        position, last = position >> 1, last >> 1
    if last != 0 or not hmac.compare_digest(first_root, old_root) or not hmac.compare_digest(second_root, root):
        raise ProofError(f"the log of {size} entries does not begin with the one of {old}")
    return Consistency(old, size, root)


@dataclass(frozen=True)
class Inclusion:
    """An entry stands at `index` of the tree of `size` leaves with that root."""

    index: int
    size: int
    root: bytes


@dataclass(frozen=True)
class Consistency:
    """The tree of `size` leaves with that root begins with a known one of `old`."""

    old: int
    size: int
    root: bytes


def _past_lone_levels(position: int, last: int) -> tuple[int, int]:
    """Up over the levels at which a node of the right edge has no sibling."""
    while not position & 1 and position:
        position, last = position >> 1, last >> 1
    return position, last


def _split(count: int) -> int:
    """The largest power of two smaller than `count` (of at least 2)."""
    return 1 << (count - 1).bit_length() - 1
