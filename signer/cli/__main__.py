"""The `signer` command: finds the sub-command, runs it, and turns every error into a message and an exit status."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from signer.cli import (
    audit,
    clock,
    connect,
    database,
    document_renewal,
    documents,
    drill,
    evidence,
    grants,
    init,
    keys,
    seal,
    seals,
    serve,
    signatures,
    templates,
    verify_document,
)
from signer.cli.output import EXIT_STATUS_HELP, ExitStatus, LocalError, complain
from signer.client import RemoteError
from signer.client.profile import ProfileError

_NOUNS = (
    init,
    serve,
    connect,
    database,
    grants,
    keys,
    signatures,
    templates,
    documents,
    seal,
    seals,
    verify_document,
    document_renewal,
    audit,
    clock,
    evidence,
    drill,
)


def build_parser() -> argparse.ArgumentParser:
    """All commands with their help."""
    parser = argparse.ArgumentParser(
        prog="signer",
        description="电子保单签章验签系统 · the signing appliance",
        epilog=EXIT_STATUS_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for noun in _NOUNS:
        noun.add_commands(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    options = build_parser().parse_args(arguments)
    try:
        status: ExitStatus = options.run(options)
    except RemoteError as problem:
        return _complain_remote(options, problem)
    except (ProfileError, LocalError) as problem:
        complain(options, {"message": str(problem)}, str(problem))
        return ExitStatus.LOCAL
    except KeyboardInterrupt:
        return 130
    except Exception as problem:
        if not hasattr(problem, "reason"):
            raise
        return _complain_local(options, problem)
    return status


def _complain_local(options: argparse.Namespace, problem: Any) -> int:
    """An error of one of our packages; of data, every fault with its path."""
    faults = [(fault.field, fault.description) for fault in getattr(problem, "violations", ())]
    _complain(options, {"reason": problem.reason.value, "message": str(problem)}, str(problem), faults)
    return ExitStatus.LOCAL


def _complain(
    options: argparse.Namespace, values: dict[str, Any], text: str, faults: Sequence[tuple[str, str]]
) -> None:
    values["violations"] = [{"field": field, "description": description} for field, description in faults]
    complain(options, values, "\n".join([text, *(f"  {field}: {description}" for field, description in faults)]))


def _complain_remote(options: argparse.Namespace, problem: RemoteError) -> int:
    values = {"status": problem.status, "reason": problem.reason, "message": problem.message}
    _complain(options, values, str(problem), problem.violations)
    unreachable = problem.status in {"UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "INTERNAL"}
    return ExitStatus.UNAVAILABLE if unreachable else ExitStatus.REFUSED


if __name__ == "__main__":
    sys.exit(main())
