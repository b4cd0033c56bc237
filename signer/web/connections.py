"""The portal's connections: accepted within limits, each with a time by which something must have happened, ended when it passed.

When they fill up, the address with most of them loses its oldest: a flood crowds out itself. Not for HTTP: the protocol of the
library is joined to each accepted socket (asyncio's `connect_accepted_socket`).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from monitoring import metrics
from signer.network_address import address_group
from signer.web.portal_config import Network, PortalLimits
from signer.web.proxies import is_within

_log = logging.getLogger(__name__)
_SWEEP_S = 0.5
_SHUTDOWN_S = 5.0
# Once in a second at the most, for each reason: a flood must not fill the disk.
_LOGGED_EVERY_S = 1.0
REFUSED_BECAUSE = ("too-many", "too-many-of-address", "crowded-out", "handshake", "too-slow")


@dataclass(eq=False)
class Visit:
    """One connection. `ends_at`: on the monotonic clock. `working`: a request is being answered."""

    address: str
    ends_at: float
    from_proxy: bool
    transport: asyncio.BaseTransport | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)
    working: bool = False

    def end(self) -> None:
        """At once, whatever is under way."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
        elif self.task is not None:
            self.task.cancel()


class _Server(web.Server):
    """Says which of its connections are gone."""

    def __init__(
        self, handler: Callable[[web.BaseRequest], object], on_lost: Callable[[object], None], **options: object
    ) -> None:
        super().__init__(handler, **options)  # type: ignore[arg-type]  # its options are the library's own
        self._on_lost = on_lost

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Called by the library at the end of each connection."""
        super().connection_lost(handler, exc)
        self._on_lost(handler)


class Connections:
    """Serves one listener."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], object],
        limits: PortalLimits,
        proxies: tuple[Network, ...],
        tls: Callable[[], ssl.SSLContext] | None,
    ) -> None:
        """`tls`: gives the context for the next connection; None: plain. `proxies`: exempt from limits of one address."""
        self._limits = limits
        self._proxies = proxies
        self._tls = tls
        self._visits: dict[Visit, None] = {}  # in the order of their coming
        self._by_handler: dict[object, Visit] = {}
        self._logged: dict[str, float] = {}
        # auto_decompress: a compressed body would not be bounded by its length.
        quiet = logging.getLogger("signer.web.protocol")
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False  # it quotes what clients send; what matters is logged by the portal itself
        self._server = _Server(
            handler,
            self._lost,
            access_log=None,
            logger=quiet,
            keepalive_timeout=float(limits.head_seconds),
            lingering_time=float(limits.head_seconds),
            max_line_size=4096,
            max_field_size=8190,
            max_headers=64,
            read_bufsize=256 * 1024,
            auto_decompress=False,
        )
        for reason in REFUSED_BECAUSE:
            metrics.portal_connections_refused.labels(reason)

    def visit(self, request: web.BaseRequest) -> Visit:
        """The connection that a request came on."""
        return self._by_handler[request.protocol]

    def begin_request(self, visit: Visit, seconds: float) -> None:
        """A head is complete; its answer must be made within that time."""
        visit.working, visit.ends_at = True, time.monotonic() + seconds

    def end_request(self, visit: Visit) -> None:
        """The answer is made; it must be taken, and the next request must be here, within `head_seconds` each."""
        visit.working, visit.ends_at = False, time.monotonic() + 2 * self._limits.head_seconds

    async def serve(self, listener: socket.socket) -> None:
        """Until it is cancelled. Connections that are there go on: see `drain`."""
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        sweeper = asyncio.create_task(self._sweep())
        try:
            while True:
                try:
                    accepted, peer = await loop.sock_accept(listener)
                except OSError as problem:  # no more descriptors, or the peer is gone already
                    _log.warning(
                        "a connection to the portal can't be accepted", extra={"fields": {"problem": problem.strerror}}
                    )
                    await asyncio.sleep(0.1)
                    continue
                self._welcome(accepted, str(peer[0]))
                await asyncio.sleep(0)  # a full queue must not keep those that were accepted waiting
        finally:
            sweeper.cancel()

    async def drain(self, seconds: float) -> None:
        """Idle connections end at once, others when they have their answer, or after that time."""
        until = time.monotonic() + seconds
        while self._visits and time.monotonic() < until:
            for visit in [visit for visit in self._visits if not visit.working]:
                visit.end()
            await asyncio.sleep(0.05)
        await self._server.shutdown(0.1)

    def _welcome(self, accepted: socket.socket, host: str) -> None:
        address, from_proxy = address_group(host), is_within(host, self._proxies)
        if not from_proxy and self._count(address) >= self._limits.connections_per_address:
            self._refused("too-many-of-address", address)
            accepted.close()
            return
        if len(self._visits) >= self._limits.connections:
            self._crowd_out()
        if len(self._visits) >= 2 * self._limits.connections:  # even those that were told to go are too many
            self._refused("too-many", address)
            accepted.close()
            return
        visit = Visit(address, time.monotonic() + self._limits.head_seconds, from_proxy)
        self._visits[visit] = None
        visit.task = asyncio.create_task(self._join(accepted, visit))
        # A task that is cancelled before its first step never runs: what it would have tidied up is done here.
        visit.task.add_done_callback(lambda task: self._not_joined(accepted, visit, task))

    async def _join(self, accepted: socket.socket, visit: Visit) -> None:
        def protocol() -> RequestHandler:
            handler = self._server()
            self._by_handler[handler] = visit
            return handler

        accepted.setblocking(False)
        secured = {} if self._tls is None else {"ssl": self._tls(), "ssl_handshake_timeout": self._limits.head_seconds}
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop = asyncio.get_running_loop()
        visit.transport, _ = await loop.connect_accepted_socket(protocol, accepted, **secured)  # type: ignore[arg-type]  # two options of one call

    def _not_joined(self, accepted: socket.socket, visit: Visit, task: asyncio.Task[None]) -> None:
        if task.cancelled() or isinstance(task.exception(), OSError):  # ssl.SSLError is an OSError
            self._refused("handshake", visit.address)
        elif (problem := task.exception()) is not None:
            _log.error("a connection to the portal failed", exc_info=problem)
        else:
            return
        self._forget(visit)
        accepted.close()

    def _count(self, address: str) -> int:
        return sum(visit.address == address for visit in self._visits)

    def _crowd_out(self) -> None:
        busiest, _ = Counter(visit.address for visit in self._visits).most_common(1)[0]
        oldest = next(visit for visit in self._visits if visit.address == busiest)
        self._refused("crowded-out", busiest)
        oldest.end()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            now = time.monotonic()
            for visit in [visit for visit in self._visits if visit.ends_at < now]:
                self._refused("too-slow", visit.address)
                visit.ends_at = now + _SHUTDOWN_S
                visit.end()

    def _lost(self, handler: object) -> None:
        visit = self._by_handler.pop(handler, None)
        if visit is not None:
            self._forget(visit)

    def _forget(self, visit: Visit) -> None:
        self._visits.pop(visit, None)
        for handler in [handler for handler, known in self._by_handler.items() if known is visit]:
            del self._by_handler[handler]

    def _refused(self, reason: str, address: str) -> None:
        metrics.portal_connections_refused.labels(reason).inc()
        now = time.monotonic()
        if now >= self._logged.get(reason, 0.0) + _LOGGED_EVERY_S:
            self._logged[reason] = now
            with suppress(OSError):
                _log.info(
                    "a connection to the portal was ended", extra={"fields": {"reason": reason, "address": address}}
                )
