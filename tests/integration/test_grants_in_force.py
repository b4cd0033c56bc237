"""Grants, quotas and the plain listener on running appliances: networks of both listeners, rates, reload without a restart."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from signer.audit.log_file import read_log
from signer.client import Connection, RemoteError, load_profile
from signer.client.retry import RetryPolicy
from signer.v1 import signing_pb2 as sig
from signer.v1.signing_pb2_grpc import SigningServiceStub
from tests.conftest import RunningAppliance, free_port_base
from tests.made_appliances import running

_GRANTS = """\
format = 1
version = {version}

[[grants]]
client = "core"
rpcs = ["SigningService/Sign", "SigningService/SignBatch", "SigningService/ListKeys"]
keys = ["message-sm2"]
networks = ["{core_network}"]

[[grants]]
client = "channel"
rpcs = ["SigningService/Sign", "SigningService/Verify"]
keys = ["message-rsa"]
networks = ["{channel_network}"]

[[quotas]]
client = "core"
rate = {{per_second = {rate}, burst = {burst}}}
"""
_ONCE = RetryPolicy(attempts=1)


class _Granting:
    """An appliance whose grants the test rewrites."""

    def __init__(self, appliance: RunningAppliance) -> None:
        self.appliance = appliance
        self._version = 1

    def grant(
        self,
        core_network: str = "127.0.0.0/8",
        channel_network: str = "127.0.0.0/8",
        rate: float = 10_000,
        burst: int = 10_000,
    ) -> None:
        """Writes the file, has it read, and waits until both workers have."""
        self._version += 1
        text = _GRANTS.format(
            version=self._version,
            core_network=core_network,
            channel_network=channel_network,
            rate=rate,
            burst=burst,
        )
        self.write(text, "grants reloaded")

    def write(self, text: str, expected: str) -> None:
        log = self.appliance.directory / "serve.log"
        seen = log.read_text().count(expected)
        (self.appliance.directory / "grants.toml").write_text(text)
        os.kill(self.appliance.pid, signal.SIGHUP)
        until = time.monotonic() + 60
        while log.read_text().count(expected) < seen + 2:
            assert time.monotonic() < until, log.read_text()[-2000:]
            time.sleep(0.05)

    def connection(self, client: str) -> Connection:
        profile = load_profile(self.appliance.directory / "clients" / client / "profile.toml")
        return Connection(profile, timeout=20, retry=_ONCE)


@pytest.fixture(scope="module")
def granting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Granting]:
    directory = tmp_path_factory.mktemp("granting")
    port = free_port_base()
    with running(directory, port) as process:
        yield _Granting(RunningAppliance(directory, port, process.pid))


def _sign(connection: Connection, key: str = "message-sm2") -> sig.SignResponse:
    return connection.call(connection.signing.Sign, sig.SignRequest(key=key, message=b"m"))


def _refused(call: Callable[[], object]) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        call()
    return caught.value


def _entries(appliance: RunningAppliance) -> list[dict[str, str]]:
    """The log's entries, from its journal."""
    return [json.loads(entry) for entry in read_log(appliance.directory / "state" / "log" / "log")]


def test_networks_are_those_of_the_caller_on_both_listeners(granting: _Granting) -> None:
    granting.grant()
    with granting.connection("core") as core, granting.connection("channel") as channel:
        _sign(core)
        _sign(channel, "message-rsa")
        granting.grant(core_network="10.0.0.0/8", channel_network="10.0.0.0/8")
        for connection in (core, channel):
            problem = _refused(lambda connection=connection: _sign(connection))  # type: ignore[misc]  # binds the loop's value
            assert problem.reason == "GRANT_MISSING"
            assert "from 127.0.0.1" in problem.message
        granting.grant()
        _sign(channel, "message-rsa")


def test_a_used_up_quota_says_when_to_come_back(granting: _Granting) -> None:
    granting.grant(rate=0.5, burst=4)
    with granting.connection("core") as core, granting.connection("channel") as channel:
        batch = sig.SignBatchRequest(requests=[sig.SignRequest(key="message-sm2", message=b"m")] * 3)
        assert len(core.call(core.signing.SignBatch, batch).results) == 3
        _sign(core)
        problem = _refused(lambda: _sign(core))
        assert (problem.status, problem.reason) == ("RESOURCE_EXHAUSTED", "RATE_EXCEEDED")
        assert problem.retry_after is not None
        assert 0 < problem.retry_after <= 2
        _sign(channel, "message-rsa")
        granting.grant(rate=0.5, burst=4)  # the same limits: what was used stays used
        assert _refused(lambda: _sign(core)).reason == "RATE_EXCEEDED"
        granting.grant()
        _sign(core)


def test_a_file_with_a_fault_changes_nothing_and_is_on_record(granting: _Granting) -> None:
    granting.grant()
    granting.write("format = 1\n[[grants]]\nclinet = 1\n", "grants not reloaded")
    with granting.connection("core") as core:
        _sign(core)
    details = [entry.get("detail", "") for entry in _entries(granting.appliance) if entry["kind"] == "configuration"]
    assert "grants refused" in details
    assert any(detail.startswith("grants version ") for detail in details)


def test_withdrawn_grants_end_at_once(granting: _Granting) -> None:
    granting.grant()
    with granting.connection("core") as core:
        _sign(core)
        granting.write("format = 1\nversion = 99\n", "grants reloaded")
        problem = _refused(lambda: _sign(core))
        assert (problem.status, problem.reason) == ("PERMISSION_DENIED", "CLIENT_UNKNOWN")
    granting.grant()


def test_a_plain_listener_serves_one_configured_client_and_is_shown(tmp_path: Path) -> None:
    port = free_port_base()
    file = tmp_path / "signer.toml"
    with running(tmp_path, port, change=lambda: _make_plain(file)) as process:
        appliance = RunningAppliance(tmp_path, port, process.pid)
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = SigningServiceStub(channel)
            forged = (("x-client", "channel"), ("peer_uri", "urn:signer:client:channel"))
            answer = stub.Sign(sig.SignRequest(key="message-sm2", message=b"m"), timeout=20, metadata=forged)
            assert answer.signature
        page = urllib.request.urlopen(f"http://127.0.0.1:{appliance.metrics_port}/metrics", timeout=10).read().decode()
        assert 'signer_listener_info{listener="lan",transport="plain"} 1.0' in page
        log = (tmp_path / "serve.log").read_text()
        assert "the LAN listener is plain" in log
        entries = _entries(appliance)
        assert any(f"lan plain 127.0.0.1:{port}" in entry.get("detail", "") for entry in entries)
        signers = {entry.get("client") for entry in entries if entry["kind"] == "signature"}
        assert signers - {"init"} == {"core"}  # never the name that the caller claimed
        with Connection(appliance.profile, timeout=5, retry=_ONCE) as secure:
            assert _refused(lambda: _sign(secure)).status == "UNAVAILABLE"


def _make_plain(file: Path) -> None:
    lines = file.read_text().splitlines()
    table = lines.index("[listener.lan]")
    end = next(place for place in range(table + 1, len(lines)) if lines[place].startswith("["))
    kept = [line for line in lines[table:end] if not line.startswith(("certificate", "key", "client_authority"))]
    kept[1:1] = ['transport = "plain"', 'plain_client = "core"']
    file.write_text("\n".join([*lines[:table], *kept, *lines[end:]]))
