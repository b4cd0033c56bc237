"""`signer audit archive|restart`: administrators' acts on the log: old entry bundles leave the machine; a lost log begins anew."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from signer.cli.arguments import Commands, add_command
from signer.cli.audit_log import add_config_argument, load
from signer.cli.output import ExitStatus, LocalError, say

_ARCHIVE = "  signer audit archive --config signer.toml --before 2026-01-01 --to /mnt/log-archive"
_RESTART = "  signer audit restart --config signer.toml --previous-checkpoint witness/demo-1.head"


def add_verbs(verbs: Commands) -> None:
    """Adds the two verbs."""
    summary = "归档旧记录 · move old entry bundles out; hashes stay, the last six months stay"
    archive = add_command(verbs, "archive", summary, _ARCHIVE)
    add_config_argument(archive)
    archive.add_argument("--before", required=True, metavar="DATE", help="entries before this day (UTC, YYYY-MM-DD)")
    archive.add_argument(
        "--to", type=Path, required=True, metavar="DIR", help="where they go; kept apart from this machine"
    )
    archive.set_defaults(run=_archive)
    summary = "日志丢失后重启日志 · begin a new log that names the last known head of the lost one (appliance stopped)"
    restart = add_command(verbs, "restart", summary, _RESTART)
    add_config_argument(restart)
    restart.add_argument(
        "--previous-checkpoint", type=Path, required=True, metavar="FILE", help="the last head that is known"
    )
    restart.add_argument(
        "--previous-key", type=Path, metavar="FILE", help="the old log's public key, where it was another"
    )
    restart.set_defaults(run=_restart)


def _archive(options: argparse.Namespace) -> ExitStatus:
    from signer.app.administrator_record import record_act
    from signer.audit.bundle_archive import copy_bundles, plan_archive, remove_bundles
    from signer.audit.checkpoint import load_note_key

    config = load(options)
    try:
        before = datetime.strptime(options.before, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise LocalError(f"--before {options.before!r}: not a date (YYYY-MM-DD)") from None
    log, now = config.log, datetime.now(UTC)
    target = options.to.resolve()
    if target.is_relative_to(log.directory):
        raise LocalError("the archive must lie outside of the log's own directory")
    key = load_note_key(log.public_key_file, log.log_id)
    plan = plan_archive(log.directory, key, before, months=log.online_months, now=now)
    first, end = plan.entries
    if first == end:
        say(options, {"moved": 0}, ["没有可归档的记录 · nothing to be moved"])
        return ExitStatus.OK
    try:
        copy_bundles(log.directory, target, plan, key)
        index = record_act(
            config, f"log archive: entries {first} to {end - 1} moved out, {log.online_months} months stay"
        )
        remove_bundles(log.directory, target, plan, now)
    except OSError as problem:
        raise LocalError(f"the entries can't be moved: {problem}") from None
    say(
        options,
        {"moved": end - first, "first": first, "end": end, "archive": str(target), "recorded_as": index},
        [f"已归档 moved: {first}–{end - 1} → {target}", f"记录 recorded as entry {index}"],
    )
    return ExitStatus.OK


def _restart(options: argparse.Namespace) -> ExitStatus:
    from signer.app.log_restart import restart_log

    try:
        restarted = restart_log(load(options).log, options.previous_checkpoint, options.previous_key)
    except OSError as problem:
        raise LocalError(f"the log can't be restarted: {problem}") from None
    aside = None if restarted.put_aside is None else str(restarted.put_aside)
    say(
        options,
        {
            "origin": restarted.origin,
            "previous": {"origin": restarted.previous.origin, "size": restarted.previous.size},
            "put_aside": aside,
        },
        [
            f"新日志 new log {restarted.origin}",
            f"接续 after {restarted.previous.origin}, {restarted.previous.size} 条记录 entries, {restarted.previous.root.hex()}",
            *([f"旧目录保留在 the old folder is kept in {aside}"] if aside else []),
        ],
    )
    return ExitStatus.OK
