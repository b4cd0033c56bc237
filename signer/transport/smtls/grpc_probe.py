"""Just enough of a gRPC client for the front's self-test: a few calls over one connection, without gRPC in the front's process.

RFC 9113 frames, header fields as HPACK literals (RFC 7541, 6.2.2), gRPC's length-prefixed messages. Of answers it reads only the
messages. Not a client for anything else: no flow control beyond the default window, no status.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping, Sequence

from signer.smtls import SmTlsError, SmTlsReason, TlsStream
from signer.smtls.relay import receive_some, send_all
from signer.transport.smtls.connection import HTTP2_PREFACE

_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY = 0, 1, 3, 4, 6, 7
_ACK, _END_STREAM, _END_HEADERS = 1, 1, 4
_FRAME_HEADER = 9
_REQUEST = b"?"


class GrpcProbe:
    """A client on a connection whose handshake is done. `stream` None: without TLS."""

    def __init__(self, sock: socket.socket, stream: TlsStream | None) -> None:
        self._sock = sock
        self._stream = stream
        self._received = b""
        self._next_stream = 1
        self._opening = HTTP2_PREFACE + _frame(_SETTINGS, 0, 0, b"")

    async def ask(self, path: str, metadata: Mapping[str, str], requests: int = 1) -> list[bytes]:
        """The answers' messages; fewer than expected where the server refuses the call.

        Raises:
            SmTlsError: the connection ended.
        """
        number, self._next_stream = self._next_stream, self._next_stream + 2
        headers = b"".join(_literal(name, value) for name, value in [*_pseudo_headers(path), *metadata.items()])
        message = struct.pack(">BI", 0, len(_REQUEST)) + _REQUEST
        body = _frame(_DATA, _END_STREAM, number, message * requests)
        await self._send(self._opening + _frame(_HEADERS, _END_HEADERS, number, headers) + body)
        self._opening = b""
        return _messages(await self._answer(number))

    async def _answer(self, number: int) -> bytes:
        data = b""
        while True:
            kind, flags, of_stream, payload = await self._next_frame()
            if kind == _SETTINGS and not flags & _ACK:
                await self._send(_frame(_SETTINGS, _ACK, 0, b""))
            elif kind == _PING and not flags & _ACK:
                await self._send(_frame(_PING, _ACK, 0, payload))
            elif kind == _GOAWAY:
                raise SmTlsError(SmTlsReason.PEER_CLOSED, "the worker ends the connection")
            elif of_stream == number:
                data += payload if kind == _DATA else b""
                if kind == _RST_STREAM or (kind in {_DATA, _HEADERS} and flags & _END_STREAM):
                    return data

    async def _next_frame(self) -> tuple[int, int, int, bytes]:
        await self._fill(_FRAME_HEADER)
        length = int.from_bytes(self._received[:3], "big")
        kind, flags, of_stream = struct.unpack(">BBI", self._received[3:_FRAME_HEADER])
        await self._fill(_FRAME_HEADER + length)
        payload = self._received[_FRAME_HEADER : _FRAME_HEADER + length]
        self._received = self._received[_FRAME_HEADER + length :]
        return kind, flags, of_stream & 0x7FFFFFFF, payload

    async def _fill(self, count: int) -> None:
        while len(self._received) < count:
            if self._stream is None:
                self._received += await receive_some(self._sock)
                continue
            plain = self._stream.decrypt(b"") or self._stream.decrypt(await receive_some(self._sock))
            if not plain and self._stream.is_closed:
                raise SmTlsError(SmTlsReason.PEER_CLOSED, "the worker closed the connection")
            self._received += plain

    async def _send(self, plain: bytes) -> None:
        await send_all(self._sock, plain if self._stream is None else self._stream.encrypt(plain))


def _pseudo_headers(path: str) -> Sequence[tuple[str, str]]:
    return [
        (":method", "POST"),
        (":scheme", "https"),
        (":path", path),
        (":authority", "localhost"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ]


def _literal(name: str, value: str) -> bytes:
    """A header field that is not indexed and not compressed; name and value shorter than 127 bytes."""
    encoded = [text.encode("ascii") for text in (name, value)]
    assert all(len(text) < 127 for text in encoded)
    return b"\0" + b"".join(bytes((len(text),)) + text for text in encoded)


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream) + payload


def _messages(data: bytes) -> list[bytes]:
    messages = []
    while len(data) >= 5:
        length = int.from_bytes(data[1:5], "big")
        messages.append(data[5 : 5 + length])
        data = data[5 + length :]
    return messages
