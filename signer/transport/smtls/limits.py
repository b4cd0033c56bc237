"""What one peer may take from the others: connections, handshakes under way, bytes a second. Counting only; no sockets here."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

# gRPC in the worker asks a peer to go at its age or idleness (GOAWAY). Calls under way may still end, longer than any unary call
# may take; who is there after that is cut off.
GRACE_SECONDS = 150.0


@dataclass(frozen=True)
class PublicLimits:
    """Numbers and seconds. `bytes_per_second`: of one peer, both ways together, over all its connections; 0: no limit.

    `handshakes`: under way at once. `handshake_seconds`: until the peer has proven itself and begun to speak HTTP/2.
    """

    connections: int = 1000
    connections_per_address: int = 100
    handshakes: int = 64
    handshake_seconds: float = 10.0
    connection_seconds: float = 3600.0
    idle_seconds: float = 600.0
    bytes_per_second: int = 0


class Ended(StrEnum):
    """Why a connection was refused or ended, beside the reasons of TLS (`SmTlsReason`); label values of metrics."""

    TOO_MANY_CONNECTIONS = "too-many-connections"
    TOO_MANY_OF_ADDRESS = "too-many-connections-of-address"
    HANDSHAKE_CROWDED_OUT = "handshake-crowded-out"
    NOT_HTTP2 = "not-http2"
    BY_PEER_OR_WORKER = "closed"
    AGE = "age"
    IDLE = "idle"
    DRAINED = "drained"


@dataclass(eq=False)
class Visitor:
    """A connection from its acceptance on. `task`: serves it. `address`: the group that limits are for; `host`: itself."""

    address: str
    task: asyncio.Task[object]
    host: str = ""
    crowded_out: bool = False


class Admission:
    """Who may come in. When handshakes fill up, the address with most of them loses its oldest: a flood crowds out itself."""

    def __init__(self, limits: PublicLimits) -> None:
        self._limits = limits
        self._connections = 0
        self._by_address: Counter[str] = Counter()
        self._handshakes: dict[Visitor, None] = {}  # in the order of their beginning

    def enter(self, visitor: Visitor) -> Ended | None:
        """None: it may stay, and its handshake counts from now; call `leave` at its end. Otherwise why it may not."""
        if self._connections >= self._limits.connections:
            return Ended.TOO_MANY_CONNECTIONS
        if self._by_address[visitor.address] >= self._limits.connections_per_address:
            return Ended.TOO_MANY_OF_ADDRESS
        if len(self._handshakes) >= self._limits.handshakes:
            self._crowd_out()
        self._connections += 1
        self._by_address[visitor.address] += 1
        self._handshakes[visitor] = None
        return None

    def handshake_done(self, visitor: Visitor) -> None:
        """It counts as a connection only, from now on."""
        self._handshakes.pop(visitor, None)

    def leave(self, visitor: Visitor) -> None:
        """It is gone."""
        self.handshake_done(visitor)
        self._connections -= 1
        self._by_address[visitor.address] -= 1
        if not self._by_address[visitor.address]:
            del self._by_address[visitor.address]

    def _crowd_out(self) -> None:
        busiest, _ = Counter(visitor.address for visitor in self._handshakes).most_common(1)[0]
        oldest = next(visitor for visitor in self._handshakes if visitor.address == busiest)
        del self._handshakes[oldest]
        oldest.crowded_out = True
        oldest.task.cancel()


class ByteRate:
    """A token bucket of one second's bytes."""

    def __init__(self, bytes_per_second: int) -> None:
        self._rate = bytes_per_second
        self._left = float(bytes_per_second)
        self._at = time.monotonic()

    def take(self, count: int) -> float:
        """Seconds to wait before more is taken; 0 while the peer keeps to its rate."""
        now = time.monotonic()
        self._left = min(self._rate, self._left + (now - self._at) * self._rate) - count
        self._at = now
        return max(0.0, -self._left / self._rate)
