"""The clock can't be believed: nothing is signed, everybody is told, and it goes on by itself. With real processes and sockets.

Threat: T18.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.appliance import signer
from signer.audit.log_file import read_log
from signer.client import Connection, RemoteError
from signer.v1 import signing_pb2 as sig
from tests.conftest import RunningAppliance, free_port_base
from tests.made_appliances import make, running
from tests.stand_in_ntp_server import StandInNtpServer


@dataclass(frozen=True)
class _Watched:
    """An appliance whose clock is compared with that server, every second."""

    appliance: RunningAppliance
    server: StandInNtpServer


def _configure(directory: Path, clock: str) -> None:
    with (directory / "signer.toml").open("a") as settings:
        settings.write(clock)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Watched]:
    directory, port = tmp_path_factory.mktemp("watched"), free_port_base()
    with StandInNtpServer() as server:
        table = f'\n[clock]\nsources = ["{server.url}"]\nask_every_seconds = 1\nunconfirmed_seconds = 3\n'
        with running(directory, port, change=lambda: _configure(directory, table)) as process:
            yield _Watched(RunningAppliance(directory, port, process.pid), server)


def _sign(appliance: RunningAppliance) -> None:
    with Connection(appliance.profile, timeout=10) as connection:
        connection.call(connection.signing.Sign, sig.SignRequest(key="message-sm2", message=b"m"))


def _answer(appliance: RunningAppliance) -> str:
    try:
        _sign(appliance)
    except RemoteError as problem:
        return f"{problem.status} {problem.reason}"
    return "signed"


def _until(appliance: RunningAppliance, wanted: str, seconds: float = 40) -> None:
    until = time.monotonic() + seconds
    while (answer := _answer(appliance)) != wanted:
        assert time.monotonic() < until, answer
        time.sleep(0.1)


def _kinds(appliance: RunningAppliance) -> list[str]:
    return [json.loads(entry)["kind"] for entry in read_log(appliance.directory / "state" / "log" / "log")]


_REFUSED = "UNAVAILABLE CLOCK_NOT_TRUSTED"


def test_a_clock_that_differs_from_its_source(watched: _Watched) -> None:
    _until(watched.appliance, "signed")
    watched.server.ahead = 20.0
    _until(watched.appliance, _REFUSED)
    with pytest.raises(RemoteError, match=r"differs-from-sources.*signer clock status"):
        _sign(watched.appliance)
    watched.server.ahead = 0.0
    _until(watched.appliance, "signed")
    kinds = _kinds(watched.appliance)
    assert kinds.index("clock-refused") < len(kinds) - 1 - kinds[::-1].index("clock-trusted")


def test_a_source_that_is_silent_for_long(watched: _Watched) -> None:
    watched.server.silent = True
    try:
        _until(watched.appliance, _REFUSED)
    finally:
        watched.server.silent = False
    _until(watched.appliance, "signed")


def test_the_metrics_tell_it(watched: _Watched) -> None:
    _until(watched.appliance, "signed")
    watched.server.ahead = -20.0
    line = 'signer_clock_troubles{trouble="differs-from-sources"} 1.0'
    until = time.monotonic() + 40
    try:
        while line not in _metrics(watched.appliance):
            assert time.monotonic() < until
            time.sleep(0.2)
    finally:
        watched.server.ahead = 0.0


def _metrics(appliance: RunningAppliance) -> list[str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{appliance.metrics_port}/metrics", timeout=10) as answer:
        return str(answer.read().decode()).splitlines()


def test_a_clock_that_was_set_back_between_two_runs(tmp_path: Path) -> None:
    """It comes up and tells why it does not sign, until an administrator accepts the clock."""
    port = free_port_base()
    make(tmp_path, port)
    (tmp_path / "state" / "clock").mkdir(mode=0o700, exist_ok=True)
    (tmp_path / "state" / "clock" / "latest").write_text(f"{time.time() + 3600:.3f}\n")
    config = str(tmp_path / "signer.toml")
    with (tmp_path / "serve.log").open("wb") as output:
        command = [sys.executable, "-m", "signer.cli", "serve", "--config", config]
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        appliance = RunningAppliance(tmp_path, port, process.pid)
        _until(appliance, _REFUSED, seconds=90)
        with pytest.raises(subprocess.CalledProcessError):
            signer("clock", "status", "--config", config)
        with pytest.raises(subprocess.CalledProcessError):  # whoever accepts it must have looked at another clock
            signer("clock", "accept", "--config", config, "--now", "2020-01-01T00:00")
        signer("clock", "accept", "--config", config, "--now", time.strftime("%Y-%m-%dT%H:%M"))
        _until(appliance, "signed")
        signer("clock", "status", "--config", config)
        assert {"clock-refused", "clock-accepted", "clock-trusted"} <= set(_kinds(appliance))
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
