"""An HTTP server that strangers can't fill up: few connections at once, each short, handshakes in the connection's own thread.

When it is full, the address with most connections loses its oldest: a flood crowds out itself. Not for what is answered.
"""

from __future__ import annotations

import logging
import socket
import socketserver
import ssl
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from monitoring import metrics
from monitoring.metrics_tls import TlsMaterial

_log = logging.getLogger(__name__)
# Lines in the log in a second: a flood must not fill the disk.
_REFUSALS_LOGGED = 5
_REASONS = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "no-certificate",
    "CERTIFICATE_VERIFY_FAILED": "certificate-refused",
}
REFUSED_BECAUSE = (*_REASONS.values(), "handshake-timeout", "protocol", "too-many")


@dataclass(eq=False)
class _Visit:
    """`socket`: the one to end it by; the TLS socket takes the place of the plain one that it was made from."""

    socket: socket.socket
    address: str
    began: float
    ended: bool = False

    def end(self) -> None:
        """Wakes its thread, which then ends it. Not SSLSocket.shutdown, which takes the TLS state away under its reader."""
        self.ended = True
        with suppress(OSError):  # gone already
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)


class BoundedServer(ThreadingHTTPServer):
    """`tls` None: plain. Seconds: for a handshake; for a connection from its beginning to its end."""

    most_connections = 32
    handshake_seconds = 10.0
    longest_seconds = 20.0
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], tls: TlsMaterial | None
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)
        self._tls = tls
        self._lock = threading.Lock()
        # By the accepted socket, in the order of their coming; guarded by the lock.
        self._visits: dict[Any, _Visit] = {}
        self._tick, self._logged = 0.0, 0
        for reason in REFUSED_BECAUSE:
            metrics.metrics_connections_refused.labels(reason)

    def server_bind(self) -> None:
        """Without http.server's question to the name service, which may take long and is of no use here."""
        socketserver.TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Gives the connection a thread, or ends it at once where even those that were told to go are too many."""
        visit = _Visit(request, client_address[0], time.monotonic())
        with self._lock:
            living = [other for other in self._visits.values() if not other.ended]
            full = len(living) >= self.most_connections
            if full:
                _crowd_out(living)
            fits = len(self._visits) < 2 * self.most_connections
            if fits:
                self._visits[request] = visit
        if full:
            self._refused("too-many", visit)
        if fits:
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        """The end of every connection."""
        with self._lock:  # nobody must end a socket whose number another one has by now
            self._visits.pop(request, None)
        super().shutdown_request(request)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake, where there is one, and the request."""
        if self._tls is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(self.handshake_seconds)
        context = self._tls.context()
        with self._lock:
            visit = self._visits[request]
            visit.socket = secured = context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        try:
            secured.do_handshake()
            super().finish_request(secured, client_address)
        except TimeoutError:
            self._refused("handshake-timeout", visit)
        except ssl.SSLError as problem:
            self._refused(_REASONS.get(problem.reason or "", "protocol"), visit)
        finally:
            with self._lock:
                visit.end()
                secured.close()

    def service_actions(self) -> None:
        """At least twice a second: ends what has lasted too long, however busy it looks."""
        now = time.monotonic()
        oldest = now - self.longest_seconds
        if now > self._tick + 1:
            self._tick, self._logged = now, 0
        with self._lock:
            for visit in self._visits.values():
                if visit.began < oldest and not visit.ended:
                    visit.end()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - socketserver's
        """A peer that goes away is nobody's fault; anything else is ours."""
        problem = sys.exc_info()[1]
        if not isinstance(problem, OSError):
            _log.error("a request for metrics failed", exc_info=problem)

    def _refused(self, reason: str, visit: _Visit) -> None:
        metrics.metrics_connections_refused.labels(reason).inc()
        self._logged += 1
        if self._logged <= _REFUSALS_LOGGED:
            fields = {"reason": reason, "address": visit.address}
            _log.info("a connection to the metrics listener was refused", extra={"fields": fields})


def _crowd_out(living: list[_Visit]) -> None:
    busiest, _ = Counter(visit.address for visit in living).most_common(1)[0]
    next(visit for visit in living if visit.address == busiest).end()
