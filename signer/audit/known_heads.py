"""Heads of the log that are remembered outside its folder, and the refusal to go on with a folder that is behind one of them.

An older copy of the folder is sound in itself: only what is remembered elsewhere tells it from the log. The log writer keeps its last
signed head in a second place; witnesses' and kept checkpoints count as well. Not for judging the entries: `fsck` does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from signer.audit.checkpoint import (
    Checkpoint,
    CheckpointError,
    NoteKey,
    read_checkpoint,
    read_own_checkpoint,
    verify_checkpoint,
)
from signer.audit.durable_file import write_durably
from signer.audit.log_file import LogFile
from signer.audit.merkle import SM3, root_of
from signer.audit.tiles import Tiles
from signer.errors import ConfigurationError, Reason

_RESTART = (
    "Find the newer folder. If it is lost: keep this one, give the log a new id, "
    "and run signer audit restart with the last checkpoint that is known."
)


def remember_head(file: Path, checkpoint: Checkpoint) -> None:
    """Keeps the head durably. Raises OSError."""
    write_durably(file, checkpoint.text.encode())


def refuse_older_copy(folder: Path, key: NoteKey, journal: LogFile, known: Sequence[Path]) -> None:
    """Compares the folder with its journal and with every remembered head. `known`: files; one that is absent says nothing.

    Raises:
        ConfigurationError: LOG_ROLLED_BACK, the folder or the journal is behind; LOG_FORKED, it has another history; LOG_DAMAGED,
            entries between tree and journal are lost, or a remembered head can't be read.
    """
    checkpoint = read_own_checkpoint(folder, key)
    size = 0 if checkpoint is None else checkpoint.size
    if journal.count < size:
        raise _refused(
            Reason.LOG_ROLLED_BACK,
            f"the journal ends at entry {journal.count}, the signed tree has {size}: an older copy",
        )
    if journal.first > size:
        raise _refused(
            Reason.LOG_DAMAGED,
            f"the journal begins at entry {journal.first}, the signed tree has {size}: entries are lost",
        )
    read = partial(Tiles(folder).node, size)
    for file in known:
        head = _read_head(file, key)
        if head is None:
            continue
        if head.size > size:
            raise _refused(
                Reason.LOG_ROLLED_BACK,
                f"{file} remembers a head over {head.size} entries, the log's folder has {size}: it is an older copy",
            )
        if root_of(SM3, read, head.size) != head.root:
            raise _refused(
                Reason.LOG_FORKED, f"the log's folder does not begin with the head over {head.size} entries in {file}"
            )


def _read_head(file: Path, key: NoteKey) -> Checkpoint | None:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise _refused(Reason.LOG_DAMAGED, f"{file}: the remembered head can't be read") from None
    try:
        origin = read_checkpoint(text).origin
        if origin != key.name:
            raise _refused(Reason.LOG_ROLLED_BACK, f"{file} remembers the log {origin}, this one is {key.name}")
        return verify_checkpoint(text, key.name, key)
    except CheckpointError as problem:
        raise _refused(Reason.LOG_DAMAGED, f"{file}: not a remembered head of this log: {problem.message}") from None


def _refused(reason: Reason, what: str) -> ConfigurationError:
    return ConfigurationError(reason, what, _RESTART)
