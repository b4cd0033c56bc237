"""What the boundary costs, as pieces of work: the log on the way of a signature, and SM-TLS before the workers.

Each against the same without it, or against the bare library. Not for how they are timed: `workload`.
"""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Callable
from typing import Any

from signer.smtls import Credentials, SmTlsSettings, TlsStream, client_context
from tests.bench.workload import Place

_ENTRY_BYTES = 330  # as a signature's entry has
BULK_BYTES = 8 << 20
# HTTP/2's preface and an empty SETTINGS frame (RFC 9113, 3.4).
OPENING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)
_CALLERS_OF_A_CONNECTION = 8

# ---- the log


def append_entry(place: Place, _thread: int) -> Callable[[], int]:
    """One entry, durable when the step returns; to whatever listens on `log.sock` in the directory."""
    from signer.audit.log_client import LogClient
    from signer.deadline import Deadline

    client = _shared("log", lambda: LogClient(place.directory / "log.sock"))

    def step() -> int:
        client.append([os.urandom(_ENTRY_BYTES // 2).hex().encode()], Deadline.after(60))
        return 1

    return step


# ---- calls


def _profile(place: Place, client: str) -> Any:
    from signer.client import load_profile

    return load_profile(place.directory / "clients" / client / "profile.toml").at(f"127.0.0.1:{place.port}")


def _caller(place: Place, client: str, thread: int) -> Any:
    """Some callers share a connection, as in a program that serves many users."""
    from signer.client import Connection

    number = thread // _CALLERS_OF_A_CONNECTION
    return _shared(f"{client}-{number}", lambda: Connection(_profile(place, client), timeout=60))


def sign_as(client: str) -> Callable[[Place, int], Callable[[], int]]:
    """Sign with SM2, by a client of the demo appliance: "core" over LAN mutual TLS, "channel" over SM-TLS."""
    return functools.partial(_sign_as, client)


def _sign_as(client: str, place: Place, thread: int) -> Callable[[], int]:
    from signer.v1 import signing_pb2

    connection = _caller(place, client, thread)

    def step() -> int:
        request = signing_pb2.SignRequest(key="message-sm2", message=os.urandom(32))
        assert connection.call(connection.signing.Sign, request).signature
        return 1

    return step


def send_bulk(place: Place, thread: int) -> Callable[[], int]:
    """8 MiB to a worker over SM-TLS, which reads them and refuses the rest of the request at once. Counts bytes."""
    from signer.client import RemoteError
    from signer.v1 import signing_pb2, types_pb2

    connection = _caller(place, "channel", thread * _CALLERS_OF_A_CONNECTION)
    request = signing_pb2.VerifyRequest(
        algorithm=types_pb2.SIGNATURE_ALGORITHM_SM2_SM3, public_key=b"none", message=bytes(BULK_BYTES), signature=b"0"
    )

    def step() -> int:
        try:
            connection.call(connection.signing.Verify, request)
        except RemoteError as refused:
            if refused.reason != "PUBLIC_KEY_MALFORMED":
                raise
        return BULK_BYTES

    return step


# ---- TLS by the bare library


def shake_hands(place: Place, _thread: int) -> Callable[[], int]:
    """A connection, its handshake, the first bytes of HTTP/2 both ways, and its end. Public listener or bare server alike."""
    context = _client_context(place)

    def step() -> int:
        sock, _ = _open(context, place.port)
        sock.close()
        return 1

    return step


def send_records(place: Place, _thread: int) -> Callable[[], int]:
    """8 MiB to the bare server in one go, which answers one byte when it has them. Counts bytes."""
    sock, stream = _open(_client_context(place), place.port)
    content = bytes(BULK_BYTES)

    def step() -> int:
        for first in range(0, len(content), 1 << 16):
            sock.sendall(stream.encrypt(content[first : first + (1 << 16)]))
        _receive(sock, stream)
        return BULK_BYTES

    return step


def _open(context: Any, port: int) -> tuple[socket.socket, TlsStream]:
    """A client's end after its handshake, and after the server's first bytes: they come from behind the front."""
    sock = socket.create_connection(("127.0.0.1", port), 60)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream = TlsStream(context, is_server=False, host="127.0.0.1")
    received = b""
    while not stream.handshake(received):
        sock.sendall(stream.outgoing())
        received = sock.recv(65536)
        assert received, "the server hung up"
    sock.sendall(stream.outgoing() + stream.encrypt(OPENING))
    _receive(sock, stream)
    return sock, stream


def _receive(sock: socket.socket, stream: TlsStream) -> None:
    while not stream.decrypt(b""):
        data = sock.recv(65536)
        assert data, "the server hung up"
        if stream.decrypt(data):
            return


def _client_context(place: Place) -> Any:
    profile = _profile(place, "channel")
    credentials = Credentials.read(profile.certificate, profile.key, profile.authority)
    return client_context(SmTlsSettings(), credentials)


_kept: dict[str, Any] = {}


def _shared(name: str, make: Callable[[], Any]) -> Any:
    """Made once in this process: `work` makes its steps one after the other."""
    if name not in _kept:
        _kept[name] = make()
    return _kept[name]
