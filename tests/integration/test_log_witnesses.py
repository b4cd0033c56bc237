"""Witnesses of a running appliance over gRPC, one with a key file and one with a key in the log token; proofs of documents; records.

Threat: T25.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.appliance import signer
from signer.audit.checkpoint import NoteKey, load_note_key, verify_checkpoint
from signer.audit.cosignature import load_witness_keys, verify_cosignatures
from signer.audit.log_records import read_log
from signer.audit.merkle import SM3, verify_inclusion
from signer.cli.__main__ import main
from signer.client import Connection, RemoteError
from signer.config import load_config
from signer.v1 import audit_pb2
from signer.v1 import document_pb2 as doc
from signer.v1 import signing_pb2 as sig
from signer.v1.audit_pb2_grpc import AuditServiceStub
from tests.conftest import RunningAppliance, free_port_base
from tests.made_appliances import running


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An appliance that knows two witnesses: `auditor` outside, and itself as `self` as if it were another appliance."""
    directory = tmp_path_factory.mktemp("watched")
    port = free_port_base()
    config = directory / "signer.toml"

    def make_witnesses() -> None:
        signer("audit", "witness", "--init", "--key", str(directory / "auditor.key"))
        signer("audit", "witness", "--init", "--config", str(config), "--out", str(directory / "self.pub"))
        with config.open("a", encoding="utf-8") as stream:
            for name, file in (("auditor", "auditor.key.pub"), ("self", "self.pub")):
                stream.write(f'\n[[log.witness]]\nname = "{name}"\npublic_key = "{file}"\n')

    with running(directory, port, change=make_witnesses) as process:
        yield RunningAppliance(directory, port, process.pid)


@pytest.fixture(scope="module")
def called(watched: RunningAppliance) -> Iterator[Connection]:
    with Connection(watched.profile) as opened:
        yield opened


@pytest.fixture(scope="module")
def key(watched: RunningAppliance) -> NoteKey:
    log = load_config(watched.directory / "signer.toml").log
    return load_note_key(log.public_key_file, log.log_id)


@pytest.fixture(scope="module")
def sample_json(called: Connection) -> str:
    """The sample data of policy/commercial."""
    return called.call(called.documents.GetTemplate, doc.GetTemplateRequest(template="policy/commercial")).sample_json


@dataclass(frozen=True)
class _Told:
    returncode: int
    stdout: str
    stderr: str


def _command(*arguments: str | Path) -> _Told:
    """The command in this process: a new interpreter for each would take most of the test's time."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(["audit", *map(str, arguments)])
    return _Told(status, out.getvalue(), err.getvalue())


def _witness(watched: RunningAppliance, key: NoteKey, name: str, *own: str | Path) -> _Told:
    directory = watched.directory
    profile = directory / "clients" / "core" / "profile.toml"
    arguments = (
        *("witness", "--name", name, *own, "--origin", key.name, "--log-key", directory / "log.pem"),
        *("--state", directory / f"witness-{name}", "--profile", profile, "--json"),
    )
    if "--config" not in own:
        return _command(*arguments)
    # A token's module belongs to a process of its own.
    command = [sys.executable, "-m", "signer.cli", "audit", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return _Told(ended.returncode, ended.stdout, ended.stderr)


def _soon(look: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < until
        time.sleep(0.2)


def test_witnesses_cosign_and_the_appliance_shows_it(
    watched: RunningAppliance, called: Connection, key: NoteKey
) -> None:
    directory = watched.directory
    audit = AuditServiceStub(called.channel)
    with pytest.raises(RemoteError) as caught:
        called.call(audit.GetCheckpoint, audit_pb2.GetCheckpointRequest(cosigned=True), timeout=1)
    assert caught.value.reason == "LOG_BEHIND"
    signed = called.call(called.signing.Sign, sig.SignRequest(key="message-sm2", message=b"m")).receipt
    config = directory / "signer.toml"
    head = directory / "state" / "log" / "checkpoint"
    _soon(lambda: int(head.read_text().split("\n")[1]) > signed.index)
    for name, own in (("auditor", ("--key", directory / "auditor.key")), ("self", ("--config", config))):
        told = _witness(watched, key, name, *own)
        assert told.returncode == 0, told.stdout + told.stderr
        assert json.loads(told.stdout)["size"] > signed.index
        keys = load_witness_keys([(name, directory / ("auditor.key.pub" if name == "auditor" else "self.pub"))])
        answer = called.call(audit.GetCheckpoint, audit_pb2.GetCheckpointRequest(cosigned=True))
        assert verify_checkpoint(answer.checkpoint, key.name, key).size > signed.index
        (found,) = verify_cosignatures(answer.checkpoint, keys)
        assert found.witness == name
    request = audit_pb2.GetReceiptRequest(log_id=key.name, index=signed.index, cosigned=True)
    receipt = called.call(audit.GetReceipt, request)
    checkpoint = verify_checkpoint(receipt.checkpoint, key.name, key)
    leaf = SM3.leaf(receipt.entry)
    verify_inclusion(SM3, leaf, signed.index, checkpoint.size, list(receipt.inclusion_proof), checkpoint.root)
    again = _witness(watched, key, "auditor", "--key", directory / "auditor.key")  # now with a consistency proof
    assert again.returncode == 0, again.stdout + again.stderr
    witnesses = [f"auditor={directory / 'auditor.key.pub'}", f"self={directory / 'self.pub'}"]
    verify = ("verify", "--log", head.parent, "--key", directory / "log.pem", "--witness", witnesses[0])
    assert _command(*verify, "--witness", witnesses[1], "--require", "2").returncode == 0
    lacking = _command(*verify, "--require", "2")
    assert (lacking.returncode, "not-witnessed" in lacking.stdout) == (1, True)
    _soon(lambda: "+Inf" not in _ages(watched))


def _ages(watched: RunningAppliance) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{watched.metrics_port}/metrics", timeout=10) as answer:
        page: str = answer.read().decode()
    lines = [line for line in page.splitlines() if line.startswith("signer_log_cosigned_age_seconds{")]
    assert {"auditor", "self"} == {line.split('witness="')[1].split('"')[0] for line in lines}
    return "\n".join(lines)


def test_a_strangers_cosignature_is_refused(watched: RunningAppliance, called: Connection, key: NoteKey) -> None:
    audit = AuditServiceStub(called.channel)
    note = called.call(audit.GetCheckpoint, audit_pb2.GetCheckpointRequest()).checkpoint.split("\n\n")[0]
    for text in ("", note + "\n\n— auditor AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"):
        with pytest.raises(RemoteError) as caught:
            called.call(audit.AddCosignature, audit_pb2.AddCosignatureRequest(checkpoint=text))
        assert (caught.value.status, caught.value.reason) == ("INVALID_ARGUMENT", "COSIGNATURE_WRONG")


def test_a_rollback_is_refused_by_the_witness_with_both_heads(
    watched: RunningAppliance, key: NoteKey, tmp_path: Path
) -> None:
    """The appliance as it was, in a copied directory, after the witness has seen more."""
    directory = watched.directory
    copied = tmp_path / "copied"
    _copy_while_it_grows(directory / "state" / "log", copied)
    with Connection(watched.profile) as connection:
        index = connection.call(connection.signing.Sign, sig.SignRequest(key="message-sm2", message=b"n")).receipt.index
    _soon(lambda: int((directory / "state/log/checkpoint").read_text().split("\n")[1]) > index)
    assert _witness(watched, key, "auditor", "--key", directory / "auditor.key").returncode == 0
    told = _command(
        *("witness", "--name", "auditor", "--key", directory / "auditor.key", "--origin", key.name),
        *("--log-key", directory / "log.pem", "--state", directory / "witness-auditor", "--from", copied, "--json"),
    )
    assert told.returncode == 1
    refused = json.loads(told.stdout)
    assert refused["refused"] == "log-rolled-back"
    evidence = json.loads(Path(refused["evidence"]).read_text(encoding="utf-8"))
    sizes = [verify_checkpoint(evidence[name], key.name, key).size for name in ("known", "offered")]
    assert sizes[0] > sizes[1]


def test_a_document_is_proven_from_its_file_and_from_its_id(
    watched: RunningAppliance, called: Connection, sample_json: str, tmp_path: Path
) -> None:
    config = watched.directory / "signer.toml"
    for seal in ("seal-sm2", "seal-rsa"):
        request = doc.IssueDocumentRequest(
            issue_id=str(uuid.uuid4()), template="policy/commercial", data_json=sample_json
        )
        request.seals.add(key=seal)
        issued = called.call(called.documents.IssueDocument, request)
        file, out = tmp_path / f"{seal}.pdf", tmp_path / f"{seal}.json"
        file.write_bytes(issued.pdf)
        _soon(lambda out=out, file=file: _command("prove", "--config", config, file, "--out", out).returncode == 0)  # type: ignore[misc]  # defaults bind the loop's values
        proven = json.loads(_command("prove", "--config", config, issued.document_id, "--json").stdout)
        assert [item["index"] for item in proven["receipts"]] == [item.index for item in issued.receipts]
        assert json.loads(_command("prove", "--config", config, file, "--json").stdout)["seal_matches"] is True
        verify = ("verify-receipt", out, "--key", watched.directory / "log.pem")
        assert _command(*verify).returncode == 0
        content = out.read_bytes()
        out.write_bytes(content.replace(seal.encode(), b"seal-xxx"))
        assert _command(*verify).returncode == 1
        file.write_bytes(issued.pdf + b"\n")
        assert _command("prove", "--config", config, file).returncode == 5
    assert _command("prove", "--config", config, "no-such-document").returncode == 5


def test_what_administrators_do_is_on_record(watched: RunningAppliance) -> None:
    directory = watched.directory
    journal = directory / "state" / "log" / "log"

    def recorded(*texts: str) -> bool:
        details = "\n".join(json.loads(entry).get("detail", "") for entry in read_log(journal))
        return all(text in details for text in texts)

    assert recorded(
        "init: keys are made", "front started", "worker-0 started", "public certificate ", "lan certificate "
    )
    crl = (directory / "public" / "crl" / "clients.crl").read_bytes()
    (directory / "public" / "crl" / "again.crl").write_bytes(crl)
    os.kill(watched.pid, signal.SIGHUP)
    _soon(lambda: recorded("changed: public crl again.crl ", "reload asked for (SIGHUP)"))
    signer("database", "upgrade", "--config", str(directory / "signer.toml"))
    assert recorded("database upgrade")
    refused = _command(
        "archive", "--config", directory / "signer.toml", "--before", "2199-01-01", "--to", directory / "x"
    )
    assert (refused.returncode, "6 months stay online" in refused.stderr) == (5, True)


def _copy_while_it_grows(folder: Path, copied: Path) -> None:
    """Again where a file of the folder got its name, or was outgrown, between being listed and being copied."""
    for _ in range(20):
        try:
            shutil.copytree(folder, copied)
        except shutil.Error:
            shutil.rmtree(copied)
        else:
            return
    pytest.fail("the log's folder did not hold still for a copy")
