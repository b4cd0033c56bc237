"""`signer audit verify|fsck`: the log, judged from its files and its public key alone; and the other verbs of `signer audit`."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from signer.audit.checkpoint import Checkpoint, NoteKey
from signer.audit.cosigned_heads import WitnessedHead
from signer.audit.receipt import SignedTree
from signer.cli import audit_archive, audit_export, audit_prove, audit_timestamp, audit_witness
from signer.cli.arguments import Commands, add_command
from signer.cli.audit_log import (
    add_log_arguments,
    judged,
    log_and_key,
    not_passed,
    read_remembered,
    read_witnesses,
)
from signer.cli.output import ExitStatus, LocalError, say

_VERIFY = """\
  signer audit verify --log state/log --key log.pem --remembered checkpoint-of-last-month
  signer audit verify --log state/log --key log.pem --witness auditor=auditor.pub --require 1
  signer audit verify --log state/log --key log.pem --timestamps --timestamp-anchor authority.pem"""
_FSCK = "  signer audit fsck --log state/log --key log.pem --journal --archive /mnt/log-archive"


def add_commands(commands: Commands) -> None:
    """Adds `audit` with its verbs."""
    audit = commands.add_parser("audit", help="审计日志 · the tamper-evident log")
    verbs = audit.add_subparsers(dest="verb", required=True)
    summary = "验证签名树头、一致性、见证与时间戳 · the signed head, that the log only grew, witnesses, timestamps"
    verify = add_command(verbs, "verify", summary, _VERIFY)
    _add_arguments(verify)
    verify.add_argument(
        "--witness", action="append", default=[], metavar="NAME=FILE", help="a witness's public key (PEM)"
    )
    verify.add_argument("--require", type=int, default=0, metavar="N", help="so many of them must have cosigned")
    verify.add_argument("--timestamps", action="store_true", help="verify the timestamps beside the log")
    verify.add_argument("--timestamp-anchor", type=Path, metavar="FILE", help="trust anchors of the authority (PEM)")
    verify.set_defaults(run=_verify)
    fsck = add_command(verbs, "fsck", "逐条检查日志文件 · every entry, tile and checkpoint", _FSCK)
    _add_arguments(fsck)
    fsck.add_argument("--journal", action="store_true", help="compare the journal, too (the log writer stopped)")
    fsck.set_defaults(run=_fsck)
    for module in (audit_prove, audit_witness, audit_timestamp, audit_export, audit_archive):
        module.add_verbs(verbs)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_log_arguments(parser)
    parser.add_argument(
        "--remembered",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a checkpoint that was kept elsewhere",
    )


def _verify(options: argparse.Namespace) -> ExitStatus:
    folder, key = log_and_key(options)
    tree = SignedTree(folder, key, witnesses=read_witnesses(options.witness))
    tree.checkpoint()
    return judged(options, partial(_verify_all, options, folder, key, tree, read_remembered(options, key)))


def _verify_all(
    options: argparse.Namespace, folder: Path, key: NoteKey, tree: SignedTree, remembered: list[Checkpoint]
) -> ExitStatus:
    checkpoint = tree.checkpoint()
    for known in remembered:
        _verify_grown(tree, known, checkpoint)
    heads = tree.cosigned.heads()
    for head in heads:
        _verify_grown(tree, head.checkpoint, checkpoint)
    if len(heads) < options.require:
        message = f"{len(heads)} of the named witnesses have cosigned, {options.require} are required"
        return not_passed(options, [("not-witnessed", "cosigned", message)])
    stamps = _verify_timestamps(options, folder, key)
    values = {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}
    say(
        options,
        {
            **values,
            "consistent_with": [known.size for known in remembered],
            "witnesses": [_described(head) for head in heads],
            "timestamps": stamps,
        },
        [
            f"日志 log {checkpoint.origin}: {checkpoint.size} 条记录 entries, 树头 root {checkpoint.root.hex()}",
            *(
                f"见证 witness {head.cosignature.witness}: {head.checkpoint.size} 条 entries, {head.cosignature.moment}"
                for head in heads
            ),
            *(
                f"时间戳 timestamp: {stamp['size']} 条 entries, {stamp['moment']}, {stamp['authority']}"
                for stamp in stamps
            ),
            "验证通过 · verified",
        ],
    )
    return ExitStatus.OK


def _verify_grown(tree: SignedTree, known: Checkpoint, checkpoint: Checkpoint) -> None:
    from signer.audit.merkle import SM3, verify_consistency
    from signer.errors import ConfigurationError, Reason

    if known.size > checkpoint.size:
        raise ConfigurationError(
            Reason.LOG_ROLLED_BACK, f"{known.size} entries are known, the log has {checkpoint.size}", "Keep both."
        )
    proof = tree.consistency(known.size, checkpoint)
    verify_consistency(SM3, known.size, known.root, checkpoint.size, checkpoint.root, proof)


def _verify_timestamps(options: argparse.Namespace, folder: Path, key: NoteKey) -> list[dict[str, object]]:
    if not options.timestamps:
        return []
    if options.timestamp_anchor is None:
        raise LocalError("--timestamps wants --timestamp-anchor FILE")
    from signer.app.log_timestamps import verify_stamped_heads
    from signer.certificates import TrustStore

    stamps = verify_stamped_heads(folder, key, TrustStore.from_files([options.timestamp_anchor]))
    if not stamps:
        raise LocalError("there are no timestamps beside the log")
    return [
        {
            "size": stamp.checkpoint.size,
            "moment": stamp.evidence.moment.isoformat(),
            "authority": stamp.evidence.authority,
        }
        for stamp in stamps
    ]


def _described(head: WitnessedHead) -> dict[str, object]:
    return {
        "witness": head.cosignature.witness,
        "size": head.checkpoint.size,
        "moment": head.cosignature.moment.isoformat(),
    }


def _fsck(options: argparse.Namespace) -> ExitStatus:
    from signer.audit.fsck import inspect_log

    folder, key = log_and_key(options)
    journal = folder / "log" if options.journal else None
    remembered = read_remembered(options, key)
    found = inspect_log(folder, key, remembered=remembered, journal=journal, archives=options.archive)
    if found.damages:
        return not_passed(options, [(item.code, item.where, item.message) for item in found.damages])
    lines = [f"{found.entries} 条记录完好 · entries are sound"]
    if found.archived:
        lines.append(
            f"另有 {found.archived} 条已归档，未逐条检查 · more are archived; their hashes were taken (--archive DIR checks them)"
        )
    say(options, {"entries": found.entries, "archived": found.archived, "damages": []}, lines)
    return ExitStatus.OK
