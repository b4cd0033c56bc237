"""`signer clock status|accept`: what the appliance thinks of its clock, and believing one that was set back."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from signer.cli.arguments import Commands, add_command
from signer.cli.output import ExitStatus, LocalError, say

_STATUS = "  signer clock status --config signer.toml"
_ACCEPT = "  signer clock accept --config signer.toml --now 2026-11-26T08:30"
_MOST_APART_S = 120.0


def add_commands(commands: Commands) -> None:
    """Adds `clock` with its verbs."""
    clock = commands.add_parser("clock", help="时钟 · whether the appliance's clock is to be believed")
    verbs = clock.add_subparsers(dest="verb", required=True)
    status = add_command(verbs, "status", "时钟状态 · the verdict, and what the sources say", _STATUS)
    status.add_argument("--config", type=Path, required=True, help="signer.toml")
    status.set_defaults(run=_status)
    accept = add_command(
        verbs, "accept", "确认被回拨的时钟 · believe a clock that was set back; goes into the log", _ACCEPT
    )
    accept.add_argument("--config", type=Path, required=True, help="signer.toml")
    accept.add_argument("--now", required=True, metavar="LOCAL-TIME", help="the time on your own watch, to the minute")
    accept.set_defaults(run=_accept)


def _status(options: argparse.Namespace) -> ExitStatus:
    from signer.clock.published import TrustedClock, read_verdict
    from signer.config import load_config
    from signer.errors import ApplianceError

    file = load_config(options.config).clock.published_file
    verdict = read_verdict(file)
    try:
        TrustedClock(file).check()
        problem = ""
    except ApplianceError as refused:
        problem = refused.message
    sources = verdict.sources if verdict else {}
    lines = [f"{name}: {said}" for name, said in sources.items()] or ["未配置时间源 · no source is configured"]
    say(
        options,
        {"trusted": not problem, "problem": problem, "sources": sources},
        [*lines, problem or "时钟可信 · the clock is believed"],
    )
    return ExitStatus.NOT_PASSED if problem else ExitStatus.OK


def _accept(options: argparse.Namespace) -> ExitStatus:
    from signer.clock.memory import accept
    from signer.config import load_config

    config = load_config(options.config).clock
    try:
        told = time.mktime(time.strptime(options.now, "%Y-%m-%dT%H:%M"))
    except ValueError:
        raise LocalError(f"--now {options.now}: not a local time such as 2026-11-26T08:30") from None
    apart = abs(told - time.time())
    if apart > _MOST_APART_S:
        raise LocalError(f"the machine's clock and --now are {apart:.0f} s apart: set the clock first")
    try:
        accept(config.acceptance_file)
    except OSError as problem:
        raise LocalError(f"{config.acceptance_file}: can't be written ({problem.strerror})") from None
    say(
        options,
        {"accepted": True},
        ["已确认,约一秒后恢复签名 · accepted: signing goes on in about a second, and the log has an entry"],
    )
    return ExitStatus.OK
