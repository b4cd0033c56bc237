"""Receipts of real signatures, proven towards signed checkpoints over gRPC and from the files, by our code and by the definition."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from signer.audit.checkpoint import NoteKey, load_note_key, verify_checkpoint
from signer.audit.merkle import SM3, verify_consistency, verify_inclusion
from signer.client import Connection, RemoteError
from signer.v1 import audit_pb2, types_pb2
from signer.v1 import signing_pb2 as sig
from signer.v1.audit_pb2_grpc import AuditServiceStub
from tests.conftest import RunningAppliance

T = TypeVar("T")


def _sign(connection: Connection) -> types_pb2.LogReceipt:
    return connection.call(connection.signing.Sign, sig.SignRequest(key="message-sm2", message=b"m")).receipt


def _soon(call: Callable[[], T]) -> T:
    """As a caller does it: UNAVAILABLE until a checkpoint covers the entry."""
    until = time.monotonic() + 20
    while True:
        try:
            return call()
        except RemoteError as problem:
            if (problem.status, problem.reason) != ("UNAVAILABLE", "LOG_BEHIND") or time.monotonic() > until:
                raise
            time.sleep(0.1)


@pytest.fixture(scope="module")
def key(appliance: RunningAppliance, connection: Connection) -> NoteKey:
    return load_note_key(appliance.directory / "log.pem", _sign(connection).log_id)


def test_a_receipt_is_proven_towards_a_signed_checkpoint(connection: Connection, key: NoteKey) -> None:
    audit = AuditServiceStub(connection.channel)
    given = _sign(connection)
    request = audit_pb2.GetReceiptRequest(log_id=given.log_id, index=given.index)
    receipt = _soon(lambda: connection.call(audit.GetReceipt, request))
    assert receipt.entry == given.entry
    checkpoint = verify_checkpoint(receipt.checkpoint, given.log_id, key)
    leaf = SM3.leaf(given.entry)
    verify_inclusion(SM3, leaf, given.index, checkpoint.size, list(receipt.inclusion_proof), checkpoint.root)
    entry = json.loads(given.entry)
    assert (entry["kind"], entry["client"], entry["key"]) == ("signature", "core", "message-sm2@1")


def test_checkpoints_grow_consistently(connection: Connection, key: NoteKey) -> None:
    audit = AuditServiceStub(connection.channel)
    _sign(connection)
    first = _soon(lambda: connection.call(audit.GetCheckpoint, audit_pb2.GetCheckpointRequest()))
    old = verify_checkpoint(first.checkpoint, key.name, key)
    assert not first.consistency_proof
    later = _sign(connection)
    _soon(lambda: connection.call(audit.GetReceipt, audit_pb2.GetReceiptRequest(log_id=key.name, index=later.index)))
    request = audit_pb2.GetCheckpointRequest(consistent_with_size=old.size)
    answer = connection.call(audit.GetCheckpoint, request)
    new = verify_checkpoint(answer.checkpoint, key.name, key)
    assert new.size > old.size
    verify_consistency(SM3, old.size, old.root, new.size, new.root, list(answer.consistency_proof))


def test_what_is_not_the_callers_is_refused(connection: Connection, key: NoteKey) -> None:
    audit = AuditServiceStub(connection.channel)
    for request, status, reason in (
        (audit_pb2.GetReceiptRequest(log_id="another", index=0), "NOT_FOUND", "LOG_UNKNOWN"),
        (audit_pb2.GetReceiptRequest(log_id=key.name, index=0), "PERMISSION_DENIED", "GRANT_MISSING"),  # the init's
        (audit_pb2.GetReceiptRequest(log_id=key.name, index=1 << 60), "UNAVAILABLE", "LOG_BEHIND"),
    ):
        with pytest.raises(RemoteError) as caught:
            connection.call(audit.GetReceipt, request)
        assert (caught.value.status, caught.value.reason) == (status, reason)
    with pytest.raises(RemoteError) as caught:
        connection.call(audit.GetCheckpoint, audit_pb2.GetCheckpointRequest(consistent_with_size=1 << 40))
    assert caught.value.status == "INVALID_ARGUMENT"


def _command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "signer.cli", "audit", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_auditors_need_the_files_and_the_public_key_alone(
    appliance: RunningAppliance, connection: Connection, tmp_path: Path
) -> None:
    log, key = appliance.directory / "state" / "log", appliance.directory / "log.pem"
    given = _sign(connection)
    audit = AuditServiceStub(connection.channel)
    _soon(
        lambda: connection.call(audit.GetReceipt, audit_pb2.GetReceiptRequest(log_id=given.log_id, index=given.index))
    )
    kept = tmp_path / "kept"
    kept.write_text((log / "checkpoint").read_text())
    verified = _command("verify", "--log", log, "--key", key, "--remembered", kept)
    assert verified.returncode == 0, verified.stderr
    proven = _command("prove", "--log", log, "--key", key, str(given.index), "--json")
    assert json.loads(proven.stdout)["entry"] == given.entry.decode()
    checked = _command("fsck", "--log", log, "--key", key, "--remembered", kept, "--json")
    assert (checked.returncode, json.loads(checked.stdout)["damages"]) == (0, [])
    stranger = _command("verify", "--log", log, "--key", appliance.directory / "ca.pem")
    assert stranger.returncode == 5
    assert "public key" in stranger.stderr


def test_the_page_shows_how_far_the_tree_is(appliance: RunningAppliance, connection: Connection) -> None:
    import urllib.request

    _sign(connection)
    until = time.monotonic() + 20
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{appliance.metrics_port}/metrics", timeout=10) as answer:
            page = answer.read().decode()
        if "\nsigner_log_unsigned_entries 0.0" in page and "\nsigner_log_checkpoint_size" in page:
            return
        assert time.monotonic() < until, [line for line in page.splitlines() if "signer_log" in line]
        time.sleep(0.2)
