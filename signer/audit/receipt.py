"""Reads the signed tree for whoever holds a receipt: proofs that an entry is in it, and that it only grew.

Reads files alone, so that any number of processes may. Not for writing them: `tree` does that.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from signer.audit.checkpoint import Checkpoint, NoteKey
from signer.audit.merkle import (
    SM3,
    Inclusion,
    consistency_proof,
    inclusion_proof,
    verify_inclusion,
)
from signer.audit.tiles import Tiles
from signer.audit.tree import read_own_checkpoint
from signer.errors import ApplianceError, Reason, RequestError


@dataclass(frozen=True)
class ProvenReceipt:
    """`entry` stands at `index` under the checkpoint; `proof`: its RFC 9162 inclusion proof."""

    index: int
    entry: bytes
    checkpoint: Checkpoint
    proof: tuple[bytes, ...]

    def verify(self) -> Inclusion:
        """Evidence from the proof alone. Raises ProofError."""
        leaf = SM3.leaf(self.entry)
        return verify_inclusion(SM3, leaf, self.index, self.checkpoint.size, self.proof, self.checkpoint.root)


class SignedTree:
    """The tree in a folder, as far as its checkpoint covers it."""

    def __init__(self, folder: Path, key: NoteKey) -> None:
        self._folder = folder
        self._key = key
        self._tiles = Tiles(folder)
        self._lock = threading.Lock()
        self._last: Checkpoint | None = None  # guarded by _lock: the last one whose signature was verified

    def checkpoint(self) -> Checkpoint:
        """The latest. Raises ApplianceError (LOG_BEHIND) when there is none yet, ConfigurationError when it is damaged."""
        try:
            text = (self._folder / "checkpoint").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            text = ""
        with self._lock:
            if self._last is None or self._last.text != text:
                self._last = read_own_checkpoint(self._folder, self._key)
            if self._last is None:
                raise _behind("the log has no checkpoint yet")
            return self._last

    def receipt(self, index: int) -> ProvenReceipt:
        """The entry at `index` with its proof, checked before it is handed out.

        Raises:
            ApplianceError: LOG_BEHIND, no checkpoint covers the entry yet.
            ConfigurationError, ProofError: the log is damaged.
        """
        checkpoint = self.checkpoint()
        if index >= checkpoint.size:
            raise _behind(f"no checkpoint covers the entry {index} yet")
        entry = self._tiles.entry(index, checkpoint.size)
        proof = inclusion_proof(SM3, partial(self._tiles.node, checkpoint.size), index, checkpoint.size)
        receipt = ProvenReceipt(index, entry, checkpoint, tuple(proof))
        receipt.verify()
        return receipt

    def consistency(self, old: int, checkpoint: Checkpoint) -> list[bytes]:
        """The RFC 9162 consistency proof from `old` entries to the checkpoint.

        Raises:
            RequestError: INPUT_MALFORMED, the checkpoint has fewer.
        """
        if old > checkpoint.size:
            raise RequestError(
                Reason.INPUT_MALFORMED,
                f"the log has {checkpoint.size} entries, not yet {old}",
                "Ask for a size that a checkpoint of this log has named. If one did, the log was rolled back: tell its owner.",
            )
        if old == 0:
            return []
        return consistency_proof(SM3, partial(self._tiles.node, checkpoint.size), old, checkpoint.size)


def _behind(what: str) -> ApplianceError:
    return ApplianceError(Reason.LOG_BEHIND, what, "Ask again in a second.")
