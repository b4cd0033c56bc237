"""`signer documents expiring|extend`: which documents' proof runs out, and further archive timestamps for them."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta

from signer.cli.arguments import Commands, add_client_arguments, add_command, connect
from signer.cli.output import ExitStatus, LocalError, say, write_file
from signer.client import Connection, RemoteError
from signer.v1 import document_pb2 as wire

_EXPIRING_EXAMPLES = "  signer documents expiring --within-days 180"
_EXTEND_EXAMPLES = """\
  signer documents extend --document 0123456789abcdef0123456789abcdef --out extended.pdf
  signer documents extend --within-days 180 --limit 1000"""
_LIMIT = 1_000


def add_commands(commands: Commands) -> None:
    """Adds `documents` with its verbs."""
    documents = commands.add_parser(
        "documents", help="存证延续 · released documents and how long they prove themselves"
    )
    verbs = documents.add_subparsers(dest="verb", required=True)
    expiring = add_command(verbs, "expiring", "即将失去证明力的文件 · whose proof ends soon", _EXPIRING_EXAMPLES)
    _add_arguments(expiring, required=True)
    expiring.set_defaults(run=_expiring)
    extend = add_command(verbs, "extend", "追加归档时间戳 · add an archive timestamp", _EXTEND_EXAMPLES)
    _add_arguments(extend, required=False)
    extend.add_argument("--document", metavar="ID", help="this one alone")
    extend.add_argument("--out", metavar="FILE", help="where the extended PDF goes (with --document)")
    extend.set_defaults(run=_extend)


def _add_arguments(parser: argparse.ArgumentParser, *, required: bool) -> None:
    add_client_arguments(parser)
    parser.add_argument(
        "--within-days", type=int, metavar="DAYS", required=required, help="whose proof ends within these"
    )
    parser.add_argument("--limit", type=int, default=100, help="at most so many, up to 1000 (default: 100)")


def _found(options: argparse.Namespace, connection: Connection) -> list[wire.ExpiringDocument]:
    if options.within_days is None or not 0 <= options.within_days <= 36_500 or not 1 <= options.limit <= _LIMIT:
        raise LocalError("give --document ID, or --within-days 0 to 36500 and --limit 1 to 1000")
    request = wire.ListExpiringDocumentsRequest(limit=options.limit)
    request.before.FromDatetime(datetime.now(UTC) + timedelta(days=options.within_days))
    return list(connection.call(connection.documents.ListExpiringDocuments, request).documents)


def _expiring(options: argparse.Namespace) -> ExitStatus:
    with connect(options) as connection:
        found = _found(options, connection)
    rows = [
        {"document_id": item.document_id, "revision": item.revision, "proof_ends_at": item.proof_ends_at.ToJsonString()}
        for item in found
    ]
    lines = [f"{row['proof_ends_at']}  {row['document_id']}  版次 revision {row['revision']}" for row in rows]
    say(options, {"documents": rows}, lines or ["无 none"])
    return ExitStatus.OK


def _extend(options: argparse.Namespace) -> ExitStatus:
    done: list[dict[str, object]] = []
    failed: list[str] = []
    with connect(options) as connection:
        wanted = [options.document] if options.document else [item.document_id for item in _found(options, connection)]
        for document_id in wanted:
            request = wire.ExtendDocumentRequest(document_id=document_id, omit_pdf=not options.out)
            try:
                answer = connection.call(connection.documents.ExtendDocument, request)
            except RemoteError as problem:
                if options.document:
                    raise
                failed.append(f"{document_id}: {problem}")
                continue
            done.append(
                {
                    "document_id": answer.document_id,
                    "revision": answer.revision,
                    "sm3": answer.sm3.hex(),
                    "proof_ends_at": answer.proof_ends_at.ToJsonString(),
                }
            )
            if options.out and options.document:
                write_file(options.out, answer.pdf)
    lines = [
        f"已延续 extended: {row['document_id']} 版次 revision {row['revision']} → {row['proof_ends_at']}"
        for row in done
    ]
    lines += [f"未成 not extended: {text}" for text in failed]
    say(options, {"extended": done, "failed": failed}, lines or ["无 none"])
    return ExitStatus.UNAVAILABLE if failed else ExitStatus.OK
