"""Messages over a stream socket: a 4-byte big-endian length, then the bytes. Not a protocol: what they mean is the callers' own."""

from __future__ import annotations

import socket
import struct

from isolation.errors import FrameTooLarge, PeerClosed


def send_frame(connection: socket.socket, payload: bytes) -> None:
    """Sends one message. Raises OSError, TimeoutError among them, when the peer doesn't take it."""
    connection.sendall(struct.pack(">I", len(payload)))
    connection.sendall(payload)


def receive_frame(connection: socket.socket, *, limit: int) -> bytes:
    """Receives one message of at most `limit` bytes.

    Raises:
        PeerClosed: the connection ended before or within the message.
        FrameTooLarge: nothing of the message was read then.
        TimeoutError: the socket's own timeout passed.
    """
    (length,) = struct.unpack(">I", _receive_exactly(connection, 4))
    if length > limit:
        raise FrameTooLarge(f"a message of {length} bytes, the limit is {limit}")
    return _receive_exactly(connection, length)


def _receive_exactly(connection: socket.socket, length: int) -> bytes:
    buffer = bytearray(length)
    view = memoryview(buffer)
    received = 0
    while received < length:
        try:
            count = connection.recv_into(view[received:])
        except ConnectionResetError:
            count = 0
        if count == 0:
            raise PeerClosed("the connection ended within a message")
        received += count
    return bytes(buffer)
