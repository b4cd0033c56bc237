"""A client with a good certificate and bad intentions, by HTTP/2: what it does to its own connection is no matter of others.

Threat: T17.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import grpc
import pytest

from signer.certificates.sm2_tls import Sm2TlsPair
from signer.smtls import SmTlsError
from signer.transport.smtls.self_test import stranger
from tests.integration.smtls.front_harness import RunningFront, ask, running_front
from tests.integration.smtls.raw_client import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    OPENING,
    PING,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    RawClient,
    frame,
    literal,
    message,
    request_headers,
)

_ONE = request_headers("/test.Who/One")
_NUMBERS = range(1, 4001, 2)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFront]:
    with running_front(tmp_path_factory.mktemp("front")) as running:
        yield running


def _rapid_reset() -> Iterator[bytes]:
    """CVE-2023-44487: streams that are opened and cancelled at once."""
    for number in _NUMBERS:
        yield frame(HEADERS, END_HEADERS, number, _ONE) + frame(RST_STREAM, 0, number, b"\0\0\0\x08")


def _made_you_reset() -> Iterator[bytes]:
    """CVE-2025-8671: the server is made to reset, by a window of 0."""
    for number in _NUMBERS:
        yield frame(HEADERS, END_HEADERS, number, _ONE) + frame(WINDOW_UPDATE, 0, number, b"\0\0\0\0")


def _header_bomb() -> Iterator[bytes]:
    """Each request carries 60 kB of fields."""
    for number in range(1, 201, 2):
        yield frame(HEADERS, 0, number, _ONE)
        for part in range(4):
            fields = literal(b"x-bomb", b"b" * 15_000)
            yield frame(CONTINUATION, END_HEADERS if part == 3 else 0, number, fields)


def _endless_headers() -> Iterator[bytes]:
    """CVE-2024-27316: CONTINUATION without an end."""
    yield frame(HEADERS, 0, 1, _ONE)
    for _ in range(2000):
        yield frame(CONTINUATION, 0, 1, literal(b"x", b"y" * 1000))


def _hpack_bomb() -> Iterator[bytes]:
    """A field in the dynamic table (RFC 7541, 6.2.1), named by one byte ten thousand times."""
    field = b"\x40\x01x" + b"\x7f\x81\x1e" + b"y" * 4000
    yield frame(HEADERS, END_HEADERS, 1, _ONE + field)
    for number in range(3, 403, 2):
        yield frame(HEADERS, END_HEADERS, number, _ONE + b"\xbe" * 10_000)


def _settings_flood() -> Iterator[bytes]:
    for _ in range(5000):
        yield frame(SETTINGS, 0, 0, b"\0\x04" + os.urandom(1) + b"\0\0\0")


def _ping_flood() -> Iterator[bytes]:
    for _ in range(5000):
        yield frame(PING, 0, 0, b"12345678")


def _window_games() -> Iterator[bytes]:
    """Windows are closed and opened by single bytes while answers wait."""
    yield frame(SETTINGS, 0, 0, b"\0\x04\0\0\0\0")
    for number in range(1, 401, 2):
        yield frame(HEADERS, END_HEADERS, number, _ONE) + frame(DATA, END_STREAM, number, message(b"x" * 1000))
    for number in itertools.islice(itertools.cycle(range(1, 401, 2)), 3000):
        yield frame(WINDOW_UPDATE, 0, number, b"\0\0\0\x01")


def _empty_data() -> Iterator[bytes]:
    yield frame(HEADERS, END_HEADERS, 1, _ONE)
    for _ in range(20_000):
        yield frame(DATA, 0, 1)


def _too_large_frame() -> Iterator[bytes]:
    yield frame(DATA, 0, 1, b"")[:0] + b"\xff\xff\xff\0\0\0\0\0\x01" + bytes(100_000)


def _lying_message_length() -> Iterator[bytes]:
    yield frame(HEADERS, END_HEADERS, 1, _ONE) + frame(DATA, END_STREAM, 1, b"\0\xff\xff\xff\xff" + b"x" * 100)


def _goaway_and_on() -> Iterator[bytes]:
    for number in range(1, 101, 2):
        yield frame(GOAWAY, 0, 0, bytes(8)) + frame(HEADERS, END_HEADERS, number, _ONE)


def _nonsense() -> Iterator[bytes]:
    for _ in range(50):
        yield os.urandom(16_000)


_ABUSES: list[Callable[[], Iterator[bytes]]] = [
    _rapid_reset,
    _made_you_reset,
    _header_bomb,
    _endless_headers,
    _hpack_bomb,
    _settings_flood,
    _ping_flood,
    _window_games,
    _empty_data,
    _too_large_frame,
    _lying_message_length,
    _goaway_and_on,
    _nonsense,
]


def _abuse(front: RunningFront, pair: Sm2TlsPair, frames: Iterator[bytes]) -> None:
    with RawClient(front.port, timeout=10) as client:
        client.shake_hands(stranger(pair))
        client.send(OPENING)
        client.socket.settimeout(2)
        with suppress(SmTlsError, TimeoutError):
            for part in frames:
                client.send(part)


@pytest.mark.parametrize("abuse", _ABUSES, ids=lambda abuse: abuse.__name__.strip("_"))
def test_others_are_served_meanwhile(front: RunningFront, abuse: Callable[[], Iterator[bytes]]) -> None:
    bad, good = front.authority.client("bad"), front.authority.client("good")
    with front.channel(good) as channel:
        assert ask(channel) == b"good ?"
        attackers = [threading.Thread(target=_abuse, args=(front, bad, abuse())) for _ in range(2)]
        for attacker in attackers:
            attacker.start()
        while any(attacker.is_alive() for attacker in attackers):
            assert ask(channel, timeout=10) == b"good ?"
        for attacker in attackers:
            attacker.join()
        assert ask(channel) == b"good ?"
    with front.channel(bad) as channel:  # its own next connection too
        assert ask(channel) == b"bad ?"


def test_a_header_list_that_is_too_long_is_refused_by_name(front: RunningFront) -> None:
    with front.channel(front.authority.client("channel")) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary("/test.Who/One")(b"", timeout=10, metadata=[("x-bomb", "b" * 20_000)])  # type: ignore[arg-type]  # the stubs forget bytes
        assert "RESOURCE_EXHAUSTED" in str(caught.value) or "UNAVAILABLE" in str(caught.value)
        assert ask(channel) == b"channel ?"
