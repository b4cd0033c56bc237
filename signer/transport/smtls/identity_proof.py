"""Proves of a worker, before it gets its first connection, that it attributes calls to the verified peer and to nobody else.

Two throw-away peers call through the real way of a connection (SM-TLS, inner certificate, worker), interleaved, each claiming in
its metadata to be the other; then strangers knock at the inner socket itself. A wrong answer ends the front.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from signer.certificates import Certificate, TrustStore
from signer.certificates.tls import TlsPair
from signer.errors import ApplianceError, Reason
from signer.smtls import SmTlsError, SmTlsReason, SmTlsSettings, TlsStream, client_context, server_context
from signer.smtls.relay import shake_hands
from signer.transport.identity import CLIENT_URI_PREFIX, RESERVED_PREFIX
from signer.transport.smtls.connection import Terminator
from signer.transport.smtls.grpc_probe import GrpcProbe
from signer.transport.smtls.inner import ASK_MANY, ASK_ONE, InnerAuthority, caller_answer
from signer.transport.smtls.limits import PublicLimits
from signer.transport.smtls.material import Material
from signer.transport.smtls.peer import PeerJudge
from signer.transport.smtls.self_test import ThrowAway
from signer.transport.smtls.workers import InnerHop, WorkerState

_TIMEOUT_S = 20.0
_STREAMED = 3
# Where the two callers pretend to come from: addresses that nobody has (RFC 5737, RFC 3849).
_PEERS = {"a": "192.0.2.1", "b": "2001:db8::2"}


class IdentityWrong(ApplianceError):
    """A worker believes what it must not. Nothing may be served until somebody has understood why."""

    def __init__(self, what: str) -> None:
        super().__init__(
            Reason.START_FAILED,
            f"identity self-test: {what}",
            "The public listener stays closed. Check that front and workers are of one version.",
        )


@dataclass(frozen=True)
class _Peer:
    name: str
    address: str
    probe: GrpcProbe


class IdentityProof:
    """Proves workers one at a time; remembers in `WorkerState.proven` which life of a worker was proven."""

    def __init__(self, hop: InnerHop, executor: Executor, settings: SmTlsSettings) -> None:
        self._hop = hop
        self._executor = executor
        self._settings = settings

    async def prove(self, worker: WorkerState) -> None:
        """Returns when the worker may be used.

        Raises:
            IdentityWrong: it must never be used.
            SmTlsError: it can't be reached now; ask again later.
        """
        life = worker.identity
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await self._prove_attribution(worker)
                await self._prove_strangers_refused(worker)
        except TimeoutError:
            raise SmTlsError(SmTlsReason.UNREACHABLE, f"{worker.name} does not answer the self-test") from None
        worker.proven = life

    # ---- calls through the front

    async def _prove_attribution(self, worker: WorkerState) -> None:
        throw_away = await asyncio.get_running_loop().run_in_executor(self._executor, ThrowAway.make)
        terminator = self._terminator(worker, throw_away)
        sockets: list[socket.socket] = []
        tasks: list[asyncio.Task[object]] = []
        try:
            peers = []
            for letter, address in _PEERS.items():
                near, far = socket.socketpair()
                near.setblocking(False)
                far.setblocking(False)
                sockets.append(far)
                tasks.append(asyncio.create_task(terminator.serve(near, address)))
                name = f"{RESERVED_PREFIX}{letter}.{secrets.token_hex(8)}"
                peers.append(_Peer(name, address, await self._call_as(name, throw_away, far)))
            for peer, other in (peers, peers[::-1], peers):
                await self._ask(peer, other)
        finally:
            for sock in sockets:
                sock.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _terminator(self, worker: WorkerState, throw_away: ThrowAway) -> Terminator:
        """The real one, with throw-away trust, and with this worker at the other end."""
        context = server_context(self._settings, throw_away.credentials(throw_away.server))
        trust = TrustStore((Certificate.load(throw_away.authority.certificate),))
        material = Material(context, PeerJudge(trust, None, for_self_test=True))

        async def connect(name: str, address: str) -> tuple[WorkerState, socket.socket, TlsStream]:
            client = partial(self._hop.authority.client, name, address=address)
            sock, stream = await self._hop.connect_to(worker, client)
            worker.connections += 1
            return worker, sock, stream

        return Terminator(lambda: material, connect, PublicLimits(), self._executor, is_counted=False)

    async def _call_as(self, name: str, throw_away: ThrowAway, sock: socket.socket) -> GrpcProbe:
        context = client_context(self._settings, throw_away.credentials(throw_away.client(CLIENT_URI_PREFIX + name)))
        stream = TlsStream(context, is_server=False, host="localhost")
        await shake_hands(sock, stream, self._executor)
        return GrpcProbe(sock, stream)

    async def _ask(self, peer: _Peer, other: _Peer) -> None:
        forged = {
            "x-forwarded-client-cert": f"URI={CLIENT_URI_PREFIX}{other.name}",
            "peer_uri": f"{CLIENT_URI_PREFIX}{other.name}",
        }
        answers = await peer.probe.ask(ASK_ONE, forged)
        answers += await peer.probe.ask(ASK_MANY, forged, _STREAMED)
        if answers != [caller_answer(peer.name, peer.address)] * (1 + _STREAMED):
            raise IdentityWrong("a call was not attributed to the peer that made it")

    # ---- calls past the front

    async def _prove_strangers_refused(self, worker: WorkerState) -> None:
        name = f"{RESERVED_PREFIX}stranger"
        strangers: dict[str, Callable[[], TlsPair] | None] = {
            "no certificate": None,
            "another authority's certificate": lambda: InnerAuthority().client(name),
            "a name of the other listener's form": lambda: self._hop.authority.client(name, CLIENT_URI_PREFIX),
        }
        for kind, make in strangers.items():
            await self._prove_silent(kind, self._hop.connect_to(worker, make))
        await self._prove_silent("no TLS", self._hop.connect_plain(worker))

    async def _prove_silent(
        self, kind: str, connecting: Awaitable[tuple[socket.socket, TlsStream] | socket.socket]
    ) -> None:
        try:
            connected = await connecting
            sock, stream = connected if isinstance(connected, tuple) else (connected, None)
            with sock:
                answers = await GrpcProbe(sock, stream).ask(ASK_ONE, {})
        except SmTlsError:  # refused in the handshake, or cut off at the first bytes
            return
        if answers:
            raise IdentityWrong(f"the inner socket answers a stranger with {kind}")
