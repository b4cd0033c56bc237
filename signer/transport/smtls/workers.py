"""The workers as the front sees them: which of them are proven, which has fewest connections, and how a connection is opened.

A worker is used only after `identity_proof` has seen it attribute calls rightly, and anew after each of its restarts.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from OpenSSL import SSL, crypto

from signer.certificates.tls import TlsPair
from signer.smtls import SmTlsError, SmTlsReason, TlsStream
from signer.smtls.relay import shake_hands
from signer.transport.smtls.inner import InnerAuthority, InnerDirectory

_CONNECT_TIMEOUT_S = 10.0


@dataclass
class WorkerState:
    """`identity`: what tells one life of the worker from the next. `connections`: of ours, open or being opened."""

    name: str
    identity: tuple[int, int] = (0, 0)
    proven: tuple[int, int] | None = None
    connections: int = 0
    context: SSL.Context | None = field(default=None, repr=False)


class InnerHop:
    """Opens inner connections. One for the process."""

    def __init__(self, directory: InnerDirectory, workers: Sequence[str], executor: Executor) -> None:
        self._directory = directory
        self._executor = executor
        self.authority = InnerAuthority()
        self.workers = tuple(WorkerState(name) for name in workers)

    def unproven(self) -> list[WorkerState]:
        """Workers that are there and wait to be proven: new ones and restarted ones."""
        return [worker for worker in self.workers if self._refresh(worker) and worker.proven != worker.identity]

    def usable(self) -> list[WorkerState]:
        """Proven workers, the one with fewest connections first."""
        proven = [worker for worker in self.workers if worker.proven is not None and worker.proven == worker.identity]
        return sorted(proven, key=lambda worker: worker.connections)

    async def connect(self, name: str, address: str) -> tuple[WorkerState, socket.socket, TlsStream]:
        """A connection to some worker, which reads this name and IP address out of its client certificate. The caller gives
        it back by `WorkerState.connections`.

        Raises:
            SmTlsError: UNREACHABLE; no proven worker takes it.
        """
        for worker in self.usable():
            worker.connections += 1
            try:
                sock, stream = await self.connect_to(worker, lambda: self.authority.client(name, address=address))
            except SmTlsError:
                worker.connections -= 1
                continue
            except BaseException:
                worker.connections -= 1
                raise
            return worker, sock, stream
        raise SmTlsError(SmTlsReason.UNREACHABLE, "no worker takes the connection")

    async def connect_to(
        self, worker: WorkerState, make_client: Callable[[], TlsPair] | None
    ) -> tuple[socket.socket, TlsStream]:
        """A connection to this worker. `make_client` None: without a certificate, for proving that this is refused.

        Raises:
            SmTlsError: it is not there, or not the worker that it says it is.
        """
        loop = asyncio.get_running_loop()
        if not self._refresh(worker) or worker.context is None:
            raise SmTlsError(SmTlsReason.UNREACHABLE, f"{worker.name} is not there")
        stream = TlsStream(worker.context, is_server=False, host=worker.name)
        if make_client is not None:
            pair = await loop.run_in_executor(self._executor, make_client)
            stream.present(pair.certificate, pair.key)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                await loop.sock_connect(sock, str(self._directory.socket_of(worker.name)))
                await shake_hands(sock, stream, self._executor)
                stream.require_h2()
        except (OSError, TimeoutError):
            sock.close()
            raise SmTlsError(SmTlsReason.UNREACHABLE, f"{worker.name} does not answer") from None
        except BaseException:
            sock.close()
            raise
        return sock, stream

    async def connect_plain(self, worker: WorkerState) -> socket.socket:
        """A connection without TLS, for proving that it leads to nothing. Raises SmTlsError (UNREACHABLE)."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, str(self._directory.socket_of(worker.name)))
        except OSError:
            sock.close()
            raise SmTlsError(SmTlsReason.UNREACHABLE, f"{worker.name} does not answer") from None
        return sock

    def _refresh(self, worker: WorkerState) -> bool:
        """Reads the worker's certificate again if it is another one than before. False: there is none."""
        file = self._directory.certificate_of(worker.name)
        try:
            state = file.stat()
            identity = (state.st_mtime_ns, state.st_ino)
            if identity != worker.identity:
                worker.context = _client_context(file.read_bytes())
                worker.identity = identity
        except (OSError, SSL.Error):
            worker.context = None
            return False
        return True


def _client_context(authority_pem: bytes) -> SSL.Context:
    """For connections to one worker, whose server certificate this authority issued. Certificates come per connection."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_verify(SSL.VERIFY_PEER)
    context.set_alpn_protos([b"h2"])
    store = context.get_cert_store()
    assert store is not None
    store.add_cert(crypto.load_certificate(crypto.FILETYPE_PEM, authority_pem))
    return context
