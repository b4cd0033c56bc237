"""Reads the signed tree for whoever holds a receipt: proofs that an entry is in it, and that it only grew.

Reads files alone, so that any number of processes may; checkpoints carry the lines of the witnesses that cosigned that very head. Not
for writing them: `tree` does that, `cosigned_heads` what witnesses bring.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from signer.audit.checkpoint import Checkpoint, NoteKey, read_own_checkpoint
from signer.audit.cosignature import Cosignature, WitnessKey
from signer.audit.cosigned_heads import CosignedHeads
from signer.audit.merkle import (
    SM3,
    Inclusion,
    consistency_proof,
    inclusion_proof,
    root_of,
    verify_inclusion,
)
from signer.audit.tiles import Tiles
from signer.errors import ApplianceError, ConfigurationError, Reason, RequestError


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

    def __init__(
        self, folder: Path, key: NoteKey, *, witnesses: Sequence[WitnessKey] = (), archives: Sequence[Path] = ()
    ) -> None:
        """`witnesses`: whose lines checkpoints carry. `archives`: where entry bundles are that were moved out."""
        self._folder = folder
        self._key = key
        self._tiles = Tiles(folder, archives)
        self._cosigned = CosignedHeads(folder, key, witnesses)
        self._lock = threading.Lock()
        self._last: Checkpoint | None = None  # guarded by _lock: the last one whose signature was verified

    @property
    def cosigned(self) -> CosignedHeads:
        """What witnesses cosigned."""
        return self._cosigned

    def checkpoint(self) -> Checkpoint:
        """The latest, with the lines of witnesses that cosigned this very head.

        Raises ApplianceError (LOG_BEHIND) when there is none yet, ConfigurationError when it is damaged.
        """
        try:
            text = (self._folder / "checkpoint").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            text = ""
        with self._lock:
            if self._last is None or self._last.text != text:
                self._last = read_own_checkpoint(self._folder, self._key)
            if self._last is None:
                raise _behind("the log has no checkpoint yet")
            last = self._last
        return self._cosigned.with_lines(last)

    def cosigned_checkpoint(self) -> Checkpoint:
        """The newest head that a witness cosigned. Raises ApplianceError (LOG_BEHIND) where there is none yet."""
        checkpoint = self._cosigned.newest()
        if checkpoint is None or checkpoint.size > self.checkpoint().size:
            raise _behind("no witness has cosigned a head yet")
        return checkpoint

    def add_cosignatures(self, note: str) -> tuple[Cosignature, ...]:
        """Keeps what a witness brings. Raises as `CosignedHeads.add`; ConfigurationError (LOG_ROLLED_BACK, LOG_FORKED) for a head that
        the log signed and does not have: its folder is not the one that the witness saw.
        """
        return self._cosigned.add(note, self._check_own_head)

    def _check_own_head(self, head: Checkpoint) -> None:
        size = self.checkpoint().size
        if head.size > size:
            raise _contradicted(
                Reason.LOG_ROLLED_BACK, f"a head over {head.size} entries was signed, the log has {size}"
            )
        if root_of(SM3, partial(self._tiles.node, size), head.size) != head.root:
            raise _contradicted(
                Reason.LOG_FORKED, f"the log does not begin with its signed head over {head.size} entries"
            )

    def receipt(self, index: int, *, cosigned: bool = False) -> ProvenReceipt:
        """The entry at `index` with its proof, checked before it is handed out. `cosigned`: towards a head that a witness cosigned.

        Raises:
            ApplianceError: LOG_BEHIND, no (cosigned) checkpoint covers the entry yet; LOG_ARCHIVED.
            ConfigurationError, ProofError: the log is damaged.
        """
        checkpoint = self.cosigned_checkpoint() if cosigned else self.checkpoint()
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


def _contradicted(reason: Reason, what: str) -> ConfigurationError:
    return ConfigurationError(
        reason, what, "Keep the log's folder and the witness's head as evidence; tell the auditors."
    )


def _behind(what: str) -> ApplianceError:
    return ApplianceError(Reason.LOG_BEHIND, what, "Ask again in a second.")
