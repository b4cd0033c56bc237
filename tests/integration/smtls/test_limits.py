"""Floods, dawdlers and greedy clients cost themselves, not the others.

Threat: T17.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from signer.transport.smtls.limits import PublicLimits
from signer.transport.smtls.self_test import stranger
from tests.integration.smtls.front_harness import (
    LIMITS,
    RunningFront,
    ask,
    eventually,
    handshakes,
    running_front,
)
from tests.integration.smtls.raw_client import OPENING, RawClient

_FEW = replace(LIMITS, handshakes=8, handshake_seconds=1.0)


@pytest.fixture
def front(tmp_path: Path) -> Iterator[RunningFront]:
    with running_front(tmp_path, _FEW) as running:
        yield running


def _wait_closed(sock: socket.socket) -> float:
    """Seconds until the server closes."""
    begun = time.monotonic()
    while sock.recv(65536):
        pass
    return time.monotonic() - begun


def test_silence_is_ended_at_the_deadline(front: RunningFront) -> None:
    before = handshakes("handshake-timeout")
    with RawClient(front.port) as client:
        assert _wait_closed(client.socket) >= 0.9
    eventually(lambda: handshakes("handshake-timeout") == before + 1)


def test_dripping_bytes_doesnt_move_the_deadline(front: RunningFront) -> None:
    with RawClient(front.port) as client:
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
        with pytest.raises(OSError, match=r"reset|Broken|closed"):
            _drip(client.socket, hello)


def _drip(sock: socket.socket, data: bytes) -> None:
    """A byte a tenth of a second, for much longer than any handshake may take."""
    for position in range(100):
        sock.send(data[position : position + 1] or b"\0")
        time.sleep(0.1)


def test_a_handshake_without_a_request_is_ended_at_the_deadline(front: RunningFront) -> None:
    before = handshakes("handshake-timeout")
    with RawClient(front.port) as client:
        client.shake_hands(stranger(front.authority.client("channel")))
        client.wait_for_end()
    eventually(lambda: handshakes("handshake-timeout") == before + 1)


def test_half_open_connections_crowd_out_each_other_and_not_a_client(tmp_path: Path) -> None:
    with running_front(tmp_path, replace(LIMITS, handshakes=16, handshake_seconds=30)) as front, ExitStack() as stack:
        before = handshakes("handshake-crowded-out")
        for _ in range(200):
            stack.enter_context(RawClient(front.port))
        with front.channel(front.authority.client("channel")) as channel:
            assert ask(channel) == b"channel ?"
        eventually(lambda: handshakes("handshake-crowded-out") >= before + 184)


@pytest.mark.parametrize(
    ("limit", "reason"),
    [("connections", "too-many-connections"), ("connections_per_address", "too-many-connections-of-address")],
)
def test_connections_are_counted(tmp_path: Path, limit: str, reason: str) -> None:
    with running_front(tmp_path, replace(LIMITS, **{limit: 3})) as front:
        pair, before = front.authority.client("channel"), handshakes(reason)
        clients = [_entered(front, pair) for _ in range(3)]
        with RawClient(front.port) as one_too_many:
            _wait_closed(one_too_many.socket)
        eventually(lambda: handshakes(reason) == before + 1)
        clients.pop().socket.close()
        eventually(lambda: len(front.front._terminator.live) == 2)
        clients.append(_entered(front, pair))
        for client in clients:
            client.socket.close()


def _entered(front: RunningFront, pair: Any) -> RawClient:
    client = RawClient(front.port)
    client.shake_hands(stranger(pair))
    client.send(OPENING)
    assert client.receive()
    return client


def test_bytes_a_second_hold_a_greedy_client_and_no_other(tmp_path: Path) -> None:
    limits: PublicLimits = replace(LIMITS, bytes_per_second=300_000)
    with running_front(tmp_path, limits) as front:
        greedy, modest = front.authority.client("greedy"), front.authority.client("modest")
        with front.channel(greedy) as many, front.channel(modest) as few:
            assert ask(few) == b"modest ?"
            large: Any = many.unary_unary("/test.Who/Large")
            begun = time.monotonic()
            answer = large.future(b"1500000", timeout=60)
            while not answer.done():
                assert ask(few, timeout=2) == b"modest ?"
                time.sleep(0.01)
            # the first second's bytes are free
            assert len(answer.result()) == 1_500_000
            assert time.monotonic() - begun > 2


def test_a_client_that_doesnt_read_fills_no_memory(front: RunningFront) -> None:
    """It asks for 30 MB and takes nothing: what lies between worker and client stays bounded."""
    from tests.integration.smtls.raw_client import (
        DATA,
        END_HEADERS,
        END_STREAM,
        HEADERS,
        WINDOW_UPDATE,
        frame,
        message,
        request_headers,
    )

    with _entered(front, front.authority.client("lazy")) as client:
        window = frame(WINDOW_UPDATE, 0, 0, (2**30).to_bytes(4, "big"))
        for number in range(1, 21, 2):
            window += frame(HEADERS, END_HEADERS, number, request_headers("/test.Who/Large"))
            window += frame(WINDOW_UPDATE, 0, number, (2**30).to_bytes(4, "big"))
            window += frame(DATA, END_STREAM, number, message(b"3000000"))
        client.send(window)
        (live,) = front.front._terminator.live
        eventually(lambda: "other side is full" in live.inner._holds)
        transport = live.outer._transport
        assert transport is not None
        sent = front.front._terminator.sent_bytes
        time.sleep(0.3)
        assert transport.get_write_buffer_size() < 2 << 20
        assert front.front._terminator.sent_bytes <= sent
        with front.channel(front.authority.client("other")) as channel:
            assert ask(channel) == b"other ?"
