"""The log takes nothing, or can't be written: signing stops within a second for everybody, with UNAVAILABLE, and goes on by itself.

Threat: T19.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from signer.client import Connection, RemoteError, RetryPolicy
from signer.v1 import signing_pb2 as sig
from tests.conftest import RunningAppliance, free_port_base
from tests.fault.small_disk import put_state_on, small_disk
from tests.made_appliances import running


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An appliance of this module's own, to be broken, its state on ext4: that looks at a file's flags at every write."""
    folder, port = tmp_path_factory.mktemp("stalled"), free_port_base()
    directory = folder / "appliance"
    with small_disk(folder, 64) as disk:
        put_state_on(disk, directory)
        with running(directory, port) as process:
            yield RunningAppliance(directory, port, process.pid)


def _sign(appliance: RunningAppliance) -> str:
    try:
        with Connection(appliance.profile, timeout=30, retry=RetryPolicy(attempts=1)) as connection:
            connection.call(connection.signing.Sign, sig.SignRequest(key="message-sm2", message=b"m"))
    except RemoteError as problem:
        return f"{problem.status} {problem.reason}"
    return "signed"


def test_a_log_writer_that_hangs(fragile: RunningAppliance) -> None:
    """As behind a disk that does not answer: the process is stopped, its connections stay."""
    writer = fragile.children()["log-writer"]
    assert _sign(fragile) == "signed"
    os.kill(writer, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(16) as callers:
            answers = set(callers.map(lambda _: _sign(fragile), range(64)))
        assert answers == {"UNAVAILABLE LOG_UNAVAILABLE"}
    finally:
        os.kill(writer, signal.SIGCONT)
    until = time.monotonic() + 30
    while _sign(fragile) != "signed":
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_log_that_is_read_only(fragile: RunningAppliance) -> None:
    """As on a file system that was remounted after an error: not even root may write the journal."""
    journal = fragile.directory / "state" / "log" / "log"
    subprocess.run(["chattr", "+i", str(journal)], check=True)
    try:
        assert {_sign(fragile) for _ in range(8)} == {"UNAVAILABLE LOG_UNAVAILABLE"}
    finally:
        subprocess.run(["chattr", "-i", str(journal)], check=True)
    until = time.monotonic() + 60
    while _sign(fragile) != "signed":
        assert time.monotonic() < until
        time.sleep(0.1)
