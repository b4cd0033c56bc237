"""What happens to connections that live: revocation, expiry, new certificates, age, idleness, a worker's death, the front's end.

Threat: T15.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from signer.certificates.sm2_tls import Sm2TlsPair, make_sm2_authority, make_sm2_server
from signer.smtls import SmTlsError, SmTlsReason, SmTlsSettings
from signer.transport.smtls.limits import PublicLimits
from signer.transport.smtls.self_test import stranger
from tests.integration.smtls.front_harness import (
    DAY,
    LIMITS,
    RunningFront,
    ask,
    eventually,
    handshakes,
    running_front,
    workers,
)
from tests.integration.smtls.raw_client import OPENING, RawClient


@pytest.fixture
def front(tmp_path: Path) -> Iterator[RunningFront]:
    with running_front(tmp_path) as running:
        yield running


def _enter(front: RunningFront, pair: Sm2TlsPair) -> RawClient:
    client = RawClient(front.port)
    client.shake_hands(stranger(pair))
    client.send(OPENING)
    assert client.receive()  # the worker's own SETTINGS
    return client


def _ends(client: RawClient) -> SmTlsReason:
    with client:
        return client.wait_for_end().reason


def _refused(front: RunningFront, pair: Sm2TlsPair) -> bool:
    try:
        _enter(front, pair).socket.close()
    except SmTlsError:
        return True
    return False


def test_revocation_closes_the_connection_and_no_other(front: RunningFront) -> None:
    bad, good = front.authority.client("bad"), front.authority.client("good")
    with front.channel(good) as channel, _enter(front, bad) as revoked:
        assert ask(channel) == b"good ?"
        connections = len(front.front._terminator.live)
        front.authority.revoke(bad)
        assert revoked.wait_for_end().reason is SmTlsReason.PEER_CLOSED
        assert ask(channel, b"still here") == b"good still here"
        eventually(lambda: len(front.front._terminator.live) == connections - 1)
    assert _refused(front, bad)


def test_expiry_closes_the_connection(front: RunningFront) -> None:
    assert _ends(_enter(front, front.authority.client("short", valid=timedelta(seconds=2)))) is SmTlsReason.PEER_CLOSED


def test_without_a_current_crl_nobody_stays(front: RunningFront) -> None:
    client = _enter(front, front.authority.client("channel"))
    # its next update is due in a moment: make_crl dates it five minutes back
    front.authority.publish_crl(valid=timedelta(minutes=5, seconds=3))
    assert _ends(client) is SmTlsReason.PEER_CLOSED
    before = handshakes("revocation-unknown")
    assert _refused(front, front.authority.client("channel"))
    eventually(lambda: handshakes("revocation-unknown") == before + 1)
    front.authority.publish_crl()
    eventually(lambda: not _refused(front, front.authority.client("channel")))


def test_an_older_crl_takes_nothing_back(front: RunningFront) -> None:
    pair = front.authority.client("bad")
    front.authority.revoke(pair)
    eventually(lambda: _refused(front, pair))
    front.authority.revoked.clear()
    front.authority.publish_crl(number=1)  # a copy from before
    front.reload()
    time.sleep(1.5)
    assert _refused(front, pair)


@pytest.mark.parametrize("broken", ["crl/ca.crl", "server.pem", "server.key", "ca.pem"])
def test_a_broken_file_changes_nothing(front: RunningFront, broken: str, caplog: pytest.LogCaptureFixture) -> None:
    with front.channel(front.authority.client("channel")) as channel:  # which reads what it trusts now
        (front.authority.folder / broken).write_bytes(b"\0half a file")
        eventually(lambda: "the former ones stay in force" in caplog.text)
        assert ask(channel) == b"channel ?"


def _presented(front: RunningFront) -> bytes:
    with RawClient(front.port) as client:
        client.shake_hands(stranger(front.authority.client("channel")))
        assert client.stream is not None
        return client.stream.peer_certificate()


@pytest.mark.parametrize("by_signal", [False, True])
def test_a_new_server_certificate_is_taken_without_losing_anybody(front: RunningFront, by_signal: bool) -> None:
    with front.channel(front.authority.client("channel")) as channel:
        assert ask(channel) == b"channel ?"
        new = make_sm2_server(front.authority.pair, "127.0.0.1")
        front.authority.write_server(new)
        if by_signal:
            front.reload()
        eventually(lambda: _presented(front) == new.certificate)
        assert ask(channel) == b"channel ?"


def test_trust_that_is_withdrawn_ends_connections(front: RunningFront) -> None:
    client = _enter(front, front.authority.client("channel"))
    other = make_sm2_authority("another")
    (front.authority.folder / "ca.pem").write_bytes(other.certificate_pem)
    assert _ends(client) is SmTlsReason.PEER_CLOSED


@pytest.mark.parametrize(
    "limits", [replace(LIMITS, connection_seconds=1.0), replace(LIMITS, idle_seconds=1.0)], ids=["age", "idle"]
)
def test_who_ignores_goaway_is_cut_off(tmp_path: Path, limits: PublicLimits, monkeypatch: pytest.MonkeyPatch) -> None:
    """The raw client never answers anything: the worker's GOAWAY and pings go unheard."""
    monkeypatch.setattr("signer.transport.smtls.front.GRACE_SECONDS", 1.0)
    with running_front(tmp_path, limits) as front:
        begun = time.monotonic()
        _ends(_enter(front, front.authority.client("channel")))
        assert time.monotonic() - begun >= 0.9


def test_at_its_age_a_connection_is_replaced_without_a_failed_call(tmp_path: Path) -> None:
    with running_front(tmp_path, replace(LIMITS, connection_seconds=1.0)) as front:
        pair, before = front.authority.client("channel"), handshakes("ok")
        with front.channel(pair) as channel:
            until = time.monotonic() + 4
            while time.monotonic() < until:
                assert ask(channel) == b"channel ?"
        assert handshakes("ok") >= before + 2


def test_connections_spread_over_the_workers(front: RunningFront) -> None:
    pairs = [front.authority.client(f"c{number}") for number in range(6)]
    clients = [_enter(front, pair) for pair in pairs]
    assert [worker.connections for worker in front.front._hop.workers] == [3, 3]
    for client in clients:
        client.socket.close()
    eventually(lambda: [worker.connections for worker in front.front._hop.workers] == [0, 0])


def test_a_restarted_worker_is_proven_again_before_it_is_used(tmp_path: Path) -> None:
    with running_front(tmp_path) as front, front.channel(front.authority.client("channel")) as channel:
        assert ask(channel) == b"channel ?"
        hop = front.front._hop
        lives = {worker.name: worker.proven for worker in hop.workers}
        with workers(front.inner, LIMITS, "worker-0", "worker-1"):  # others in their place: new keys, new sockets
            eventually(lambda: all(worker.proven not in {None, lives[worker.name]} for worker in hop.workers))
            with front.channel(front.authority.client("channel")) as second:
                assert ask(second) == b"channel ?"


def test_ending_lets_calls_under_way_end_and_takes_no_new_connections(tmp_path: Path) -> None:
    with running_front(tmp_path) as front:
        port, pair = front.port, front.authority.client("channel")
        with front.channel(pair) as channel:
            assert ask(channel) == b"channel ?"
            front.stop()
            with pytest.raises(grpc.RpcError):
                ask(channel, timeout=2)
    with pytest.raises(OSError, match="refused"):
        RawClient(port)


def _hybrid_and_ccm() -> list[tuple[SmTlsSettings, str, str]]:
    return [
        (SmTlsSettings(hybrid=True), "TLS_SM4_GCM_SM3", "curveSM2MLKEM768"),
        (SmTlsSettings(ccm=True), "TLS_SM4_CCM_SM3", "curveSM2"),
    ]


@pytest.mark.parametrize(("settings", "suite", "group"), _hybrid_and_ccm())
def test_what_is_switched_on_is_spoken(tmp_path: Path, settings: SmTlsSettings, suite: str, group: str) -> None:
    with running_front(tmp_path, settings=settings) as front, RawClient(front.port) as client:
        client.shake_hands(stranger(front.authority.client("channel"), suites=suite, groups=group))
        assert client.stream is not None
        settled = client.stream.negotiated()
        assert (settled.suite, settled.group) == (suite, group)
        client.send(OPENING)
        assert client.receive()


def test_a_day_is_long_enough(front: RunningFront) -> None:
    """The harness's CRLs hold for a day, so that no test passes because of a stale one."""
    crl = front.front._material.current.judge.revocation
    assert crl is not None
    assert min(item.next_update - item.this_update for item in crl.lists) == DAY
