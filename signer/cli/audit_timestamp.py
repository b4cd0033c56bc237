"""`signer audit timestamp`: the log's newest head, timestamped by an outside authority (RFC 3161); the answer is kept beside the log."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from signer.cli.arguments import Commands, add_command, add_every_argument
from signer.cli.audit_log import add_config_argument, add_log_arguments, load, log_and_key
from signer.cli.output import ExitStatus, LocalError, say

_EXAMPLES = """\
  signer audit timestamp --config signer.toml --every 86400
  signer audit timestamp --log state/log --key log.pem --url https://tsa.example.cn/ --timestamp-anchor authority.pem"""


def add_verbs(verbs: Commands) -> None:
    """Adds the verb."""
    summary = "为树头加盖外部时间戳 · have the newest tree head timestamped outside"
    parser = add_command(verbs, "timestamp", summary, _EXAMPLES)
    add_log_arguments(parser, required=False)
    add_config_argument(parser, required=False)
    parser.add_argument("--url", help="the authority's (default: [log.timestamp] of --config)")
    parser.add_argument("--timestamp-anchor", type=Path, metavar="FILE", help="trust anchors of the authority (PEM)")
    parser.add_argument(
        "--tls-authority", type=Path, metavar="FILE", help="for https: who issued its certificate (PEM)"
    )
    parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="give up after (default: 30)")
    add_every_argument(parser)
    parser.set_defaults(run=_timestamp)


def _timestamp(options: argparse.Namespace) -> ExitStatus:
    from signer.app.log_timestamps import stamp_head
    from signer.certificates import TrustStore
    from signer.errors import ApplianceError

    folder, key = log_and_key(options)
    url, anchors, tls_authority = _authority(options)
    trust = TrustStore.from_files([anchors])
    while True:
        try:
            stamp = stamp_head(folder, key, url, trust, tls_authority=tls_authority, seconds=options.timeout)
        except ApplianceError as problem:
            if options.every is None:
                raise
            print(f"signer: {problem}", file=sys.stderr, flush=True)
        else:
            values = {
                "size": stamp.checkpoint.size,
                "moment": stamp.evidence.moment.isoformat(),
                "authority": stamp.evidence.authority,
                "serial": str(stamp.evidence.serial),
            }
            line = f"已加时间戳 timestamped: {stamp.checkpoint.size} 条记录 entries, {stamp.evidence.moment}, {stamp.evidence.authority}"
            say(options, values, [line])
        if options.every is None:
            return ExitStatus.OK
        sys.stdout.flush()
        time.sleep(options.every)


def _authority(options: argparse.Namespace) -> tuple[str, Path, Path | None]:
    configured = load(options).log.timestamp if options.config is not None else None
    url: str | None = options.url
    anchors: Path | None = options.timestamp_anchor
    tls_authority: Path | None = options.tls_authority
    if configured is not None:
        url, anchors = url or configured.url, anchors or configured.anchors
        tls_authority = tls_authority or configured.tls_authority
    if not url or anchors is None:
        raise LocalError("give --url and --timestamp-anchor, or [log.timestamp] in --config")
    return url, anchors, tls_authority
