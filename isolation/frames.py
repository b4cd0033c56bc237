"""Messages over a stream socket: a 4-byte big-endian length, then the bytes. Not a protocol: what they mean is the callers' own."""

from __future__ import annotations

import socket
import struct

from isolation.errors import FrameTooLarge, PeerClosed

_LENGTH = struct.Struct(">I")
_MAX_PAYLOAD = 0xFFFFFFFF


def send_frame(connection: socket.socket, payload: bytes) -> None:
    """Sends one message.

    Raises:
        FrameTooLarge: its length doesn't fit four bytes; nothing was sent then.
        OSError: the peer doesn't take it, TimeoutError among them.
    """
    if len(payload) > _MAX_PAYLOAD:
        raise FrameTooLarge(f"a message of {len(payload)} bytes can't be sent")
    connection.sendall(_LENGTH.pack(len(payload)))
    connection.sendall(payload)


def receive_frame(connection: socket.socket, *, limit: int) -> bytes:
    """Receives one message of at most `limit` bytes.

    Raises:
        PeerClosed: the connection ended before or within the message.
        FrameTooLarge: nothing of the message was read then.
        TimeoutError: the socket's own timeout passed.
    """
    (length,) = _LENGTH.unpack(_receive_exactly(connection, _LENGTH.size))
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
