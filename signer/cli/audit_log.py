"""What the audit commands share: which log, its key, what others remember of it, and how a finding is told."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from signer.audit.checkpoint import Checkpoint, NoteKey
from signer.audit.cosignature import WitnessKey
from signer.cli.output import ExitStatus, LocalError, say
from signer.errors import Reason, SignerError

if TYPE_CHECKING:
    from signer.config import ApplianceConfig

# Reasons that say that the log's files, or what was signed about them, contradict each other.
_TAMPERED = frozenset(
    {
        Reason.LOG_FORKED,
        Reason.LOG_ROLLED_BACK,
        Reason.LOG_DAMAGED,
        Reason.LOG_PROOF_WRONG,
        Reason.CHECKPOINT_WRONG,
        Reason.TIMESTAMP_WRONG,
    }
)


def add_log_arguments(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """--log, --key, --origin, --archive."""
    parser.add_argument("--log", type=Path, required=required, help="the log's directory")
    parser.add_argument("--key", type=Path, required=required, help="the log's public key (PEM)")
    parser.add_argument("--origin", help="the log's name; default: what its checkpoint says")
    parser.add_argument(
        "--archive",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="where entry bundles are that were moved out (may be repeated)",
    )


def add_config_argument(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """--config."""
    parser.add_argument("--config", type=Path, required=required, help="signer.toml")


def load(options: argparse.Namespace) -> ApplianceConfig:
    """The configuration that --config names. Raises ConfigurationError."""
    from signer.config import load_config

    return load_config(options.config)


def log_and_key(options: argparse.Namespace) -> tuple[Path, NoteKey]:
    """The directory and the key, from --log and --key or else from --config. Raises LocalError, ConfigurationError, CheckpointError."""
    from signer.audit.checkpoint import load_note_key, read_checkpoint

    if getattr(options, "config", None) is not None:
        log = load(options).log
        return options.log or log.directory, load_note_key(
            options.key or log.public_key_file, options.origin or log.log_id
        )
    if options.log is None or options.key is None:
        raise LocalError("give --log and --key, or --config")
    if options.origin is not None:
        return options.log, load_note_key(options.key, options.origin)
    try:
        text = (options.log / "checkpoint").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise LocalError(f"a checkpoint can't be read: {problem}") from None
    return options.log, load_note_key(options.key, read_checkpoint(text).origin)


def read_remembered(options: argparse.Namespace, key: NoteKey) -> list[Checkpoint]:
    """The files of --remembered, signatures verified. Raises LocalError, CheckpointError."""
    from signer.audit.checkpoint import verify_checkpoint

    try:
        texts = [file.read_text(encoding="utf-8") for file in options.remembered]
    except (OSError, UnicodeDecodeError) as problem:
        raise LocalError(f"a checkpoint can't be read: {problem}") from None
    return [verify_checkpoint(text, key.name, key) for text in texts]


def read_witnesses(given: list[str]) -> tuple[WitnessKey, ...]:
    """--witness NAME=FILE, several of them. Raises LocalError, ConfigurationError, CheckpointError."""
    from signer.audit.cosignature import load_witness_keys

    pairs = [item.rpartition("=") for item in given]
    if not all(name and file for name, _, file in pairs) or len({name for name, _, _ in pairs}) != len(pairs):
        raise LocalError("--witness must be NAME=FILE, each name once")
    return load_witness_keys((name, Path(file)) for name, _, file in pairs)


def judged(options: argparse.Namespace, judge: Callable[[], ExitStatus]) -> ExitStatus:
    """What `judge` returns; a contradiction that it raises is a finding (exit status 1). Raises all else that it raises."""
    try:
        return judge()
    except SignerError as problem:
        if problem.reason not in _TAMPERED:
            raise
        return not_passed(options, [(problem.reason.value, "log", problem.message)])


def not_passed(options: argparse.Namespace, damages: list[tuple[str, str, str]]) -> ExitStatus:
    """Tells findings: code, where, message."""
    values = {"damages": [{"code": code, "where": where, "message": message} for code, where, message in damages]}
    lines = [f"{code}  {where}: {message}" for code, where, message in damages]
    say(options, values, [*lines, "日志已被改动 · the log was tampered with: keep these files as evidence"])
    return ExitStatus.NOT_PASSED
