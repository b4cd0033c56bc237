"""`signer evidence create|show|compare`: packs for the assessor, made on the appliance's machine, sealed by the appliance."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signer.cli.arguments import Commands, add_client_arguments, add_command, client_profile
from signer.cli.evidence_report import comparison_lines, comparison_values, pack_lines
from signer.cli.output import ExitStatus, LocalError, say, write_file
from signer.cli.remote import appliance

if TYPE_CHECKING:
    from signer.evidence.pack_file import LoadedPack

_CREATE = """\
  signer evidence create --config signer.toml --profile clients/core/profile.toml --out evidence-2026-11
  signer evidence create --config signer.toml --profile clients/core/profile.toml --out evidence-2026-12 \\
      --previous evidence-2026-11 --test-results junit.xml"""
_SHOW = "  signer evidence show evidence-2026-11 --profile clients/core/profile.toml"
_COMPARE = "  signer evidence compare evidence-2026-11 evidence-2026-12 --profile clients/core/profile.toml"
_OFFLINE = "do not ask the appliance whether the PDF is its own: the seal stays unverified"


def add_commands(commands: Commands) -> None:
    """Adds `evidence` with its verbs."""
    evidence = commands.add_parser("evidence", help="测评证据 · packs for the assessor")
    verbs = evidence.add_subparsers(dest="verb", required=True)
    create = add_command(verbs, "create", "生成证据包并签章 · look at the system, write and seal a pack", _CREATE)
    create.add_argument("--config", type=Path, required=True, help="signer.toml of the running appliance")
    create.add_argument("--out", type=Path, required=True, metavar="DIR", help="gets evidence.json and evidence.pdf")
    create.add_argument("--previous", type=Path, metavar="PACK", help="the pack before: proves that the log only grew")
    create.add_argument("--test-results", type=Path, metavar="FILE", help="JUnit XML, or JSON with its counts")
    create.set_defaults(run=_create)
    show = add_command(verbs, "show", "显示证据包 · what a pack says, and whether it is sealed", _SHOW)
    show.add_argument("pack", type=Path, help="a pack's folder, evidence.json or evidence.pdf")
    show.set_defaults(run=_show)
    compare = add_command(verbs, "compare", "比较两份证据包 · what a change changed", _COMPARE)
    compare.add_argument("old", type=Path, help="the older pack: folder, JSON or PDF")
    compare.add_argument("new", type=Path, help="the newer pack")
    compare.set_defaults(run=_compare)
    for parser in (create, show, compare):
        add_client_arguments(parser)
    for parser in (show, compare):
        parser.add_argument("--offline", action="store_true", help=_OFFLINE)


def _create(options: argparse.Namespace) -> ExitStatus:
    from signer.app.evidence_surroundings import surroundings_of
    from signer.config import load_config
    from signer.evidence.canonical import canonical
    from signer.evidence.pack import TEMPLATE, make_pack
    from signer.evidence.pack_file import JSON_NAME, PDF_NAME

    config, profile = load_config(options.config), client_profile(options)
    if options.test_results is not None and not options.test_results.is_file():
        raise LocalError(f"{options.test_results}: there is no such file")
    with appliance(options) as remote:
        remote.list_keys()  # nothing is written where nobody could seal it
        previous = _sealed(_load(options.previous, remote.verify_document)).values if options.previous else None
        _prepare(options.out)
        checkpoint = "\n".join(previous["log"]["checkpoint"]) if previous else None
        surroundings = surroundings_of(
            config, profile, remote, previous_checkpoint=checkpoint, test_results=options.test_results
        )
        pack = make_pack(surroundings, datetime.now(UTC), previous=previous)
        text = canonical(pack)
        # First what was seen: it is kept also where the appliance can't seal now.
        write_file(str(options.out / JSON_NAME), text.encode())
        number = pack["pack"]["number"]
        issued = remote.issue(TEMPLATE, text, number, "签发测评证据包")
    write_file(str(options.out / PDF_NAME), issued.pdf)
    values = {
        "number": number,
        "json": str(options.out / JSON_NAME),
        "pdf": str(options.out / PDF_NAME),
        "document_id": issued.document_id,
        "sm3": issued.sm3.hex(),
        "summary": pack["summary"],
    }
    lines = [f"已生成并签章 made and sealed: {number} → {options.out}", *pack_lines(pack)]
    say(options, values, lines)
    return ExitStatus.OK


def _prepare(folder: Path) -> None:
    """A folder that holds no other pack. Raises LocalError."""
    from signer.evidence.pack_file import JSON_NAME, PDF_NAME

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise LocalError(f"{folder}: can't be made ({problem.strerror})") from None
    for name in (JSON_NAME, PDF_NAME):
        if (folder / name).exists():
            raise LocalError(f"{folder / name} is there already; give every pack a folder of its own")


def _show(options: argparse.Namespace) -> ExitStatus:
    from signer.evidence.pack_file import Seal

    (loaded,) = _load_all(options, [options.pack])
    values = {"seal": loaded.seal.value, "why": loaded.why, "pack": loaded.values}
    say(options, values, [*_seal_lines(loaded), *pack_lines(loaded.values)])
    return ExitStatus.NOT_PASSED if loaded.seal is Seal.WRONG else ExitStatus.OK


def _compare(options: argparse.Namespace) -> ExitStatus:
    from signer.evidence.compare import Growth, compare
    from signer.evidence.pack_file import Seal

    old, new = _load_all(options, [options.old, options.new])
    found = compare(old.values, new.values)
    values = {
        "old": {"number": old.values["pack"]["number"], "seal": old.seal.value, "why": old.why},
        "new": {"number": new.values["pack"]["number"], "seal": new.seal.value, "why": new.why},
        **comparison_values(found),
    }
    lines = [
        f"旧 old {old.values['pack']['number']} ({old.values['pack']['created_at']})",
        *_seal_lines(old),
        f"新 new {new.values['pack']['number']} ({new.values['pack']['created_at']})",
        *_seal_lines(new),
        *comparison_lines(found),
    ]
    say(options, values, lines)
    wrong = Seal.WRONG in (old.seal, new.seal) or found.growth is Growth.BROKEN
    return ExitStatus.NOT_PASSED if wrong else ExitStatus.OK


def _load_all(options: argparse.Namespace, places: list[Path]) -> list[LoadedPack]:
    if options.offline:
        return [_load(place, None) for place in places]
    with appliance(options) as remote:
        return [_load(place, remote.verify_document) for place in places]


def _load(place: Path, verify: Any) -> LoadedPack:
    from signer.evidence.pack_file import load_pack

    return load_pack(place, verify)


def _sealed(loaded: LoadedPack) -> LoadedPack:
    """A pack whose seal the appliance confirmed. Raises LocalError."""
    from signer.evidence.pack_file import Seal

    if loaded.seal is not Seal.VERIFIED:
        told = loaded.why or loaded.seal.value
        raise LocalError(
            f"the previous pack's seal is not verified ({told}); give its folder or its PDF as it was made"
        )
    return loaded


def _seal_lines(loaded: LoadedPack) -> list[str]:
    told = {
        "verified": "签章有效，由本系统签发 · sealed by this appliance",
        "not-asked": "签章未核实 · the seal was not verified (--offline)",
        "no-pdf": "没有签章的 PDF，内容无从核实 · no sealed PDF: nothing shows who wrote this",
        "wrong": f"证据包被改动或不属于本系统 · changed, or not this appliance's: {loaded.why}",
    }[loaded.seal.value]
    return [f"  {told}"]
