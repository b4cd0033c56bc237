"""`signer grants check|explain`: judges a grants file before it is in force, by the same code that the appliance uses at its start.

Not for changing grants: administrators edit the file, sign it, and the appliance reads it on SIGHUP or at its start.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signer.cli.arguments import Commands, add_command
from signer.cli.output import ExitStatus, LocalError, say

if TYPE_CHECKING:
    from signer.app.grants_loading import LoadedGrants

_CHECK = "  signer grants check --config /etc/signer/signer.toml"
_EXPLAIN = """\
  signer grants explain core SigningService/Sign --key message-sm2 --config signer.toml
  signer grants explain channel DocumentService/IssueDocument --template policy/commercial \\
      --key seal-sm2 --profile PADES_B --address 203.0.113.9 --at 2027-01-01T00:00:00+08:00 --config signer.toml"""


def add_commands(commands: Commands) -> None:
    """Adds `grants` with its verbs."""
    grants = commands.add_parser("grants", help="授权 · who may do what")
    verbs = grants.add_subparsers(dest="verb", required=True)
    check = add_command(verbs, "check", "检查授权文件 · judge the grants file as the appliance would", _CHECK)
    check.set_defaults(run=_check)
    explain = add_command(verbs, "explain", "解释授权判定 · may WHO do WHAT, and by which grant", _EXPLAIN)
    explain.add_argument("who", metavar="WHO", help="the client's name, as its certificate says")
    explain.add_argument("what", metavar="WHAT", help="the RPC, e.g. SigningService/Sign")
    explain.add_argument("--key", help="a key's name")
    explain.add_argument("--digest", action="store_true", help="the caller gives a digest instead of the message")
    explain.add_argument("--template", help="a template's name, e.g. policy/commercial")
    explain.add_argument("--profile", help="a seal profile, e.g. PADES_B")
    explain.add_argument("--address", default="", help="the IP address that the call comes from")
    explain.add_argument("--at", type=_moment, help="the time of the call, with its zone (default: now)")
    explain.set_defaults(run=_explain)
    for parser in (check, explain):
        parser.add_argument("--config", type=Path, required=True, help="signer.toml")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("give the zone, too: 2027-01-01T00:00:00+08:00")
    return moment


def _check(options: argparse.Namespace) -> ExitStatus:
    loaded = _load(options.config)
    content, approval = loaded.content, loaded.approval
    clients = sorted({grant.client for grant in content.grants})
    approvers = list(approval.approvers) if approval else []
    ended = [grant.name for grant in content.grants if not grant.is_in_force(datetime.now(UTC))]
    values = {
        "version": content.version,
        "grants": len(content.grants),
        "clients": clients,
        "quotas": sorted(content.quotas),
        "ended": ended,
        "approved_by": approvers,
    }
    lines = [
        f"版本 version {content.version}: {len(content.grants)} 条授权 grants, 客户端 clients: {', '.join(clients) or '-'}",
        f"批准人 approved by: {', '.join(approvers)}" if approval else "未要求批准 · no approval is configured",
        *(f"已到期 ended: {name}" for name in ended),
        "授权文件可用 · the grants file can be used",
    ]
    say(options, values, lines)
    return ExitStatus.OK


def _explain(options: argparse.Namespace) -> ExitStatus:
    from signer.app.composition import rpc_names
    from signer.authz import Actor, Ask
    from signer.authz.decide import explain

    if options.what not in rpc_names():
        raise LocalError(f"there is no RPC {options.what!r}; there are: {', '.join(sorted(rpc_names()))}")
    content = _load(options.config).content
    actor = Actor(options.who, options.what, "", options.address)
    ask = Ask(options.key, options.digest, options.template, options.profile)
    judged = explain(content, actor, ask, options.at or datetime.now(UTC))
    allowed = any(obstacle is None for _, obstacle in judged)
    rows: list[dict[str, Any]] = [
        {"grant": grant.name, "covers": obstacle is None, "why_not": obstacle.text if obstacle else ""}
        for grant, obstacle in judged
    ]
    lines = [
        f"{row['grant']}: {'覆盖 covers it' if row['covers'] else '不覆盖 ' + str(row['why_not'])}" for row in rows
    ]
    if not judged:
        lines.append(f"{options.who}: 没有任何授权 · has no grants")
    quota = content.quotas.get(options.who)
    if allowed and quota and quota.rate:
        lines.append(f"配额 quota: {quota.rate.per_second:g}/s, burst {quota.rate.burst}")
    lines.append("允许 · allowed" if allowed else "拒绝 · refused")
    say(options, {"allowed": allowed, "grants": rows}, lines)
    return ExitStatus.OK if allowed else ExitStatus.NOT_PASSED


def _load(file: Path) -> LoadedGrants:
    from policy_render.catalog import Catalog
    from signer.app.composition import existing_names
    from signer.app.grants_loading import inspect_grants
    from signer.config import load_config
    from signer.database.engine import Database
    from signer.keys.registry import load_registry

    config = load_config(file)
    database = Database.from_config(config.database)
    try:
        return inspect_grants(config.grants, existing_names(load_registry(database), Catalog.load()))
    finally:
        database.close()
