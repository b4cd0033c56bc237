"""`signer audit prove|verify-receipt`: receipts of entries and of documents as a file, and their check by anybody."""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path

from signer.audit.receipt import ProvenReceipt, SignedTree
from signer.cli.arguments import Commands, add_command
from signer.cli.audit_log import add_config_argument, add_log_arguments, judged, load, log_and_key, read_witnesses
from signer.cli.output import ExitStatus, LocalError, read_file, say, write_file

_PROVE = """\
  signer audit prove --log state/log --key log.pem 1234 --json > receipt.json
  signer audit prove --config signer.toml policy.pdf --out receipts.json
  signer audit prove --config signer.toml DOCUMENT_ID --out receipts.json --cosigned"""
_VERIFY = """\
  signer audit verify-receipt receipts.json --key log.pem
  signer audit verify-receipt receipts.json --key log.pem --witness auditor=auditor.pub"""


def add_verbs(verbs: Commands) -> None:
    """Adds the two verbs."""
    summary = "证明一条记录或一份文件的签章在日志中 · that an entry, or a document's seal, is in the log"
    prove = add_command(verbs, "prove", summary, _PROVE)
    add_log_arguments(prove, required=False)
    add_config_argument(prove, required=False)
    prove.add_argument("target", metavar="INDEX|DOCUMENT_ID|FILE", help="an entry's place, a document's id, or its PDF")
    prove.add_argument("--out", metavar="FILE", help="write the receipts for verify-receipt")
    prove.add_argument("--cosigned", action="store_true", help="towards a head that a witness cosigned (--config)")
    prove.set_defaults(run=_prove)
    verify = add_command(
        verbs, "verify-receipt", "离线验证回执 · receipts from a file and the log's public key alone", _VERIFY
    )
    verify.add_argument("file", help='what `prove --out` wrote ("-": standard input)')
    verify.add_argument("--key", type=Path, required=True, help="the log's public key (PEM)")
    verify.add_argument("--origin", help="the log that it must be of; default: what the file says")
    verify.add_argument(
        "--witness", action="append", default=[], metavar="NAME=FILE", help="a witness's public key (PEM)"
    )
    verify.add_argument(
        "--require", type=int, default=0, metavar="N", help="so many of them must have cosigned each head"
    )
    verify.set_defaults(run=_verify_receipt)


def _prove(options: argparse.Namespace) -> ExitStatus:
    return judged(options, partial(_prove_entry if options.target.isdecimal() else _prove_document, options))


def _prove_entry(options: argparse.Namespace) -> ExitStatus:
    receipt = _tree(options).receipt(int(options.target), cosigned=options.cosigned)
    entry = json.loads(receipt.entry)
    values = {
        "log_id": receipt.checkpoint.origin,
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
    _write(options, [receipt])
    say(options, values, lines)
    return ExitStatus.OK


def _prove_document(options: argparse.Namespace) -> ExitStatus:
    if options.config is None:
        raise LocalError("a document is looked up in the appliance's database: give --config")
    from signer.app.document_proof import prove_document

    file = Path(options.target)
    pdf = read_file(options.target) if file.is_file() else b""
    proof = prove_document(
        load(options), _tree(options), document_id="" if pdf else options.target, pdf=pdf, cosigned=options.cosigned
    )
    if proof.seal_matches is False:
        say(options, {"seal_matches": False}, ["日志中没有这枚签章的记录 · no entry is of this file's seal"])
        return ExitStatus.NOT_PASSED
    indexes = [receipt.index for receipt in proof.receipts]
    _write(options, proof.receipts)
    say(
        options,
        {
            "document_id": proof.document.document_id,
            "number": proof.document.number,
            "seal_matches": proof.seal_matches,
            "receipts": [{"index": item.index, "entry": json.loads(item.entry)} for item in proof.receipts],
            "file": options.out,
        },
        [
            f"文件 document {proof.document.document_id}, {proof.document.number}",
            f"签章记录 entries {', '.join(map(str, indexes))}: 证明成立 · the proofs hold",
            *(["记录与文件上的签章一致 · the entry is of the seal in the file"] if proof.seal_matches else []),
            *([f"回执 receipts → {options.out}"] if options.out else []),
        ],
    )
    return ExitStatus.OK


def _verify_receipt(options: argparse.Namespace) -> ExitStatus:
    return judged(options, partial(_judge_bundle, options))


def _judge_bundle(options: argparse.Namespace) -> ExitStatus:
    from signer.audit.checkpoint import load_public_key_file
    from signer.audit.receipt_bundle import verify_bundle
    from signer.errors import RequestError

    content = read_file(options.file)
    key, witnesses = load_public_key_file(options.key), read_witnesses(options.witness)
    try:
        receipts = verify_bundle(content, key, origin=options.origin, witnesses=witnesses)
    except RequestError as problem:
        return _refused(options, problem.message)
    for receipt, cosignatures in receipts:
        if len(cosignatures) < options.require:
            return _refused(options, f"entry {receipt.index}: {len(cosignatures)} of {options.require} witnesses")
    values = [
        {
            "log_id": receipt.checkpoint.origin,
            "index": receipt.index,
            "size": receipt.checkpoint.size,
            "entry": receipt.entry.decode(),
            "witnesses": {item.witness: item.moment.isoformat() for item in cosignatures},
        }
        for receipt, cosignatures in receipts
    ]
    lines = [
        f"日志 log {receipt.checkpoint.origin}, 记录 entry {receipt.index}: {receipt.entry.decode()}"
        + "".join(f"\n  见证 witness {item.witness}, {item.moment}" for item in cosignatures)
        for receipt, cosignatures in receipts
    ]
    say(options, {"receipts": values}, [*lines, "验证通过 · verified"])
    return ExitStatus.OK


def _refused(options: argparse.Namespace, message: str) -> ExitStatus:
    say(options, {"refused": message}, [f"验证未通过 · not verified: {message}"])
    return ExitStatus.NOT_PASSED


def _tree(options: argparse.Namespace) -> SignedTree:
    from signer.audit.cosignature import load_witness_keys

    folder, key = log_and_key(options)
    witnesses = load(options).log.witnesses if options.cosigned and options.config is not None else ()
    keys = load_witness_keys((item.name, item.public_key_file) for item in witnesses)
    return SignedTree(folder, key, witnesses=keys, archives=options.archive)


def _write(options: argparse.Namespace, receipts: list[ProvenReceipt] | tuple[ProvenReceipt, ...]) -> None:
    from signer.audit.receipt_bundle import encode_bundle

    if options.out:
        write_file(options.out, encode_bundle(receipts))
