"""The heads that witnesses cosigned, kept beside the log: one file for each witness, its newest one. Durable.

Any worker may add one and any reader may look; a lock keeps writers apart. Not for judging as a witness: `witness` does that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from signer.audit.checkpoint import Checkpoint, CheckpointError, NoteKey, verify_checkpoint
from signer.audit.cosignature import Cosignature, WitnessKey, verify_cosignatures, without_cosignatures
from signer.audit.durable_file import exclusively, write_durably
from signer.errors import ApplianceError, Reason, RequestError

COSIGNED = "cosigned"
# A witness's clock may be ahead by this; more would keep its later, honest cosignatures out.
_CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True)
class WitnessedHead:
    """A head and one witness's cosignature on it."""

    checkpoint: Checkpoint
    cosignature: Cosignature


class CosignedHeads:
    """The folder in a log's directory. `witnesses`: whose cosignatures count."""

    def __init__(self, log_directory: Path, log: NoteKey, witnesses: Sequence[WitnessKey]) -> None:
        self._folder = log_directory / COSIGNED
        self._log = log
        self._witnesses = tuple(witnesses)
        # by witness: what the file was when it was read, and what was in it; replaced as a whole, so no lock
        self._read: dict[str, tuple[tuple[int, int, int], WitnessedHead]] = {}

    @property
    def witnesses(self) -> tuple[WitnessKey, ...]:
        """Those that are configured."""
        return self._witnesses

    def add(self, note: str, check_head: Callable[[Checkpoint], None]) -> tuple[Cosignature, ...]:
        """Keeps the cosignatures of known witnesses on a head of this log, where they are newer than what is kept.

        `check_head`: raises where the tree does not have that head.

        Raises:
            RequestError: COSIGNATURE_WRONG: not this log's signed head, no right cosignature of a known witness, a time ahead of us.
            ApplianceError: STORAGE_UNAVAILABLE; it can't be kept.
        """
        try:
            checkpoint = verify_checkpoint(note, self._log.name, self._log)
            found = verify_cosignatures(note, self._witnesses)
        except CheckpointError as problem:
            raise _wrong(problem.message) from None
        if not found:
            raise _wrong("no cosignature of a witness that is configured here")
        if any(item.moment > datetime.now(UTC) + _CLOCKS_DIFFER for item in found):
            raise _wrong("the cosignature's time is ahead of the appliance's")
        check_head(checkpoint)
        own = without_cosignatures(note, self._log)
        try:
            for cosignature in found:
                self._keep(WitnessedHead(checkpoint, cosignature), own + cosignature.line)
        except OSError:
            raise ApplianceError(
                Reason.STORAGE_UNAVAILABLE,
                "the cosignature can't be kept",
                "Free space on the log's volume; send it again.",
            ) from None
        return found

    def files(self) -> list[Path]:
        """Where the configured witnesses' heads are kept, or will be."""
        return [self._file(witness.name) for witness in self._witnesses]

    def heads(self) -> list[WitnessedHead]:
        """What is kept, of the configured witnesses. A file that can't be read or verified counts as none."""
        return [head for witness in self._witnesses if (head := self._of(witness)) is not None]

    def with_lines(self, checkpoint: Checkpoint) -> Checkpoint:
        """The same head; its note carries the lines of the witnesses that cosigned it."""
        lines = [
            head.cosignature.line
            for head in self.heads()
            if (head.checkpoint.size, head.checkpoint.root) == (checkpoint.size, checkpoint.root)
        ]
        return Checkpoint(checkpoint.origin, checkpoint.size, checkpoint.root, checkpoint.text + "".join(lines))

    def newest(self) -> Checkpoint | None:
        """The largest head that any witness cosigned, with all lines on it."""
        heads = self.heads()
        if not heads:
            return None
        checkpoint = max((head.checkpoint for head in heads), key=lambda item: item.size)
        own = without_cosignatures(checkpoint.text, self._log)
        return self.with_lines(Checkpoint(checkpoint.origin, checkpoint.size, checkpoint.root, own))

    def ages(self, now: datetime) -> dict[str, float]:
        """Seconds since each configured witness last cosigned; infinite where it never did."""
        kept = {head.cosignature.witness: head.cosignature.moment for head in self.heads()}
        return {
            witness.name: (now - kept[witness.name]).total_seconds() if witness.name in kept else float("inf")
            for witness in self._witnesses
        }

    def _file(self, witness: str) -> Path:
        return self._folder / quote(witness, safe="")

    def _keep(self, head: WitnessedHead, note: str) -> None:
        with exclusively(self._folder):
            witness = next(item for item in self._witnesses if item.name == head.cosignature.witness)
            known = self._of(witness)
            if known is None or _order(head) > _order(known):
                write_durably(self._file(witness.name), note.encode())

    def _of(self, witness: WitnessKey) -> WitnessedHead | None:
        file = self._file(witness.name)
        try:
            status = file.stat()
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
            before = self._read.get(witness.name)
            if before is not None and before[0] == stamp:
                return before[1]
            text = file.read_text(encoding="utf-8")
            checkpoint = verify_checkpoint(text, self._log.name, self._log)
            (cosignature,) = verify_cosignatures(text, [witness])
        except (OSError, ValueError, CheckpointError):
            return None
        self._read[witness.name] = (stamp, WitnessedHead(checkpoint, cosignature))
        return self._read[witness.name][1]


def _order(head: WitnessedHead) -> tuple[int, datetime]:
    return head.checkpoint.size, head.cosignature.moment


def _wrong(what: str) -> RequestError:
    return RequestError(
        Reason.COSIGNATURE_WRONG, what, "Cosign a checkpoint of this log with a key that it names as a witness's."
    )
