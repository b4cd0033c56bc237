"""`signer render` and `issue`: documents from data."""

from __future__ import annotations

import argparse
import uuid

from signer.cli.arguments import Commands, add_client_arguments, add_command, connect
from signer.cli.output import ExitStatus, LocalError, read_file, say, write_file
from signer.client import Connection
from signer.v1 import document_pb2

_RENDER_EXAMPLES = """\
  signer render --template policy/commercial data.json --out draft.pdf
  signer render --template policy/commercial --sample --out draft.pdf"""
_ISSUE_EXAMPLES = """\
  signer issue --template policy/commercial data.json --out policy.pdf
  signer issue --template policy/commercial --sample --seal seal-rsa --out policy.pdf"""


def add_commands(commands: Commands) -> None:
    """Adds both commands."""
    render = add_command(commands, "render", "预览 · render a draft from data, unsigned", _RENDER_EXAMPLES)
    _add_document_arguments(render)
    render.set_defaults(run=_render)
    issue = add_command(commands, "issue", "签发 · render, seal and archive a document", _ISSUE_EXAMPLES)
    _add_document_arguments(issue)
    issue.add_argument("--seal", metavar="KEY", help="seal key (default: the appliance's)")
    issue.add_argument("--issue-id", help="the same id again gives the same document (default: a new one)")
    issue.set_defaults(run=_issue)


def _add_document_arguments(parser: argparse.ArgumentParser) -> None:
    add_client_arguments(parser)
    parser.add_argument("--template", required=True, help='e.g. "policy/commercial" or "policy/commercial@1"')
    parser.add_argument("--out", required=True, metavar="FILE", help='where the PDF goes ("-": standard output)')
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("data", nargs="?", help='JSON by the template\'s schema ("-": standard input)')
    data.add_argument("--sample", action="store_true", help="the template's own fictional sample")


def _data(options: argparse.Namespace, connection: Connection) -> str:
    if options.sample:
        request = document_pb2.GetTemplateRequest(template=options.template)
        return connection.call(connection.documents.GetTemplate, request).sample_json
    try:
        return read_file(options.data).decode("utf-8")
    except UnicodeDecodeError:
        raise LocalError(f"{options.data}: not UTF-8") from None


def _render(options: argparse.Namespace) -> ExitStatus:
    with connect(options) as connection:
        request = document_pb2.RenderDocumentRequest(template=options.template, data_json=_data(options, connection))
        answer = connection.call(connection.documents.RenderDocument, request)
    write_file(options.out, answer.pdf)
    if options.out != "-":
        values = {"template": answer.template, "bytes": len(answer.pdf), "file": options.out}
        say(options, values, [f"草稿 draft of {answer.template} → {options.out}"])
    return ExitStatus.OK


def _issue(options: argparse.Namespace) -> ExitStatus:
    issue_id = options.issue_id or str(uuid.uuid4())
    with connect(options) as connection:
        request = document_pb2.IssueDocumentRequest(
            issue_id=issue_id, template=options.template, data_json=_data(options, connection)
        )
        if options.seal:
            request.seals.add(key=options.seal)
        answer = connection.call(connection.documents.IssueDocument, request)
    write_file(options.out, answer.pdf)
    if options.out != "-":
        values = {
            "issue_id": issue_id,
            "document_id": answer.document_id,
            "number": answer.number,
            "sm3": answer.sm3.hex(),
            "issued_at": answer.issued_at.ToJsonString(),
            "file": options.out,
        }
        lines = [
            f"已签发 issued: {answer.number} → {options.out}",
            f"  issue_id {issue_id}, document_id {answer.document_id}",
            f"  SM3 {answer.sm3.hex()}",
        ]
        say(options, values, lines)
    return ExitStatus.OK
