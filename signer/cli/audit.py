"""`signer audit verify|fsck|prove`: the log, judged from its files and its public key alone; nothing is asked of the service."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from signer.audit.checkpoint import Checkpoint, NoteKey
from signer.cli.arguments import Commands, add_command
from signer.cli.output import ExitStatus, LocalError, say

_VERIFY = "  signer audit verify --log state/log --key log.pem --remembered checkpoint-of-last-month"
_FSCK = "  signer audit fsck --log state/log --key log.pem --journal"
_PROVE = "  signer audit prove --log state/log --key log.pem 1234 --json > receipt.json"


def add_commands(commands: Commands) -> None:
    """Adds `audit` with its verbs."""
    audit = commands.add_parser("audit", help="审计日志 · the tamper-evident log")
    verbs = audit.add_subparsers(dest="verb", required=True)
    verify = add_command(
        verbs, "verify", "验证签名树头及其一致性 · the signed tree head, and that the log only grew", _VERIFY
    )
    _add_log(verify)
    verify.set_defaults(run=_verify)
    fsck = add_command(verbs, "fsck", "逐条检查日志文件 · every entry, tile and checkpoint", _FSCK)
    _add_log(fsck)
    fsck.add_argument("--journal", action="store_true", help="compare the journal, too (the log writer stopped)")
    fsck.set_defaults(run=_fsck)
    prove = add_command(verbs, "prove", "证明一条记录在日志中 · that an entry is in the log", _PROVE)
    _add_log(prove)
    prove.add_argument("index", type=int, help="the entry's place, as its receipt says")
    prove.set_defaults(run=_prove)


def _add_log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--log", type=Path, required=True, help="the log's directory")
    parser.add_argument("--key", type=Path, required=True, help="the log's public key (PEM)")
    parser.add_argument("--origin", help="the log's name; default: what its checkpoint says")
    parser.add_argument(
        "--remembered",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a checkpoint that was kept elsewhere",
    )


def _verify(options: argparse.Namespace) -> ExitStatus:
    from signer.audit.merkle import SM3, verify_consistency
    from signer.audit.receipt import SignedTree
    from signer.errors import SignerError

    key, remembered = _key_and_remembered(options)
    tree = SignedTree(options.log, key)
    checkpoint = tree.checkpoint()
    try:
        for known in remembered:
            if known.size > checkpoint.size:
                message = f"{known.size} entries are known, the log has {checkpoint.size}"
                return _not_passed(options, [("rolled-back", "checkpoint", message)])
            proof = tree.consistency(known.size, checkpoint)
            verify_consistency(SM3, known.size, known.root, checkpoint.size, checkpoint.root, proof)
    except SignerError as problem:
        return _not_passed(options, [(problem.reason.value, "checkpoint", problem.message)])
    values = {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}
    say(
        options,
        {**values, "consistent_with": [known.size for known in remembered]},
        [
            f"日志 log {checkpoint.origin}: {checkpoint.size} 条记录 entries, 树头 root {checkpoint.root.hex()}",
            "验证通过 · verified",
        ],
    )
    return ExitStatus.OK


def _fsck(options: argparse.Namespace) -> ExitStatus:
    from signer.audit.fsck import inspect_log

    key, remembered = _key_and_remembered(options)
    journal = options.log / "log" if options.journal else None
    found = inspect_log(options.log, key, remembered=remembered, journal=journal)
    if found.damages:
        return _not_passed(options, [(item.code, item.where, item.message) for item in found.damages])
    say(options, {"entries": found.entries, "damages": []}, [f"{found.entries} 条记录完好 · entries are sound"])
    return ExitStatus.OK


def _prove(options: argparse.Namespace) -> ExitStatus:
    from signer.audit.receipt import SignedTree

    key, _ = _key_and_remembered(options)
    receipt = SignedTree(options.log, key).receipt(options.index)
    entry = json.loads(receipt.entry)
    values = {
        "log_id": key.name,
        "index": receipt.index,
        "entry": receipt.entry.decode(),
        "checkpoint": receipt.checkpoint.text,
        "inclusion_proof": [node.hex() for node in receipt.proof],
    }
    lines = [
        f"记录 entry {receipt.index}: {json.dumps(entry, ensure_ascii=False)}",
        f"在 {receipt.checkpoint.size} 条记录的树头之下 · under the signed head of {receipt.checkpoint.size} entries:",
        *(f"  {node.hex()}" for node in receipt.proof),
        "证明成立 · the proof holds",
    ]
    say(options, values, lines)
    return ExitStatus.OK


def _key_and_remembered(options: argparse.Namespace) -> tuple[NoteKey, list[Checkpoint]]:
    """The log's key, and what others remember of it, signatures verified. Raises LocalError, ConfigurationError, CheckpointError."""
    from signer.audit.checkpoint import load_note_key, read_checkpoint, verify_checkpoint

    try:
        origin = options.origin or read_checkpoint((options.log / "checkpoint").read_text(encoding="utf-8")).origin
        key = load_note_key(options.key, origin)
        texts = [file.read_text(encoding="utf-8") for file in options.remembered]
    except (OSError, UnicodeDecodeError) as problem:
        raise LocalError(f"a checkpoint can't be read: {problem}") from None
    return key, [verify_checkpoint(text, origin, key) for text in texts]


def _not_passed(options: argparse.Namespace, damages: list[tuple[str, str, str]]) -> ExitStatus:
    values = {"damages": [{"code": code, "where": where, "message": message} for code, where, message in damages]}
    lines = [f"{code}  {where}: {message}" for code, where, message in damages]
    say(options, values, [*lines, "日志已被改动 · the log was tampered with: keep these files as evidence"])
    return ExitStatus.NOT_PASSED
