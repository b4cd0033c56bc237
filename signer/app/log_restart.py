"""A log that was lost is restarted under a new origin, whose first entry names the last head of the old one that is known.

The restored folder can't go on under its old origin: heads that others remember would be contradicted. It is put aside whole, as evidence.
The appliance is stopped meanwhile. A crash leaves a state from which the same command goes on, and no writer starts before it did.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from signer.audit import LogEntry
from signer.audit.checkpoint import Checkpoint, CheckpointError, load_note_key, read_checkpoint, verify_checkpoint
from signer.audit.durable_file import sync_folder
from signer.audit.log_client import LogConfig
from signer.audit.log_file import LogFile
from signer.audit.log_records import read_header, read_log
from signer.errors import ConfigurationError, Reason


@dataclass(frozen=True)
class RestartedLog:
    """`previous`: the head that the first entry names. `put_aside`: where the old folder is now, None where there was none."""

    origin: str
    previous: Checkpoint
    put_aside: Path | None


def restart_log(config: LogConfig, previous_file: Path, previous_public_key: Path | None = None) -> RestartedLog:
    """Begins the log `config.log_id` with an entry about the old one. `previous_file`: the last checkpoint that is known, by a witness,
    a timestamp or a copy. `previous_public_key`: where the old log's key was another one.

    Raises:
        CheckpointError: the old log's key did not sign it.
        ConfigurationError: the new log has the old one's id, is begun already, or another process writes it.
        OSError: the folders can't be made.
    """
    previous = _read_previous(config, previous_file, previous_public_key)
    old, new = config.directory, config.directory.with_name(f"{config.directory.name}.restarting")
    if _origin(old) == config.log_id and _is_restarted(old, previous):
        return _finish(config, previous)  # it was interrupted before its last step
    aside = _aside(config, previous)
    _drop_unused(old, config.log_id)
    entry = _first_entry(previous, _count(old if old.exists() else aside))
    if _origin(old) == config.log_id:
        raise _refused(f"the log {config.log_id} has begun already", "Give the new log an id that was never used.")
    shutil.rmtree(new, ignore_errors=True)
    journal = LogFile.open(new / "log", config.log_id)
    try:
        journal.append([entry])
        if old.exists():
            _lock_briefly(old)
            old.rename(aside)
        new.rename(old)
        sync_folder(old.parent)
    finally:
        journal.close()
    return _finish(config, previous)


def _read_previous(config: LogConfig, file: Path, public_key: Path | None) -> Checkpoint:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise _refused(f"{file}: can't be read", "Give the last checkpoint of the old log that is known.") from None
    origin = read_checkpoint(text).origin
    if origin == config.log_id:
        raise _refused(
            f"the configuration still names the old log {origin}", "Give it a new id in signer.toml, [log] id, first."
        )
    return verify_checkpoint(text, origin, load_note_key(public_key or config.public_key_file, origin))


def _finish(config: LogConfig, previous: Checkpoint) -> RestartedLog:
    """The remembered head of the old log goes last: until then no writer starts."""
    aside = _aside(config, previous)
    if config.head_file.exists():
        config.head_file.rename((aside if aside.exists() else config.directory) / "log-head-before-restart")
        sync_folder(config.head_file.parent)
    return RestartedLog(config.log_id, previous, aside if aside.exists() else None)


def _aside(config: LogConfig, previous: Checkpoint) -> Path:
    safe = "".join(character if character.isalnum() or character in "-." else "_" for character in previous.origin)
    return config.directory.with_name(f"{config.directory.name}.{safe}")


def _first_entry(previous: Checkpoint, restored: int | None) -> bytes:
    """`restored`: how many entries the old folder still has."""
    kept = "its folder is lost" if restored is None else f"its folder has {restored} entries"
    detail = f"previous log {previous.origin}, size {previous.size}, root {previous.root.hex()}; {kept}"
    return LogEntry("restart", detail=detail).encode()


def _drop_unused(folder: Path, log_id: str) -> None:
    """A writer that was refused in between has left a journal without entries."""
    if _origin(folder) == log_id and next(read_log(folder / "log"), None) is None:
        (folder / "log").unlink()
        folder.rmdir()


def _is_restarted(folder: Path, previous: Checkpoint) -> bool:
    try:
        first = json.loads(next(read_log(folder / "log")))
    except (OSError, ValueError, StopIteration, ConfigurationError):
        return False
    named = f"previous log {previous.origin}, size {previous.size}, root {previous.root.hex()};"
    return bool(first.get("kind") == "restart" and first.get("detail", "").startswith(named))


def _origin(folder: Path) -> str | None:
    """Of the journal in a folder; None where there is none that can be read."""
    try:
        with (folder / "log").open("rb") as stream:
            return read_header(folder / "log", stream.readline())[0]
    except (OSError, ConfigurationError):
        return None


def _count(folder: Path) -> int | None:
    try:
        return read_checkpoint((folder / "checkpoint").read_text(encoding="utf-8")).size
    except (OSError, UnicodeDecodeError, CheckpointError):
        return None


def _lock_briefly(folder: Path) -> None:
    """Raises ConfigurationError where a writer has the old journal."""
    origin = _origin(folder)
    if origin is not None:
        LogFile.open(folder / "log", origin).close()


def _refused(what: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(Reason.START_FAILED, what, remedy)
