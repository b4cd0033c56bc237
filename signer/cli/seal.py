"""`signer seal`: puts a seal onto a PDF that is there already."""

from __future__ import annotations

import argparse
import uuid

from signer.cli.arguments import Commands, add_client_arguments, add_command, connect
from signer.cli.output import ExitStatus, read_file, say, write_file
from signer.v1 import document_pb2 as wire

_EXAMPLES = """\
  signer seal contract.pdf --out sealed.pdf --keyword "盖章处"
  signer seal contract.pdf --out sealed.pdf --box 1:150:240:40 --cross-page 150:40
  signer seal contract.pdf --out sealed.pdf --key seal-rsa --seal-profile PADES_LTA
  signer seal contract.pdf --out sealed.pdf --key seal-rsa --key seal-sm2 --seal-profile PADES_T"""
_PROFILES = [name.removeprefix("PROFILE_") for name, _ in wire.Seal.Profile.items() if name != "PROFILE_UNSPECIFIED"]


def add_commands(commands: Commands) -> None:
    """Adds the command."""
    parser = add_command(commands, "seal", "盖章 · seal a PDF that is there already", _EXAMPLES)
    add_client_arguments(parser)
    parser.add_argument("file", help='the PDF ("-": standard input)')
    parser.add_argument("--out", required=True, metavar="FILE", help='where the sealed PDF goes ("-": standard output)')
    parser.add_argument(
        "--key", action="append", help="seal key; again for further seals (default: the appliance's)", default=[]
    )
    parser.add_argument("--seal-profile", choices=_PROFILES, help="of every seal (default: the appliance's)")
    parser.add_argument("--reason", default="", help="stands in the signature")
    _add_place_arguments(parser)
    parser.add_argument("--issue-id", help="the same id again gives the same document (default: a new one)")
    parser.set_defaults(run=_seal)


def _add_place_arguments(parser: argparse.ArgumentParser) -> None:
    places = parser.add_argument_group("places", "of the first seal's picture; none: it is invisible. Millimetres.")
    places.add_argument(
        "--box", action="append", type=_box, default=[], metavar="PAGE:X:Y:WIDTH", help="its centre, from the top left"
    )
    places.add_argument("--keyword", action="append", default=[], metavar="TEXT", help="on this text")
    places.add_argument("--every", action="store_true", help="on every occurrence of the keyword")
    places.add_argument(
        "--width", type=float, default=40.0, metavar="MM", help="of the picture on a keyword (default: 40)"
    )
    places.add_argument(
        "--cross-page", action="append", type=_cross_page, default=[], metavar="Y:WIDTH", help="骑缝章, over all pages"
    )


def _numbers(text: str, count: int) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(":")]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise argparse.ArgumentTypeError(f"{count} numbers with colons between, not {text!r}")
    return numbers


def _box(text: str) -> wire.SealPlace:
    page, x, y, width = _numbers(text, 4)
    return wire.SealPlace(box=wire.SealPlace.Box(page=int(page), x_mm=x, y_mm=y, width_mm=width))


def _cross_page(text: str) -> wire.SealPlace:
    y, width = _numbers(text, 2)
    return wire.SealPlace(cross_page=wire.SealPlace.CrossPage(y_mm=y, width_mm=width))


def _seal(options: argparse.Namespace) -> ExitStatus:
    keywords = [
        wire.SealPlace(keyword=wire.SealPlace.Keyword(text=text, width_mm=options.width, every=options.every))
        for text in options.keyword
    ]
    places = [*options.box, *keywords, *options.cross_page]
    profile = wire.Seal.Profile.Value(f"PROFILE_{options.seal_profile or 'UNSPECIFIED'}")
    seals = [
        wire.Seal(key=key, profile=profile, reason=options.reason, places=[] if position else places)
        for position, key in enumerate(options.key or [""])
    ]
    issue_id = options.issue_id or str(uuid.uuid4())
    request = wire.SealDocumentRequest(pdf=read_file(options.file), seals=seals, issue_id=issue_id)
    with connect(options) as connection:
        answer = connection.call(connection.documents.SealDocument, request)
    write_file(options.out, answer.pdf)
    if options.out != "-":
        values = {
            "issue_id": issue_id,
            "document_id": answer.document_id,
            "bytes": len(answer.pdf),
            "file": options.out,
        }
        say(
            options,
            values,
            [
                f"已盖章 sealed: {options.file} → {options.out}",
                f"  issue_id {issue_id}, document_id {answer.document_id}",
            ],
        )
    return ExitStatus.OK
