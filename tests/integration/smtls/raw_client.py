"""A client that does what it is told, byte by byte: any TLS context, any HTTP/2 frames, or nothing at all."""

from __future__ import annotations

import socket
import struct
from types import TracebackType

from OpenSSL import SSL

from signer.smtls import SmTlsError, SmTlsReason, TlsStream
from signer.transport.smtls.connection import HTTP2_PREFACE

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4


class RawClient:
    """A blocking connection. `stream` after `shake_hands`."""

    def __init__(self, port: int, timeout: float = 15) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.stream: TlsStream | None = None

    def __enter__(self) -> RawClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def shake_hands(self, context: SSL.Context) -> None:
        """Raises SmTlsError where either end refuses; the server's refusal of a certificate shows at the first `receive` only."""
        stream = self.stream = TlsStream(context, is_server=False)
        received = b""
        while not stream.handshake(received):
            self.socket.sendall(stream.outgoing())
            received = self._received()
        self.socket.sendall(stream.outgoing())

    def send(self, plain: bytes) -> None:
        """Raises SmTlsError (PEER_CLOSED)."""
        assert self.stream is not None
        try:
            self.socket.sendall(self.stream.encrypt(plain))
        except OSError:
            raise SmTlsError(SmTlsReason.PEER_CLOSED, "closed") from None

    def receive(self) -> bytes:
        """The next plain bytes. Raises SmTlsError at the end."""
        assert self.stream is not None
        plain = self.stream.decrypt(b"")
        while not plain:
            if self.stream.is_closed:
                raise SmTlsError(SmTlsReason.PEER_CLOSED, "closed")
            plain = self.stream.decrypt(self._received())
        return plain

    def wait_for_end(self) -> SmTlsError:
        """Reads until the server ends the connection; why, as far as TLS says."""
        try:
            while True:
                self.receive()
        except SmTlsError as problem:
            return problem

    def _received(self) -> bytes:
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            raise SmTlsError(SmTlsReason.PEER_CLOSED, "closed")
        return data


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """An HTTP/2 frame."""
    return len(payload).to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name: bytes, value: bytes) -> bytes:
    """A header field, not indexed, not compressed (RFC 7541, 6.2.2)."""
    return b"\0" + _integer(len(name)) + name + _integer(len(value)) + value


def _integer(value: int) -> bytes:
    """With a prefix of 7 bits (RFC 7541, 5.1)."""
    if value < 127:
        return bytes((value,))
    encoded, value = b"\x7f", value - 127
    while value >= 128:
        encoded += bytes((value % 128 + 128,))
        value //= 128
    return encoded + bytes((value,))


def request_headers(path: str) -> bytes:
    """What a gRPC call begins with."""
    fields = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", path.encode()), (b":authority", b"localhost")]
    fields += [(b"te", b"trailers"), (b"content-type", b"application/grpc")]
    return b"".join(literal(name, value) for name, value in fields)


def message(payload: bytes) -> bytes:
    """gRPC's length-prefixed message."""
    return struct.pack(">BI", 0, len(payload)) + payload


OPENING = HTTP2_PREFACE + frame(SETTINGS, 0, 0)
