"""The appliance's own public listener: who signs is who the SM2 certificate says, on both listeners, whatever the metadata claims.

Threats: T2, T16.
"""

from __future__ import annotations

import json
import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from signer.algorithms.sm2_software_key import Sm2SoftwareKey
from signer.certificates.sm2_tls import Sm2TlsPair, make_crl, make_sm2_authority, make_sm2_client
from signer.certificates.tls import TlsPair, make_client
from signer.client import ClientProfile, Connection, RemoteError, load_profile
from signer.transport.identity import CLIENT_URI_PREFIX, INNER_URI_PREFIX
from signer.v1 import document_pb2 as doc
from signer.v1 import signing_pb2 as sig
from signer.v1.signing_pb2_grpc import SigningServiceStub
from tests.conftest import RunningAppliance

_SIGN = sig.SignRequest(key="message-sm2", message=b"m")


def _public_profile(appliance: RunningAppliance) -> ClientProfile:
    return load_profile(appliance.directory / "clients" / "channel" / "profile.toml")


def _public_authority(appliance: RunningAppliance) -> Sm2TlsPair:
    folder = appliance.directory / "tls"
    certificate = x509.load_pem_x509_certificate((folder / "public-authority.pem").read_bytes())
    from cryptography.hazmat.primitives.serialization import Encoding

    return Sm2TlsPair(
        certificate.public_bytes(Encoding.DER),
        Sm2SoftwareKey.load_pem((folder / "public-authority.key").read_bytes()),
    )


def _profile_for(appliance: RunningAppliance, name: str, folder: Path) -> ClientProfile:
    """A client's new certificate of the appliance's own public authority."""
    pair = make_sm2_client(_public_authority(appliance), name, CLIENT_URI_PREFIX + name)
    (folder / "cert.pem").write_bytes(pair.certificate_pem)
    (folder / "key.pem").write_bytes(pair.key.reveal_pem())
    return replace(_public_profile(appliance), certificate=folder / "cert.pem", key=folder / "key.pem")


def _lan_pair(appliance: RunningAppliance, uri: str) -> TlsPair:
    folder = appliance.directory / "tls"
    key = load_pem_private_key((folder / "authority.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    authority = TlsPair(x509.load_pem_x509_certificate((folder / "authority.pem").read_bytes()), key)
    return make_client(authority, "core", uri)


# ---- identity


@dataclass(frozen=True)
class _Caller:
    name: str
    other: str
    connection: Connection


def _forged(caller: _Caller) -> Any:
    uri = CLIENT_URI_PREFIX + caller.other
    return (
        ("x-forwarded-client-cert", f"By=spiffe://x;URI={uri}"),
        ("peer_uri", uri),
        ("x-client", caller.other),
        ("forwarded", f"for={caller.other}"),
        ("client", caller.other),
        ("authorization", f"Bearer {caller.other}"),
    )


def _signed_by(receipt: Any) -> str:
    client: str = json.loads(receipt.entry)["client"]
    return client


def _call(caller: _Caller, kind: str, sample: dict[str, Any]) -> list[str]:
    """One call of a kind; to whom its log entries attribute it."""
    metadata = _forged(caller)
    if kind == "unary":
        return [_signed_by(caller.connection.signing.Sign(_SIGN, timeout=30, metadata=metadata).receipt)]
    if kind == "batch":
        batch = caller.connection.signing.SignBatch(
            sig.SignBatchRequest(requests=[_SIGN] * 5), timeout=30, metadata=metadata
        )
        return [_signed_by(result.response.receipt) for result in batch.results]
    requests = [
        doc.IssueDocumentRequest(
            issue_id=os.urandom(16).hex(), template="policy/commercial", data_json=json.dumps(sample)
        )
        for _ in range(2)
    ]
    answers = caller.connection.documents.IssueDocuments(iter(requests), timeout=60, metadata=metadata)
    return [_signed_by(answer.response.receipts[0]) for answer in answers]


def _interleave(appliance: RunningAppliance, sample: dict[str, Any], calls: int) -> None:
    lan, public = appliance.profile, _public_profile(appliance)
    kinds = ["unary"] * 90 + ["batch"] * 9 + ["stream"]
    choice = random.Random(calls)
    with ExitStack() as stack:
        callers = [
            _Caller(name, other, stack.enter_context(Connection(profile, timeout=60)))
            for name, other, profile in (("core", "channel", lan), ("channel", "core", public))
            for _ in range(3)
        ]
        plan = [(choice.choice(callers), choice.choice(kinds)) for _ in range(calls)]
        with ThreadPoolExecutor(12) as threads:
            told = list(threads.map(lambda planned: _call(planned[0], planned[1], sample), plan))
    wrong = [(caller.name, names) for (caller, _), names in zip(plan, told, strict=True) if set(names) != {caller.name}]
    assert wrong == []


def test_interleaved_calls_of_both_listeners_are_attributed_rightly(
    appliance: RunningAppliance, sample: dict[str, Any]
) -> None:
    _interleave(appliance, sample, 1000)


@pytest.mark.soak
def test_ten_thousand_interleaved_calls_are_attributed_rightly(
    appliance: RunningAppliance, sample: dict[str, Any]
) -> None:
    _interleave(appliance, sample, 10_000)


def test_a_client_of_the_public_listener_without_a_grant_may_nothing(
    appliance: RunningAppliance, tmp_path: Path
) -> None:
    with Connection(_profile_for(appliance, "somebody", tmp_path)) as connection:
        with pytest.raises(RemoteError) as caught:
            connection.call(connection.signing.Sign, _SIGN)
    assert (caught.value.status, caught.value.reason) == ("PERMISSION_DENIED", "CLIENT_UNKNOWN")


def test_the_self_tests_service_is_nothing_to_clients(appliance: RunningAppliance) -> None:
    with Connection(_public_profile(appliance)) as connection:
        one: Any = connection.channel.unary_unary("/signer.inner.Identity/AskOne")
        with pytest.raises(grpc.RpcError) as caught:
            one(b"", timeout=10)
    assert "UNIMPLEMENTED" in str(caught.value)


def test_an_inner_name_is_nobody_on_the_lan(appliance: RunningAppliance) -> None:
    """Even of the LAN's own authority: each listener believes its own form of names only."""
    pair = _lan_pair(appliance, INNER_URI_PREFIX + "core")
    authority = (appliance.directory / "ca.pem").read_bytes()
    credentials = grpc.ssl_channel_credentials(authority, pair.key_pem, pair.certificate_pem)
    assert _status(f"127.0.0.1:{appliance.port}", credentials, ()) == "UNAUTHENTICATED"


def _status(address: str, credentials: grpc.ChannelCredentials | None, options: Any) -> str:
    make = grpc.insecure_channel(address) if credentials is None else grpc.secure_channel(address, credentials, options)
    with make as channel:
        sign: Any = channel.unary_unary("/signer.v1.SigningService/Sign", sig.SignRequest.SerializeToString)
        try:
            sign(_SIGN, timeout=5)
        except grpc.RpcError as problem:
            status: str = problem.code().name
            return status
    return "OK"


@pytest.mark.parametrize("uri", [CLIENT_URI_PREFIX + "core", INNER_URI_PREFIX + "core"])
@pytest.mark.parametrize("worker", ["worker-0", "worker-1"])
def test_direct_connections_to_inner_sockets_are_refused(appliance: RunningAppliance, worker: str, uri: str) -> None:
    """By a program of the same user, with everything that lies in the directory and with a good certificate of the LAN."""
    inner = appliance.directory / "run" / "inner"
    address, options = f"unix:{inner / worker}.sock", [("grpc.ssl_target_name_override", worker)]
    root, pair = (inner / f"{worker}.pem").read_bytes(), _lan_pair(appliance, uri)
    assert _status(address, None, ()) == "UNAVAILABLE"
    assert _status(address, grpc.ssl_channel_credentials(root), options) == "UNAVAILABLE"
    own = grpc.ssl_channel_credentials(root, pair.key_pem, pair.certificate_pem)
    assert _status(address, own, options) == "UNAVAILABLE"


# ---- life


def _eventually(appliance: RunningAppliance, profile: ClientProfile) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            with Connection(profile, timeout=5) as connection:
                connection.call(connection.signing.Sign, _SIGN)
        except RemoteError:
            assert time.monotonic() < until
            time.sleep(0.1)
        else:
            return


def _sign_for(connection: Connection, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        connection.call(connection.signing.Sign, _SIGN)


def test_revocation_reaches_the_running_appliance(appliance: RunningAppliance, tmp_path: Path) -> None:
    profile = _profile_for(appliance, "channel", tmp_path)
    authority = _public_authority(appliance)
    serial = x509.load_pem_x509_certificate(profile.certificate.read_bytes()).serial_number
    from datetime import timedelta

    with Connection(profile, timeout=10) as connection:
        connection.call(connection.signing.Sign, _SIGN)
        crl = appliance.directory / "public" / "crl" / "clients.crl"
        new = crl.with_suffix(".new")
        new.write_bytes(make_crl(authority, [serial], number=int(time.time()), valid=timedelta(days=30)))
        new.replace(crl)
        with pytest.raises(RemoteError) as caught:
            _sign_for(connection, 20)
    assert caught.value.status == "UNAVAILABLE"
    _eventually(appliance, _public_profile(appliance))


def test_a_killed_front_comes_back_and_the_lan_notices_nothing(appliance: RunningAppliance) -> None:
    before = appliance.children()["front"]
    stop = threading.Event()
    failed: list[RemoteError] = []

    def call_on_the_lan() -> None:
        with Connection(appliance.profile, timeout=10) as connection:
            while not stop.is_set():
                try:
                    connection.call(connection.signing.Sign, _SIGN)
                except RemoteError as problem:
                    failed.append(problem)

    caller = threading.Thread(target=call_on_the_lan)
    caller.start()
    os.kill(before, signal.SIGKILL)
    until = time.monotonic() + 60
    while appliance.children()["front"] == before:
        assert time.monotonic() < until
        time.sleep(0.05)
    _eventually(appliance, _public_profile(appliance))
    stop.set()
    caller.join()
    assert failed == []


def _wait_for_reload(appliance: RunningAppliance, before: int) -> None:
    until = time.monotonic() + 60
    while _reloads(appliance) == before:
        assert time.monotonic() < until
        time.sleep(0.05)


def _reloads(appliance: RunningAppliance) -> int:
    return (appliance.directory / "serve.log").read_text().count("certificates reloaded")


def test_hangup_reads_certificates_again(appliance: RunningAppliance) -> None:
    before = _reloads(appliance)
    os.kill(appliance.pid, signal.SIGHUP)
    _wait_for_reload(appliance, before)


def test_a_hangup_while_the_front_starts_is_not_lost(appliance: RunningAppliance) -> None:
    """It may have read its files before they were changed."""
    before, front = _reloads(appliance), appliance.children()["front"]
    os.kill(front, signal.SIGKILL)
    until = time.monotonic() + 60
    while appliance.children()["front"] == front:
        assert time.monotonic() < until
        time.sleep(0.01)
    os.kill(appliance.pid, signal.SIGHUP)
    _wait_for_reload(appliance, before)
    _eventually(appliance, _public_profile(appliance))


def test_the_front_is_sandboxed(appliance: RunningAppliance) -> None:
    pid = appliance.children()["front"]
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
    )
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff")} == {0}
    environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    assert not any(item.startswith((b"SOFTHSM2_CONF=", b"SOFTTOKEN_TARGET=")) for item in environment)
    mapped = Path(f"/proc/{pid}/maps").read_text()
    assert "softtoken" not in mapped
    assert "softhsm" not in mapped


def test_the_listener_is_in_the_metrics(appliance: RunningAppliance) -> None:
    from urllib.request import urlopen

    with Connection(_public_profile(appliance)) as connection:
        connection.call(connection.signing.Sign, _SIGN)
        time.sleep(1.2)
        with urlopen(f"http://127.0.0.1:{appliance.metrics_port}/metrics", timeout=10) as answer:
            page = answer.read().decode()
    values = dict(line.rsplit(" ", 1) for line in page.splitlines() if line.startswith("signer_public"))
    assert float(values["signer_public_connections"]) >= 1
    assert float(values['signer_public_handshakes_total{result="ok"}']) >= 1
    for direction in ("received", "sent"):
        assert float(values[f'signer_public_bytes_total{{direction="{direction}"}}']) > 0
    assert 'signer_certificate_expiry_timestamp_seconds{use="public-listener"}' in page


# ---- the sidecar


def test_signer_connect_serves_any_grpc_program(appliance: RunningAppliance, tmp_path: Path) -> None:
    """A plain channel, as any language has it, to a socket of mode 0600; the certificate is the sidecar's."""
    path, profile = tmp_path / "signer.sock", appliance.directory / "clients" / "channel" / "profile.toml"
    command = [sys.executable, "-m", "signer.cli", "connect", "--profile", str(profile), "--socket", str(path)]
    sidecar = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert sidecar.stdout is not None
        assert str(path) in sidecar.stdout.readline()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with grpc.insecure_channel(f"unix:{path}", options=[("grpc.default_authority", "localhost")]) as channel:
            answer = SigningServiceStub(channel).Sign(_SIGN, timeout=20)
        assert _signed_by(answer.receipt) == "channel"
        again = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (again.returncode, "already" in again.stderr) == (5, True)
    finally:
        sidecar.terminate()
        assert sidecar.wait(20) == 0
    assert not path.exists()


def test_signer_connect_is_not_for_the_lan(appliance: RunningAppliance, tmp_path: Path) -> None:
    profile = appliance.directory / "clients" / "core" / "profile.toml"
    command = [
        sys.executable,
        "-m",
        "signer.cli",
        "connect",
        "--profile",
        str(profile),
        "--socket",
        str(tmp_path / "s"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert "smtls://" in done.stderr


def test_a_refused_certificate_is_told_to_the_caller(appliance: RunningAppliance, tmp_path: Path) -> None:
    pair = make_sm2_client(make_sm2_authority("other"), "channel", CLIENT_URI_PREFIX + "channel")
    (tmp_path / "cert.pem").write_bytes(pair.certificate_pem)
    (tmp_path / "key.pem").write_bytes(pair.key.reveal_pem())
    profile = replace(_public_profile(appliance), certificate=tmp_path / "cert.pem", key=tmp_path / "key.pem")
    with Connection(profile, timeout=10) as connection, pytest.raises(RemoteError) as caught:
        connection.call(connection.signing.Sign, _SIGN)
    assert caught.value.status == "UNAVAILABLE"
    assert "unknown ca" in caught.value.message


def test_many_signatures_come_in_order(appliance: RunningAppliance) -> None:
    with Connection(_public_profile(appliance)) as connection:
        requests = [sig.SignRequest(key="message-sm2" if n % 7 else "nobody", message=b"%d" % n) for n in range(250)]
        results = list(connection.sign_many(iter(requests), batch=100))
    assert [result.HasField("response") for result in results] == [bool(n % 7) for n in range(250)]
