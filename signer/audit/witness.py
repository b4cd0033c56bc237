"""A witness: remembers the last tree head of a log that it cosigned, and cosigns only what that one grew into.

Needs no key of the log but its public one. What contradicts the remembered head is kept as evidence and never cosigned. The new
head is on the disk before its cosignature leaves, so that a crash can't make the witness forget what it vouched for. Not
for fetching heads or handing cosignatures back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from signer.algorithms import SignMessage
from signer.audit.checkpoint import Checkpoint, CheckpointError, NoteKey, verify_checkpoint
from signer.audit.cosignature import Cosignature, WitnessKey, cosign_checkpoint, without_cosignatures
from signer.audit.durable_file import exclusively, write_durably
from signer.audit.merkle import SM3, ProofError, verify_consistency
from signer.errors import ConfigurationError, Reason, SignerError

_KEEP = "Keep both signed heads; tell the log's owner and the auditors. Nothing was cosigned."


class LogContradiction(SignerError):
    """The log contradicts what it signed before. `evidence`: the file with both signed heads and the proof that was given."""

    def __init__(self, reason: Reason, message: str, evidence: Path) -> None:
        super().__init__(reason, message, _KEEP)
        self.evidence = evidence


@dataclass(frozen=True)
class CosignedHead:
    """A head that was cosigned. `note`: the checkpoint with the log's and this witness's lines."""

    checkpoint: Checkpoint
    cosignature: Cosignature
    note: str


class Witness:
    """One witness of one log. Several processes may share the directory: a lock lets one judge at a time."""

    def __init__(self, directory: Path, log: NoteKey, own: WitnessKey, sign: SignMessage) -> None:
        """`directory`: keeps one file for each log, and the evidence. `log`: its name is the origin."""
        self._directory = directory
        self._log = log
        self._own = own
        self._sign = sign
        self._file = directory / f"{quote(log.name, safe='')}.head"

    def known(self) -> Checkpoint | None:
        """The last head that was cosigned, None before the first.

        Raises:
            ConfigurationError: LOG_DAMAGED; the witness's memory can't be read, so it can't vouch for anything.
        """
        try:
            text = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError):
            raise self._unreadable() from None
        try:
            return verify_checkpoint(text, self._log.name, self._log)
        except CheckpointError:
            raise self._unreadable() from None

    def cosign(self, text: str, proof: Sequence[bytes], moment: datetime) -> CosignedHead:
        """Judges a head and cosigns it. `proof`: RFC 9162 consistency, from the known head's size; empty for equal sizes.

        Raises:
            CheckpointError: not a head that the log signed.
            LogContradiction: LOG_ROLLED_BACK (fewer entries than known), LOG_FORKED (another root, or a proof that fails).
            VerificationError, HsmError: the own key gave a wrong signature, or none.
            OSError: the memory can't be written; nothing was cosigned.
        """
        offered = verify_checkpoint(text, self._log.name, self._log)
        with exclusively(self._directory):
            known = self.known()
            if known is not None:
                self._compare(known, offered, proof)
            cosignature = cosign_checkpoint(text, self._own, self._sign, moment)
            note = without_cosignatures(text, self._log) + cosignature.line
            write_durably(self._file, note.encode())
        return CosignedHead(offered, cosignature, note)

    def refuse_smaller(self, text: str) -> None:
        """Raises as `cosign` where the head has fewer entries than known: no proof can join such heads. Cosigns nothing."""
        offered = verify_checkpoint(text, self._log.name, self._log)
        known = self.known()
        if known is not None and offered.size < known.size:
            self._compare(known, offered, ())

    def _compare(self, known: Checkpoint, offered: Checkpoint, proof: Sequence[bytes]) -> None:
        if offered.size < known.size:
            message = f"the log has {offered.size} entries after {known.size}: an older copy, or its end was cut off"
            raise self._contradiction(Reason.LOG_ROLLED_BACK, message, known, offered, proof)
        try:
            verify_consistency(SM3, known.size, known.root, offered.size, offered.root, proof)
        except ProofError as problem:
            message = (
                f"the log does not begin with the head over {known.size} entries that it signed: {problem.message}"
            )
            raise self._contradiction(Reason.LOG_FORKED, message, known, offered, proof) from None

    def _contradiction(
        self, reason: Reason, message: str, known: Checkpoint, offered: Checkpoint, proof: Sequence[bytes]
    ) -> LogContradiction:
        values = {
            "reason": reason.value,
            "origin": self._log.name,
            "known": known.text,
            "offered": offered.text,
            "consistency_proof": [node.hex() for node in proof],
        }
        name = hashlib.sha256((known.text + offered.text).encode()).hexdigest()[:16]
        evidence = self._directory / f"{quote(self._log.name, safe='')}.evidence-{name}.json"
        write_durably(evidence, json.dumps(values, ensure_ascii=False, indent=2).encode())
        return LogContradiction(reason, message, evidence)

    def _unreadable(self) -> ConfigurationError:
        return ConfigurationError(
            Reason.LOG_DAMAGED,
            f"{self._file}: the last head that was cosigned can't be read, or is not the log's",
            "Restore the witness's state from its backup. Starting it anew makes it blind to a rollback before now.",
        )
