"""A central log collector for tests: a TLS listener of Python's ssl that takes RFC 5425 frames, one connection after another."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path
from types import TracebackType

from signer.certificates.tls import TlsPair, make_authority, make_client, make_server


def write_pair(folder: Path, name: str, pair: TlsPair) -> tuple[Path, Path]:
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(pair.certificate_pem)
    key.write_bytes(pair.key_pem)
    return certificate, key


class Collector:
    """`messages`: what came whole. `ended`: how many connections ended with close_notify. `fail_after`: bytes after which it hangs up."""

    def __init__(self, folder: Path, *, host: str = "127.0.0.1", wants_certificate: bool = False) -> None:
        authority = make_authority("collectors")
        self.authority, _ = write_pair(folder, "collector-ca", authority)
        certificate, key = write_pair(folder, "collector", make_server(authority, host))
        self.client = write_pair(folder, "sender", make_client(authority, "sender", "urn:sender"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if wants_certificate:
            context.load_verify_locations(self.authority)
            context.verify_mode = ssl.CERT_REQUIRED
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.messages: list[bytes] = []
        self.ended = 0
        self.fail_after: int | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Collector:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            try:
                with self._context.wrap_socket(plain, server_side=True) as connection:
                    self._take(connection)
            except OSError:
                continue

    def _take(self, connection: ssl.SSLSocket) -> None:
        received = b""
        while data := connection.recv(65536):  # b"" only for a close_notify: ragged ends raise
            received += data
            if self.fail_after is not None and len(received) >= self.fail_after:
                return
        self.ended += 1
        while received:
            length, _, received = received.partition(b" ")
            self.messages.append(received[: int(length)])
            received = received[int(length) :]
