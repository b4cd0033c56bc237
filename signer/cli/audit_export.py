"""`signer audit export`: entries for central log keeping, as JSON lines or as syslog over TLS; goes on where it stopped."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TextIO

from signer.audit.export import Exporter, Part, Position
from signer.cli.arguments import Commands, add_command
from signer.cli.audit_log import add_config_argument, add_log_arguments, judged, log_and_key
from signer.cli.output import ExitStatus, LocalError

_EXAMPLES = """\
  signer audit export --log state/log --key log.pem --format jsonl --out log.jsonl
  signer audit export --config signer.toml --state export.state --syslog tls://collector.example.cn:6514 --ca ca.pem --follow"""
_LOOK_EVERY_S = 1.0
_RETRY_AFTER_S = 10.0

Deliver = Callable[[Part], None]


def add_verbs(verbs: Commands) -> None:
    """Adds the verb."""
    parser = add_command(
        verbs, "export", "导出日志到集中日志系统 · entries under a signed head, for central log keeping", _EXAMPLES
    )
    add_log_arguments(parser, required=False)
    add_config_argument(parser, required=False)
    parser.add_argument("--format", choices=["jsonl"], help="JSON lines, to --out")
    parser.add_argument("--out", metavar="FILE", default="-", help='appended to ("-": standard output, the default)')
    parser.add_argument("--syslog", metavar="URL", help="tls://host:port: RFC 5424 over TLS (RFC 5425)")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="who issued the collector's certificate (PEM)")
    parser.add_argument(
        "--cert", type=Path, metavar="FILE", help="our certificate, where the collector asks for one (PEM)"
    )
    parser.add_argument("--cert-key", type=Path, metavar="FILE", help="its key (PEM)")
    parser.add_argument(
        "--enterprise-number", type=int, default=32473, metavar="N", help="in signer@N (default: 32473, RFC 5612)"
    )
    parser.add_argument(
        "--state", type=Path, metavar="FILE", help="remembers how far the export is; without it, everything"
    )
    parser.add_argument("--follow", action="store_true", help="go on with what is recorded later")
    parser.set_defaults(run=_export)


def _export(options: argparse.Namespace) -> ExitStatus:
    if (options.format is None) == (options.syslog is None):
        raise LocalError("give --format jsonl, or --syslog tls://host:port")
    return judged(options, partial(_run, options))


def _run(options: argparse.Namespace) -> ExitStatus:
    from signer.errors import ApplianceError

    folder, key = log_and_key(options)
    exporter = Exporter(folder, key, options.archive)
    position = Position.load(options.state) if options.state else None
    while True:
        pause = _LOOK_EVERY_S
        try:
            for part in exporter.parts(position):
                _deliver(options, key.name)(part)
                position = part.position
                if options.state:
                    position.save(options.state)
        except ApplianceError as problem:
            if not options.follow:
                raise
            print(f"signer: {problem}", file=sys.stderr, flush=True)
            pause = _RETRY_AFTER_S
        if not options.follow:
            return ExitStatus.OK
        time.sleep(pause)


def _deliver(options: argparse.Namespace, origin: str) -> Deliver:
    if options.syslog is None:
        return partial(_write_lines, options.out)
    return partial(_send_messages, options, origin)


def _write_lines(out: str, part: Part) -> None:
    lines = [item.as_json() for item in part.entries]
    if part.checkpoint is not None:
        lines.append(json.dumps({"size": part.checkpoint.size, "checkpoint": part.checkpoint.text}, ensure_ascii=False))
    try:
        if out == "-":
            _write_all(sys.stdout, lines)
        else:
            with Path(out).open("a", encoding="utf-8") as stream:
                _write_all(stream, lines)
    except OSError as problem:
        raise LocalError(f"{out}: can't be written ({problem.strerror})") from None


def _write_all(stream: TextIO, lines: list[str]) -> None:
    stream.write("".join(f"{line}\n" for line in lines))
    stream.flush()


def _send_messages(options: argparse.Namespace, origin: str, part: Part) -> None:
    """A connection for each part: its end (close_notify) says that all of it was sent."""
    from signer.audit.syslog import CollectorConfig, SyslogConnection, SyslogFormat

    if options.ca is None:
        raise LocalError("--syslog wants --ca FILE")
    collector = CollectorConfig.from_url(options.syslog, options.ca, options.cert, options.cert_key)
    form = SyslogFormat(origin, options.enterprise_number)
    messages = [form.entry(item) for item in part.entries]
    if part.checkpoint is not None:
        messages.append(form.checkpoint(part.checkpoint))
    connection = SyslogConnection(collector)
    try:
        connection.send(messages)
    finally:
        connection.close()
