"""Receipts in one JSON file that anybody can check with the log's public key alone: entry, signed head, inclusion proof.

The file has one form: a text that says the same in other bytes is refused, so that no byte of it can be changed. What it does not say is
which document an entry belongs to: entries hold keyed digests, which only the appliance can make again (`signer audit prove FILE`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from signer.algorithms import PublicKey
from signer.audit.checkpoint import CheckpointError, NoteKey, verify_checkpoint
from signer.audit.cosignature import Cosignature, WitnessKey, refuse_strange_lines, verify_cosignatures
from signer.audit.receipt import ProvenReceipt
from signer.errors import Reason, RequestError

FORMAT = "signer-log-receipts-1"
MAX_BYTES = 16 * 1024 * 1024
_RECEIPT = {"log_id", "index", "entry", "checkpoint", "inclusion_proof"}


def encode_bundle(receipts: Sequence[ProvenReceipt]) -> bytes:
    """The file's bytes. Entries are UTF-8 text, as all that the appliance writes."""
    return _canonical(
        {
            "format": FORMAT,
            "receipts": [
                {
                    "log_id": receipt.checkpoint.origin,
                    "index": receipt.index,
                    "entry": receipt.entry.decode(),
                    "checkpoint": receipt.checkpoint.text,
                    "inclusion_proof": [node.hex() for node in receipt.proof],
                }
                for receipt in receipts
            ],
        }
    )


def verify_bundle(
    content: bytes, public_key: PublicKey, *, origin: str | None = None, witnesses: Sequence[WitnessKey] = ()
) -> list[tuple[ProvenReceipt, tuple[Cosignature, ...]]]:
    """Every receipt with the witnesses that cosigned its head. `origin` None: the log that the file names.

    Raises:
        RequestError: INPUT_MALFORMED, not such a file, or not in its one form.
        CheckpointError: a head that the key did not sign, or a signature line of somebody whose key was not given.
        ProofError: an entry is not under its head.
    """
    values = _parse(content)
    return [_verify(item, public_key, origin, witnesses) for item in values["receipts"]]


def _verify(
    values: dict[str, Any], public_key: PublicKey, origin: str | None, witnesses: Sequence[WitnessKey]
) -> tuple[ProvenReceipt, tuple[Cosignature, ...]]:
    key = NoteKey(values["log_id"] if origin is None else origin, public_key)
    if values["log_id"] != key.name:
        raise CheckpointError(f"a receipt of the log {values['log_id']!r}, not of {key.name!r}")
    text = values["checkpoint"]
    checkpoint = verify_checkpoint(text, key.name, key)
    refuse_strange_lines(text, key, witnesses)
    proof = tuple(bytes.fromhex(node) for node in values["inclusion_proof"])
    receipt = ProvenReceipt(values["index"], values["entry"].encode(), checkpoint, proof)
    receipt.verify()
    return receipt, verify_cosignatures(text, witnesses)


def _parse(content: bytes) -> dict[str, Any]:
    if len(content) > MAX_BYTES:
        raise _malformed("larger than 16 MiB")
    try:
        values = json.loads(content)
        sound = _has_form(values) and _canonical(values) == content
    except (ValueError, RecursionError):
        sound = False
    if not sound:
        raise _malformed("not receipts as signer audit prove writes them, byte for byte")
    checked: dict[str, Any] = values
    return checked


def _has_form(values: Any) -> bool:
    if not isinstance(values, dict) or set(values) != {"format", "receipts"} or values["format"] != FORMAT:
        return False
    receipts = values["receipts"]
    return isinstance(receipts, list) and bool(receipts) and all(_is_receipt(item) for item in receipts)


def _is_receipt(item: Any) -> bool:
    if not isinstance(item, dict) or set(item) != _RECEIPT:
        return False
    proof = item["inclusion_proof"]
    return (
        type(item["index"]) is int
        and all(isinstance(item[name], str) for name in ("log_id", "entry", "checkpoint"))
        and isinstance(proof, list)
        and all(isinstance(node, str) and bytes.fromhex(node).hex() == node for node in proof)
    )


def _canonical(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def _malformed(what: str) -> RequestError:
    return RequestError(Reason.INPUT_MALFORMED, what, "Take the file as it was written.")
