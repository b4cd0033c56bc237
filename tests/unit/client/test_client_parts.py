"""Profiles, retries, batches and the tunnel's socket, without an appliance."""

from __future__ import annotations

import random
import stat
import threading
import time
from pathlib import Path

import pytest
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from signer.client import ClientProfile, ProfileError, RemoteError, RetryPolicy, load_profile
from signer.client.batches import in_batches
from signer.client.profile import checked_address
from signer.client.tunnel import BackgroundTunnel, Tunnel, listen_privately
from signer.v1 import document_pb2 as doc
from signer.v1 import signing_pb2 as sig

_LINES = 'authority = "ca"\ncertificate = "c"\nkey = "k"\n'


def _load(folder: Path, text: str) -> ClientProfile:
    (folder / "p.toml").write_text(text)
    return load_profile(folder / "p.toml")


def test_the_scheme_of_the_address_chooses_the_tls(tmp_path: Path) -> None:
    lan = _load(tmp_path, 'address = "127.0.0.1:7443"\n' + _LINES)
    public = _load(tmp_path, 'address = "smtls://[::1]:7444"\n' + _LINES)
    assert (lan.is_smtls, lan.target) == (False, "127.0.0.1:7443")
    assert (public.is_smtls, public.target, public.host_and_port) == (True, "[::1]:7444", ("::1", 7444))
    assert public.at("h:1").address == "smtls://h:1"
    assert public.at("mtls://h:1").is_smtls is False


@pytest.mark.parametrize("address", ["", "host", "host:", ":1", "http://h:1", "smtls://h", "smtls://h:x", "h:١"])
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(ProfileError, match="no address"):
        checked_address(address)


@pytest.mark.parametrize("line", ['group = "X25519"', 'suite = "TLS_AES_128_GCM_SHA256"', 'grup = "x"', "group = 1"])
def test_unknown_settings_are_told(tmp_path: Path, line: str) -> None:
    with pytest.raises(ProfileError, match="allowed"):
        _load(tmp_path, f'address = "smtls://h:1"\n{_LINES}{line}\n')


# ---- retries


def _remote(status: str, reason: str = "", retry_after: float | None = None) -> RemoteError:
    return RemoteError(status, "m", reason, (), retry_after)


@pytest.mark.parametrize(
    ("problem", "request_made", "repeats"),
    [
        (_remote("UNAVAILABLE", "LOG_UNAVAILABLE", 1.0), sig.SignRequest(), True),
        (_remote("RESOURCE_EXHAUSTED", "OVERLOADED", 1.0), sig.SignRequest(), True),
        (_remote("RESOURCE_EXHAUSTED", "TOO_LARGE"), doc.VerifyDocumentRequest(), False),
        (_remote("UNAVAILABLE", "HSM_PIN_LOCKED"), sig.VerifyRequest(), False),
        (_remote("UNAVAILABLE"), sig.SignRequest(), False),
        (_remote("UNAVAILABLE"), sig.SignBatchRequest(), False),
        (_remote("UNAVAILABLE"), doc.SealDocumentRequest(), False),
        (_remote("UNAVAILABLE"), doc.IssueDocumentRequest(), True),
        (_remote("UNAVAILABLE"), sig.ListKeysRequest(), True),
        (_remote("DEADLINE_EXCEEDED"), sig.ListKeysRequest(), False),
        (_remote("INTERNAL", "INTERNAL", 1.0), sig.ListKeysRequest(), False),
        (_remote("PERMISSION_DENIED", "GRANT_MISSING"), sig.ListKeysRequest(), False),
    ],
)
def test_only_what_is_safe_is_repeated(problem: RemoteError, request_made: object, repeats: bool) -> None:
    assert (RetryPolicy().wait_after(problem, request_made, 1) is not None) == repeats
    assert RetryPolicy(attempts=3).wait_after(problem, request_made, 3) is None


def test_the_servers_delay_is_kept() -> None:
    for _ in range(50):
        wait = RetryPolicy().wait_after(_remote("RESOURCE_EXHAUSTED", "OVERLOADED", 2.0), sig.SignRequest(), 1)
        assert wait is not None
        assert 2.0 <= wait <= 3.0


def test_own_waits_grow_to_a_limit() -> None:
    policy = RetryPolicy(attempts=10, first_wait=1.0, longest_wait=3.0)
    waits = [policy.wait_after(_remote("UNAVAILABLE"), sig.ListKeysRequest(), attempt) or 0 for attempt in range(1, 9)]
    assert 0.5 <= waits[0] <= 1.0
    assert max(waits) <= 3.0
    assert min(waits[3:]) >= 1.5


def test_the_delay_is_read_from_the_status() -> None:
    packed = any_pb2.Any()
    packed.Pack(error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=1, nanos=500_000_000)))
    assert RemoteError.from_status(status_pb2.Status(code=8, message="m", details=[packed])).retry_after == 1.5


# ---- batches


def test_results_keep_their_order() -> None:
    sizes = []

    def send(items: list[int]) -> list[int]:
        sizes.append(len(items))
        time.sleep(random.random() / 100)
        return [item * 2 for item in items]

    assert list(in_batches(send, range(95), size=10, under_way=3)) == [n * 2 for n in range(95)]
    assert sorted(sizes) == [5] + [10] * 9


def test_no_more_is_read_than_is_under_way() -> None:
    taken = []

    def items() -> object:
        for number in range(1000):
            taken.append(number)
            yield number

    results = in_batches(lambda batch: batch, items(), size=10, under_way=2)  # type: ignore[arg-type, var-annotated]  # of ints
    assert next(results) == 0
    assert len(taken) <= 30
    results.close()  # type: ignore[attr-defined]  # it is a generator


def test_a_failed_batch_is_told_in_its_place() -> None:
    def send(items: list[int]) -> list[int]:
        if 15 in items:
            raise RemoteError("UNAVAILABLE", "m")
        return items

    results = in_batches(send, range(100), size=10, under_way=2)
    assert [next(results) for _ in range(10)] == list(range(10))
    with pytest.raises(RemoteError):
        next(results)


# ---- the tunnel's socket


def test_the_socket_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with listen_privately(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [file.name for file in tmp_path.iterdir()] == ["s"]
        with pytest.raises(ProfileError, match="already"):
            listen_privately(path)
    with listen_privately(path):  # what a killed one left is replaced
        pass
    with pytest.raises(ProfileError, match="no socket"):
        listen_privately(tmp_path / "nowhere" / "s")


def test_what_is_no_socket_stays(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("somebody's")
    for path in (file, tmp_path):
        with pytest.raises(ProfileError, match="something else"):
            listen_privately(path)
    assert file.read_text() == "somebody's"


@pytest.mark.parametrize("missing", ["authority", "certificate", "key"])
def test_files_that_cant_be_used_are_told_before_anything_starts(tmp_path: Path, missing: str) -> None:
    from signer.certificates.sm2_tls import make_sm2_authority, make_sm2_client

    authority = make_sm2_authority("a")
    client = make_sm2_client(authority, "c", "urn:signer:client:c")
    for name, content in (
        ("authority", authority.certificate_pem),
        ("certificate", client.certificate_pem),
        ("key", client.key.reveal_pem()),
    ):
        (tmp_path / name).write_bytes(b"garbage" if name == missing else content)
    profile = ClientProfile("smtls://127.0.0.1:1", tmp_path / "authority", tmp_path / "certificate", tmp_path / "key")
    with pytest.raises(ProfileError) as caught:
        Tunnel(profile)
    assert "PRIVATE" not in str(caught.value)
    before = set(threading.enumerate())  # an earlier test's threads may end meanwhile
    with pytest.raises(ProfileError):
        BackgroundTunnel(profile)
    assert not set(threading.enumerate()) - before
