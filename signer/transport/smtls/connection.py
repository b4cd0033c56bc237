"""One connection of the public listener, from the accepted socket to its end: handshake, peer, inner connection, bytes.

What comes through is HTTP/2 of a verified peer; it is not looked into. Not for accepting, limits over time and reloads: `front`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum
from weakref import WeakValueDictionary

from monitoring import metrics
from signer.network_address import address_group
from signer.smtls import Leg, SmTlsError, SmTlsReason, TlsStream, join
from signer.smtls.relay import receive_plain, shake_hands
from signer.transport.smtls.limits import Admission, ByteRate, Ended, PublicLimits, Visitor
from signer.transport.smtls.material import Material
from signer.transport.smtls.peer import VerifiedPeer
from signer.transport.smtls.workers import WorkerState

_log = logging.getLogger(__name__)
# RFC 9113, 3.4: what every client sends first. Nothing else ever reaches a worker.
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# A peer that is told to go but doesn't read is not waited for any longer than this.
_LAST_BYTES_S = 5.0
_LAST_ALERT_S = 1.0
_LAST_READS = 16

Connector = Callable[[str, str], Awaitable[tuple[WorkerState, socket.socket, TlsStream]]]


@dataclass(eq=False)
class Live:
    """A connection through which bytes flow."""

    peer: VerifiedPeer
    outer: Leg
    inner: Leg
    opened: float
    ended: StrEnum = Ended.BY_PEER_OR_WORKER

    @property
    def last_activity(self) -> float:
        """On the loop's clock: when either side last sent something."""
        return max(self.outer.last_received, self.inner.last_received)

    def end(self, why: StrEnum) -> None:
        """Ends both sides: after what is on its way, or soon without that."""
        if self.ended is Ended.BY_PEER_OR_WORKER:
            self.ended = why
            self.outer.close()
            self.inner.close()
            asyncio.get_running_loop().call_later(_LAST_BYTES_S, self._abort)

    def _abort(self) -> None:
        self.outer.abort()
        self.inner.abort()


class Terminator:
    """Serves accepted sockets. `material` answers with the state in force; `connect` opens inner connections."""

    def __init__(
        self,
        material: Callable[[], Material],
        connect: Connector,
        limits: PublicLimits,
        executor: Executor,
        *,
        is_counted: bool = True,
    ) -> None:
        """`is_counted` False: for the self-test, whose connections are in no metric."""
        self._material = material
        self._connect = connect
        self._limits = limits
        self._executor = executor
        self._admission = Admission(limits)
        self._rates: WeakValueDictionary[str, ByteRate] = WeakValueDictionary()
        self._is_counted = is_counted
        self.live: set[Live] = set()
        self.received_bytes = 0
        self.sent_bytes = 0

    async def serve(self, sock: socket.socket, host: str) -> StrEnum | None:
        """Until the connection's end. Why the peer was refused, None where it was served; raises for nothing that a peer does."""
        task = asyncio.current_task()
        assert task is not None
        visitor = Visitor(address_group(host), task, host)
        refused: StrEnum | None = self._admission.enter(visitor)
        with sock:
            if refused is None:
                try:
                    refused = await self._serve(sock, visitor)
                finally:
                    self._admission.leave(visitor)
        return refused

    async def _serve(self, sock: socket.socket, visitor: Visitor) -> StrEnum | None:
        stream = TlsStream(self._material().context, is_server=True)
        try:
            async with asyncio.timeout(self._limits.handshake_seconds):
                peer = await self._meet(sock, stream)
                first = await receive_plain(sock, stream, len(HTTP2_PREFACE))
        except SmTlsError as problem:
            self._admission.handshake_done(visitor)
            await _let_read(sock)
            return problem.reason
        except TimeoutError:
            return SmTlsReason.TIMEOUT
        except asyncio.CancelledError:
            if not visitor.crowded_out:
                raise
            visitor.task.uncancel()
            return Ended.HANDSHAKE_CROWDED_OUT
        self._admission.handshake_done(visitor)
        if not first.startswith(HTTP2_PREFACE):
            return Ended.NOT_HTTP2
        try:
            return await self._relay((sock, stream), visitor, peer, first)
        except SmTlsError as problem:
            return problem.reason

    async def _meet(self, sock: socket.socket, stream: TlsStream) -> VerifiedPeer:
        """The handshake. The judge is asked while it runs, so that a refusal is an alert, and exactly once."""
        judge = self._material().judge
        judged: list[VerifiedPeer] = []
        stream.judge = lambda chain: judged.append(judge.judge(chain))
        await shake_hands(sock, stream, self._executor)
        stream.require_h2()
        if len(judged) != 1 or stream.peer_certificate() != judged[0].chain[0].der:
            # OpenSSL settled on a peer that nobody judged (a resumed session would be such a case)
            raise SmTlsError(SmTlsReason.NO_CERTIFICATE, "the client's certificate was not judged")
        return judged[0]

    async def _relay(
        self, accepted: tuple[socket.socket, TlsStream], visitor: Visitor, peer: VerifiedPeer, first: bytes
    ) -> StrEnum | None:
        sock, stream = accepted
        worker, inner_sock, inner_stream = await self._connect(peer.name, visitor.host)
        rate = self._rate_of(peer.name)
        live: Live | None = None
        try:
            # Files may have changed since the handshake; from here on `front` judges again when they do.
            peer = self._material().judge.judge([certificate.der for certificate in peer.chain])
            outer = Leg(stream, lambda count: self._received(count, rate))
            inner = Leg(inner_stream, lambda count: self._sent(count, rate))
            live = Live(peer, outer, inner, asyncio.get_running_loop().time())
            self.live.add(live)
            if self._is_counted:
                metrics.public_connections.inc()
                metrics.public_handshakes.labels("ok").inc()
            await join((sock, outer), (inner_sock, inner), first)
            await outer.lost
            await inner.lost
        finally:
            worker.connections -= 1
            inner_sock.close()
            if live is not None:
                self._forget(live)
        return None

    def _forget(self, live: Live) -> None:
        live.outer.abort()  # where the task was cancelled; without effect on what has ended
        live.inner.abort()
        self.live.discard(live)
        if not self._is_counted:
            return
        metrics.public_connections.dec()
        metrics.public_connections_ended.labels(live.ended.value).inc()
        if live.ended is not Ended.BY_PEER_OR_WORKER:
            _log.info("connection ended", extra={"fields": {"reason": live.ended.value, "client": live.peer.name}})

    def _rate_of(self, name: str) -> ByteRate | None:
        if not self._limits.bytes_per_second:
            return None
        rate = self._rates.get(name) or ByteRate(self._limits.bytes_per_second)
        self._rates[name] = rate
        return rate

    def _received(self, count: int, rate: ByteRate | None) -> float:
        self.received_bytes += count
        return 0.0 if rate is None else rate.take(count)

    def _sent(self, count: int, rate: ByteRate | None) -> float:
        self.sent_bytes += count
        return 0.0 if rate is None else rate.take(count)


async def _let_read(sock: socket.socket) -> None:
    """Gives the peer a moment to read the alert: closing over bytes that it has sent meanwhile would take the alert back (RST)."""
    try:
        sock.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(_LAST_ALERT_S):
            for _ in range(_LAST_READS):
                if not await asyncio.get_running_loop().sock_recv(sock, 4096):
                    return
    except (OSError, TimeoutError):
        return
