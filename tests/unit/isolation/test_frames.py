"""Frames over real socket pairs: whole, too long, cut short, late."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isolation.errors import FrameTooLarge, IsolationError, PeerClosed
from isolation.frames import receive_frame, send_frame


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair()
    with left, right:
        left.settimeout(5)
        right.settimeout(5)
        yield left, right


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=5_000), max_size=5))
def test_messages_come_out_as_they_went_in(messages: list[bytes]) -> None:
    left, right = socket.socketpair()
    with left, right:
        for message in messages:
            send_frame(left, message)
        assert [receive_frame(right, limit=5_000) for _ in messages] == messages


def test_a_message_larger_than_any_socket_buffer(pair: tuple[socket.socket, socket.socket]) -> None:
    message = bytes(range(256)) * 40_000
    sender = threading.Thread(target=send_frame, args=(pair[0], message))
    sender.start()
    assert receive_frame(pair[1], limit=len(message)) == message
    sender.join()


def test_exactly_the_limit_passes_and_one_more_is_refused_unread(pair: tuple[socket.socket, socket.socket]) -> None:
    send_frame(pair[0], b"12345")
    assert receive_frame(pair[1], limit=5) == b"12345"
    send_frame(pair[0], b"123456")
    with pytest.raises(FrameTooLarge, match="6 bytes"):
        receive_frame(pair[1], limit=5)
    assert pair[1].recv(100) == b"123456"


def test_a_length_near_four_gigabytes_costs_no_memory(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[0].sendall(b"\xff\xff\xff\xff")
    with pytest.raises(FrameTooLarge):
        receive_frame(pair[1], limit=1 << 20)


@pytest.mark.parametrize("sent", [b"", b"\0", b"\0\0\0", struct.pack(">I", 4), struct.pack(">I", 4) + b"abc"])
def test_an_end_within_a_message_is_told(pair: tuple[socket.socket, socket.socket], sent: bytes) -> None:
    pair[0].sendall(sent)
    pair[0].close()
    with pytest.raises(PeerClosed):
        receive_frame(pair[1], limit=100)


def test_silence_is_a_timeout(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[1].settimeout(0.05)
    with pytest.raises(TimeoutError):
        receive_frame(pair[1], limit=100)


def test_errors_have_one_root() -> None:
    assert issubclass(PeerClosed, IsolationError)
    assert issubclass(FrameTooLarge, IsolationError)
