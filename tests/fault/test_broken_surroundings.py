"""The token, the disk, the database and the configuration fail: typed errors, nothing released, and it comes back by itself.

Threats: T3, T8, T11, T22, T23.
"""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from signer.client import Connection, RemoteError
from signer.v1 import document_pb2 as doc
from signer.v1 import signing_pb2 as sig
from tests.conftest import RunningAppliance, free_port_base
from tests.fault.small_disk import fill, put_state_on, small_disk
from tests.made_appliances import make, running


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An appliance of this module's own, to be broken."""
    directory = tmp_path_factory.mktemp("surroundings")
    port = free_port_base()
    with running(directory, port) as process:
        yield RunningAppliance(directory, port, process.pid)


def _sign(appliance: RunningAppliance) -> sig.SignResponse:
    with Connection(appliance.profile, timeout=10) as connection:
        return connection.call(connection.signing.Sign, sig.SignRequest(key="message-sm2", message=b"m"))


def _issue(appliance: RunningAppliance, sample: dict[str, Any], issue_id: str) -> doc.IssueDocumentResponse:
    request = doc.IssueDocumentRequest(issue_id=issue_id, template="policy/commercial", data_json=json.dumps(sample))
    with Connection(appliance.profile, timeout=30) as connection:
        return connection.call(connection.documents.IssueDocument, request)


def _refused(call: Callable[[], object]) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        call()
    return caught.value


def _eventually(call: Callable[[], object], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            call()
        except RemoteError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return


def test_the_hsm_goes_away_and_returns(fragile: RunningAppliance) -> None:
    tokens = fragile.directory / "token" / "tokens"
    away = tokens.with_name("away")
    tokens.rename(away)
    try:
        problems = {(p.status, p.reason) for p in (_refused(lambda: _sign(fragile)) for _ in range(6))}
        assert problems == {("UNAVAILABLE", "HSM_UNAVAILABLE")}
    finally:
        away.rename(tokens)
    _eventually(lambda: _sign(fragile))


def test_a_locked_database_is_told_and_waits_no_longer_than_it_must(
    fragile: RunningAppliance, sample: dict[str, Any]
) -> None:
    issue_id = str(uuid.uuid4())
    lock = sqlite3.connect(fragile.directory / "state" / "database" / "signer.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    try:
        problem = _refused(lambda: _issue(fragile, sample, issue_id))
        assert (problem.status, problem.reason) == ("UNAVAILABLE", "DATABASE_UNAVAILABLE")
        assert _sign(fragile).signature  # signing needs no database
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    assert _issue(fragile, sample, issue_id).pdf


def test_an_altered_archive_is_not_handed_out(fragile: RunningAppliance, sample: dict[str, Any]) -> None:
    issue_id = str(uuid.uuid4())
    name = _issue(fragile, sample, issue_id).sm3.hex()
    blob = fragile.directory / "state" / "archive" / name[:2] / name
    content = bytearray(blob.read_bytes())
    content[1000] ^= 1
    blob.write_bytes(content)
    problem = _refused(lambda: _issue(fragile, sample, issue_id))
    assert (problem.status, problem.reason) == ("INTERNAL", "STORAGE_CORRUPTED")


def test_a_full_disk_stops_signing_and_issuing_and_frees_itself(tmp_path: Path, sample: dict[str, Any]) -> None:
    directory, port = tmp_path / "appliance", free_port_base()
    with small_disk(tmp_path, 8) as disk:
        put_state_on(disk, directory)
        with running(directory, port) as process:
            appliance = RunningAppliance(directory, port, process.pid)
            assert _sign(appliance).signature
            filler = fill(disk)
            problem = _refused(lambda: _fill_log(appliance))
            assert (problem.status, problem.reason) == ("UNAVAILABLE", "LOG_UNAVAILABLE")
            assert _refused(lambda: _issue(appliance, sample, "full")).status == "UNAVAILABLE"
            filler.unlink()
            _eventually(lambda: _sign(appliance))
            _eventually(lambda: _issue(appliance, sample, "full"))


def _fill_log(appliance: RunningAppliance) -> None:
    """Signs until the space that the log has written ahead is used up."""
    for _ in range(500):
        _sign(appliance)


# ---- start


def _serve(directory: Path, *, seconds: float = 240) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "signer.cli", "serve", "--config", str(directory / "signer.toml")]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=seconds)


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A made appliance that doesn't run."""
    make(tmp_path, free_port_base())
    return tmp_path


def test_a_wrong_pin_is_tried_once_by_all_processes_and_restarts(stopped: Path) -> None:
    pin = stopped / "secrets" / "pin"
    right = pin.read_text()
    pin.write_text("00000000" if right != "00000000" else "11111111")
    for _ in range(4):  # SoftHSM would not lock, but it flags every wrong PIN: a second try clears nothing
        result = _serve(stopped)
        assert result.returncode != 0
        assert "hsm-pin" in result.stderr
        assert right not in result.stderr
        assert pin.read_text() not in result.stderr
    marks = list((stopped / "state" / "pin").glob("*.json"))
    assert len(marks) == 1
    assert result.stderr.count("hsm-pin-incorrect") == 0, "the second start must not have tried again"
    assert "hsm-pin-refused-before" in result.stderr
    pin.write_text(right)
    port = int(
        next(line for line in (stopped / "signer.toml").read_text().splitlines() if line.startswith("port")).split()[-1]
    )
    with running(stopped, port) as process:
        assert process.poll() is None


def test_a_port_in_use_is_told(stopped: Path) -> None:
    text = (stopped / "signer.toml").read_text()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        line = next(line for line in text.splitlines() if line.startswith("port"))
        (stopped / "signer.toml").write_text(text.replace(line, f"port = {port}", 1))
        result = _serve(stopped)
    assert result.returncode == 5
    assert f"can't listen on 127.0.0.1:{port}" in result.stderr
    assert "port-in-use" in result.stderr


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('mode = "development"', 'mode = "developement"', ["signer.toml:2: mode", "development, production"]),
        ("workers = 2", "wrokers = 2", ["signer.toml:", "listener.lan.wrokers", "workers"]),
        ("workers = 2", "workers = 0", ["listener.lan.workers", "1 to 256"]),
        ('profile = "softtoken"', 'profile = "sansec-x"', ["token.profile", "softhsm, softtoken"]),
        ('company = "', 'firm = "', ["signer.toml:", "seal", "company"]),
        ('id = "demo-', "id = demo-", ["signer.toml:", "not valid TOML"]),
        ('mode = "development"', 'mode = "production"', ["grants.required", "asks for 2 or more"]),
        (
            'mode = "development"',
            'mode = "production"\ngrants = {required = 2}\nclock = {sources = ["kernel"]}',
            ["seal.default_profile", "in production our own is never the only proof of time"],
        ),
        ("[listener.lan]", '[listener.lan]\ntransport = "plain"', ["listener.lan", "'plain_client' is missing"]),
        ('host = "127.0.0.1"', 'host = "0.0.0.0"\ntransport = "plain"', ["signer.toml:", "is not a private address"]),
        ('host = "127.0.0.1"', 'host = "8.8.8.8"\ntransport = "plain"', ["is not a private address"]),
    ],
)
def test_broken_configuration_names_file_line_and_what_is_allowed(
    stopped: Path, old: str, new: str, told: list[str]
) -> None:
    file = stopped / "signer.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    result = _serve(stopped)
    assert result.returncode != 0
    assert not [part for part in told if part not in result.stderr], result.stderr


def test_production_takes_no_development_token(stopped: Path) -> None:
    file = stopped / "signer.toml"
    text = file.read_text()
    for old, new in (
        ('mode = "development"', 'mode = "production"\ngrants = {required = 2}\nclock = {sources = ["kernel"]}'),
        ("[timestamps]\n", '[timestamps]\nurl = "https://tsa.example.cn/"\nanchors = "ca.pem"\n'),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text)
    result = _serve(stopped)
    assert result.returncode != 0
    assert "is a development token" in result.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"SigningService/Sign"', '"SigningService/Sing"'),
        ('"message-sm2"', '"message-sm3"'),
        ('"policy/commercial"', '"policy/comercial"'),
        ("digest_signing", "digest_singing"),
    ],
)
def test_grants_that_name_nothing_keep_it_from_starting(stopped: Path, old: str, new: str) -> None:
    file = stopped / "grants.toml"
    file.write_text(file.read_text().replace(old, new, 1))
    result = _serve(stopped)
    assert result.returncode != 0
    assert "grants.toml:" in result.stderr
    assert "Allowed:" in result.stderr
