"""`signer drill list|plan|run|show`: emergency drills on a copy or, confirmed, on the live appliance; their records kept and sealed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signer.cli.arguments import Commands, add_client_arguments, add_command
from signer.cli.drill_report import calendar_row, plan_lines, plan_values, record_lines, step_line
from signer.cli.output import ExitStatus, LocalError, say, write_file
from signer.cli.remote import appliance

if TYPE_CHECKING:
    from signer.config import ApplianceConfig
    from signer.evidence.drills.plan import DrillPlan
    from signer.evidence.drills.site import Site
    from signer.evidence.remote import RemoteAppliance

_LIST = "  signer drill list --config signer.toml"
_PLAN = "  signer drill plan hsm-lost"
_RUN = """\
  signer drill run hsm-lost --config signer.toml --profile clients/core/profile.toml --operator 张三
  signer drill run log-disk-full --live --confirm log-disk-full --config signer.toml --operator 张三"""
_SHOW = "  signer drill show state/drills/DRL20261126093000A1B2C3.json"


def add_commands(commands: Commands) -> None:
    """Adds `drill` with its verbs."""
    drill = commands.add_parser("drill", help="应急演练 · emergency drills")
    verbs = drill.add_subparsers(dest="verb", required=True)
    listed = add_command(verbs, "list", "列出演练及到期时间 · the drills, and when each is due", _LIST)
    listed.set_defaults(run=_list)
    plan = add_command(verbs, "plan", "显示预案 · a drill's plan", _PLAN)
    plan.add_argument("name", help="the drill's name")
    plan.set_defaults(run=_plan)
    run = add_command(verbs, "run", "执行演练并留存记录 · rehearse, and keep the record", _RUN)
    run.add_argument("name", help="the drill's name")
    run.add_argument("--operator", required=True, metavar="NAME", help="who runs it, as it goes onto the record")
    run.add_argument("--live", action="store_true", help="on the live appliance: calls are refused meanwhile")
    run.add_argument("--confirm", metavar="NAME", help="the drill's name again, with --live")
    add_client_arguments(run)
    run.set_defaults(run=_run)
    show = add_command(verbs, "show", "显示演练记录 · a kept record", _SHOW)
    show.add_argument("record", type=Path, help="the record's JSON file")
    show.set_defaults(run=_show)
    for parser in (listed, run):
        parser.add_argument("--config", type=Path, required=True, help="signer.toml")


def _list(options: argparse.Namespace) -> ExitStatus:
    from signer.config import load_config
    from signer.evidence.drills.calendar import calendar
    from signer.evidence.drills.plan import load_plans

    rows = calendar(load_plans(), load_config(options.config).drills_directory, datetime.now(UTC))
    values = [calendar_row(row) for row in rows]
    say(options, {"drills": [value for value, _ in values]}, [line for _, line in values])
    return ExitStatus.OK


def _plan(options: argparse.Namespace) -> ExitStatus:
    from signer.evidence.drills.plan import find_plan

    plan = find_plan(options.name)
    say(options, plan_values(plan), plan_lines(plan))
    return ExitStatus.OK


def _show(options: argparse.Namespace) -> ExitStatus:
    from signer.evidence.drills.record import read_record

    record = read_record(options.record)
    say(options, record, record_lines(record))
    return ExitStatus.OK if record["conclusion"]["passed"] else ExitStatus.NOT_PASSED


def _run(options: argparse.Namespace) -> ExitStatus:
    from signer.config import load_config
    from signer.evidence.drills.plan import find_plan
    from signer.evidence.drills.record import checked_operator, keep
    from signer.evidence.drills.rehearsal import rehearse
    from signer.evidence.drills.scenarios import Scenarios

    plan, operator, config = find_plan(options.name), checked_operator(options.operator), load_config(options.config)
    _check_live(options, plan)
    tell = (lambda _: None) if options.json else (lambda step: print(step_line(step), flush=True))
    with appliance(options) as remote:
        remote.list_keys()  # before anything is taken away: the record will be sealed there
        with _site(options, config, remote) as site:
            record = rehearse(plan, site, operator, Scenarios(site).actions(plan.name), tell)
        file = keep(record, config.drills_directory)
        sealed = _seal(record, file, remote)
    values = {
        "record": str(file),
        "document": sealed,
        "passed": record["conclusion"]["passed"],
        "steps": record["steps"],
    }
    lines = [
        f"记录 record: {file}",
        f"签章文档 sealed document: {sealed['pdf']}" if sealed["pdf"] else f"未能签章 not sealed: {sealed['why']}",
        f"{record['conclusion']['told_zh']} {record['conclusion']['told_en']}",
    ]
    say(options, values, lines)
    if not record["conclusion"]["passed"]:
        return ExitStatus.NOT_PASSED
    return ExitStatus.OK if sealed["pdf"] else ExitStatus.UNAVAILABLE


def _check_live(options: argparse.Namespace, plan: DrillPlan) -> None:
    """Raises LocalError where a live drill is not confirmed, or not to be had."""
    if not options.live:
        if options.confirm:
            raise LocalError("--confirm belongs to --live")
        return
    if not plan.live:
        raise LocalError(f"{plan.name} is rehearsed on a copy only: what it does can't be taken back")
    if options.confirm != plan.name:
        raise LocalError(f"calls will be refused meanwhile: confirm with --confirm {plan.name}")


@contextmanager
def _site(options: argparse.Namespace, config: ApplianceConfig, remote: RemoteAppliance) -> Iterator[Site]:
    from signer.app.drill_copy import running_copy
    from signer.app.drill_sites import CopySite, LiveSite
    from signer.app.remote_appliance import GrpcAppliance
    from signer.client import load_profile

    if options.live:
        yield LiveSite(config, remote, _ask)
        return
    with running_copy(config) as copy, GrpcAppliance(load_profile(copy.profile)) as there:
        yield CopySite(copy, there, config.log.log_id)


def _ask(what: str) -> None:
    """Waits for the operator's Enter. Raises EOFError where nobody can press it."""
    print(f"{what}；完成后按回车 then press Enter: ", end="", file=sys.stderr, flush=True)
    if not sys.stdin.readline():
        raise EOFError


def _seal(record: dict[str, Any], file: Path, remote: RemoteAppliance) -> dict[str, str]:
    """The record as a document of the live appliance, beside its JSON; why not, where that can't be."""
    from signer.evidence.canonical import canonical
    from signer.evidence.drills.record import TEMPLATE
    from signer.evidence.remote import Refused

    try:
        issued = remote.issue(TEMPLATE, canonical(record), record["record"]["number"], "留存应急演练记录")
    except Refused as problem:
        again = f"signer issue --template {TEMPLATE} {file} --out {file.with_suffix('.pdf')}"
        return {"pdf": "", "document_id": "", "why": f"{problem.told}; {problem.message}; later: {again}"}
    pdf = file.with_suffix(".pdf")
    write_file(str(pdf), issued.pdf)
    return {"pdf": str(pdf), "document_id": issued.document_id, "why": ""}
