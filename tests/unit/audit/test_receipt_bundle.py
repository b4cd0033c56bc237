"""Receipts in a file: anybody checks them with the log's public key alone, and no byte of them can be another (T13)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import pem
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.algorithms import SignMessage
from signer.audit.checkpoint import CheckpointError, NoteKey
from signer.audit.cosignature import WitnessKey, cosign_checkpoint
from signer.audit.receipt import SignedTree
from signer.audit.receipt_bundle import encode_bundle, verify_bundle
from signer.cli.__main__ import main
from signer.errors import SignerError
from tests.merkle_logs import grown, new_log_key, new_witness_key, same_length_entries


@pytest.fixture(scope="module")
def key() -> tuple[NoteKey, SignMessage]:
    return new_log_key("log.example")


@pytest.fixture(scope="module")
def auditor() -> tuple[WitnessKey, SignMessage]:
    return new_witness_key("auditor")


@pytest.fixture(scope="module")
def tree(
    tmp_path_factory: pytest.TempPathFactory, key: tuple[NoteKey, SignMessage], auditor: tuple[WitnessKey, SignMessage]
) -> SignedTree:
    folder = tmp_path_factory.mktemp("log")
    grown(folder, key, same_length_entries(400))
    signed = SignedTree(folder, key[0], witnesses=[auditor[0]])
    text = signed.checkpoint().text
    signed.add_cosignatures(text + cosign_checkpoint(text, auditor[0], auditor[1], datetime.now(UTC)).line)
    return signed


@pytest.fixture(scope="module")
def bundle(tree: SignedTree) -> bytes:
    return encode_bundle([tree.receipt(index, cosigned=True) for index in (0, 399)])


def test_receipts_are_verified_with_their_witnesses(
    bundle: bytes, key: tuple[NoteKey, SignMessage], auditor: tuple[WitnessKey, SignMessage]
) -> None:
    found = verify_bundle(bundle, key[0].public_key, witnesses=[auditor[0]])
    assert [receipt.entry for receipt, _ in found] == [b"entry 000000", b"entry 000399"]
    assert [[item.witness for item in cosignatures] for _, cosignatures in found] == [["auditor"]] * 2
    with pytest.raises(CheckpointError, match="whose key was not given"):
        verify_bundle(bundle, key[0].public_key)
    with pytest.raises(CheckpointError, match="not of 'another'"):
        verify_bundle(bundle, key[0].public_key, origin="another", witnesses=[auditor[0]])
    with pytest.raises(CheckpointError, match="not signed by"):
        verify_bundle(bundle, auditor[0].public_key, witnesses=[auditor[0]])


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_no_changed_byte_passes(
    bundle: bytes, key: tuple[NoteKey, SignMessage], auditor: tuple[WitnessKey, SignMessage], data: st.DataObject
) -> None:
    changed = bytearray(bundle)
    place = data.draw(st.integers(0, len(changed) - 1))
    if data.draw(st.booleans()):
        changed[place] ^= data.draw(st.integers(1, 255))
    elif data.draw(st.booleans()):
        changed.insert(place, data.draw(st.integers(0, 255)))
    else:
        del changed[place]
    if bytes(changed) == bundle:  # a byte put in beside an equal one
        return
    with pytest.raises(SignerError):
        verify_bundle(bytes(changed), key[0].public_key, witnesses=[auditor[0]])


_CHANGES: list[Callable[[dict[str, Any]], object]] = [
    lambda values: values.update(extra=1),
    lambda values: values.update(receipts=[]),
    lambda values: values.update(format="signer-log-receipts-2"),
    lambda values: values["receipts"][0].update(index=True),
    lambda values: values["receipts"][0].update(index=1),
    lambda values: values["receipts"][0].update(index=-1),
    lambda values: values["receipts"][0].update(entry="entry 000001"),
    lambda values: values["receipts"][0].update(inclusion_proof="00"),
    lambda values: values["receipts"][0].update(inclusion_proof=["zz"]),
    lambda values: values["receipts"][0]["inclusion_proof"].append("00" * 32),
    lambda values: values["receipts"][0].pop("log_id"),
    lambda values: values.update(receipts=[None]),
]


@pytest.mark.parametrize("change", _CHANGES)
def test_another_content_in_the_right_form_is_refused(
    bundle: bytes,
    key: tuple[NoteKey, SignMessage],
    auditor: tuple[WitnessKey, SignMessage],
    change: Callable[[dict[str, Any]], object],
) -> None:
    values = json.loads(bundle)
    change(values)
    text = (json.dumps(values, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()
    with pytest.raises(SignerError):
        verify_bundle(text, key[0].public_key, witnesses=[auditor[0]])


def test_the_command_needs_the_file_and_the_key_alone(
    bundle: bytes,
    key: tuple[NoteKey, SignMessage],
    auditor: tuple[WitnessKey, SignMessage],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, public in (("log.pem", key[0].public_key), ("auditor.pub", auditor[0].public_key)):
        (tmp_path / name).write_bytes(pem.armor("PUBLIC KEY", public.spki))
    file = tmp_path / "receipts.json"
    file.write_bytes(bundle)
    command = ["audit", "verify-receipt", str(file), "--key", str(tmp_path / "log.pem")]
    witness = ["--witness", f"auditor={tmp_path / 'auditor.pub'}"]
    assert main([*command, *witness, "--require", "1"]) == 0
    assert "验证通过" in capsys.readouterr().out
    assert main([*command, *witness, "--require", "2"]) == 1
    assert main(command) == 1
    assert main([*command, "--witness", "auditor"]) == 5
    file.write_bytes(bundle.replace(b"entry 000399", b"entry 000398"))
    assert main([*command, *witness, "--json"]) == 1
    file.write_bytes(b"{}")
    assert main(command) == 1
