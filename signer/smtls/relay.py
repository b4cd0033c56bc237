"""Joins two connections so that bytes flow both ways, each side in its own TLS or in none; and the handshakes before that.

asyncio on plain sockets. A side that doesn't read stops the other side's reading, so that nothing piles up in between.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Executor

from signer.smtls.errors import SmTlsError, SmTlsReason
from signer.smtls.stream import TlsStream

_HANDSHAKE_READ = 16 * 1024
# What is read at once. More than this comes from and goes back to the kernel page by page in every allocation that follows
# (glibc's M_MMAP_THRESHOLD), and lets the other end of the way wait for the first byte.
_READ = 64 * 1024
# How many bytes may wait for a side that doesn't read, before the other side is no longer read.
_HIGH_WATER = 256 * 1024

# Told how many bytes came; answers for how many seconds no more should be read.
Meter = Callable[[int], float]


async def shake_hands(sock: socket.socket, stream: TlsStream, executor: Executor | None) -> None:
    """Drives the handshake on a non-blocking socket; its arithmetic runs in the executor, so that other connections go on.

    Raises:
        SmTlsError: why there is no connection. The peer has been told where TLS has words for it.
    """
    loop = asyncio.get_running_loop()
    received = b""
    while True:
        try:
            done = await loop.run_in_executor(executor, stream.handshake, received)
        except SmTlsError:
            await _try_to_send(sock, stream.outgoing())
            raise
        if outgoing := stream.outgoing():
            await send_all(sock, outgoing)
        if done:
            return
        received = await receive_some(sock)


async def receive_plain(sock: socket.socket, stream: TlsStream, at_least: int) -> bytes:
    """The first plain bytes after a handshake. Raises SmTlsError: PEER_CLOSED, PROTOCOL."""
    plain = stream.decrypt(b"")
    while len(plain) < at_least:
        if stream.is_closed:
            raise SmTlsError(SmTlsReason.PEER_CLOSED, "the peer closed the connection")
        plain += stream.decrypt(await receive_some(sock))
    return plain


async def receive_some(sock: socket.socket) -> bytes:
    """The next bytes of the network. Raises SmTlsError (PEER_CLOSED)."""
    try:
        received = await asyncio.get_running_loop().sock_recv(sock, _HANDSHAKE_READ)
    except OSError:
        received = b""
    if not received:
        raise SmTlsError(SmTlsReason.PEER_CLOSED, "the peer closed the connection")
    return received


async def send_all(sock: socket.socket, data: bytes) -> None:
    """To the network. Raises SmTlsError (PEER_CLOSED)."""
    try:
        await asyncio.get_running_loop().sock_sendall(sock, data)
    except OSError:
        raise SmTlsError(SmTlsReason.PEER_CLOSED, "the peer closed the connection") from None


async def _try_to_send(sock: socket.socket, alert: bytes) -> None:
    """An alert is a courtesy: nobody waits for a peer that doesn't read it."""
    if alert:
        try:
            sock.send(alert)
        except OSError:
            return


_of_thread = threading.local()


def _read_buffer() -> memoryview:
    """One for all legs of an event loop: what was received is taken up before the next is read."""
    if not hasattr(_of_thread, "room"):
        _of_thread.room = memoryview(bytearray(_READ))
    buffer: memoryview = _of_thread.room
    return buffer


class Leg(asyncio.BufferedProtocol):
    """One side of a joined pair. `stream`: None for a side without TLS."""

    def __init__(self, stream: TlsStream | None, meter: Meter | None = None) -> None:
        self._stream = stream
        self._meter = meter
        self._transport: asyncio.Transport | None = None
        self._early: list[bytes] = []
        self._holds: set[str] = set()
        self._loop = asyncio.get_running_loop()
        self._room = _read_buffer()
        self.other: Leg | None = None
        self.problem: SmTlsError | None = None  # why this side's TLS ended, where it didn't end in order
        self.last_received = self._loop.time()
        self.lost: asyncio.Future[None] = self._loop.create_future()

    # ---- called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends what came too early."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=_HIGH_WATER)
        for plain in self._early:
            self.send(plain)
        self._early.clear()
        if self._holds:
            transport.pause_reading()

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Where to put what is received."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """To the other side."""
        self.last_received = self._loop.time()
        if self._meter is not None:
            self._throttle(self._meter(nbytes))
        received = self._room[:nbytes]
        stream = self._stream
        if stream is None:
            data = bytes(received)
        else:
            try:
                data = stream.decrypt(received)
            except SmTlsError as problem:
                self.problem = problem
                self.abort()
                return
            if not data:
                self._write(stream.outgoing())  # an answer to a control record
        if data and self.other is not None:
            self.other.send(data)
        if stream is not None and stream.is_closed:
            self.close()

    def pause_writing(self) -> None:
        """This side doesn't read: the other side waits."""
        if self.other is not None:
            self.other.hold("other side is full")

    def resume_writing(self) -> None:
        """It reads again."""
        if self.other is not None:
            self.other.release("other side is full")

    def connection_lost(self, _problem: Exception | None) -> None:
        """Ends the other side too, after what was still on its way."""
        if not self.lost.done():
            self.lost.set_result(None)
        if self.other is not None:
            self.other.close()

    # ---- called by the other side and by whoever looks after the pair

    def send(self, plain: bytes) -> None:
        """Sends plain bytes to this side."""
        if self._transport is None:
            self._early.append(plain)
        elif not self._transport.is_closing():
            try:
                self._transport.write(plain if self._stream is None else self._stream.encrypt(plain))
            except SmTlsError as problem:
                self.problem = problem
                self.abort()

    def hold(self, why: str) -> None:
        """Stops reading; any number of reasons may hold at once."""
        self._holds.add(why)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def release(self, why: str) -> None:
        """Reads again when no reason is left."""
        self._holds.discard(why)
        if not self._holds and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        """Ends this side after what is on its way to it."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._stream is not None:
            self._write(self._stream.close())
        self._transport.close()

    def abort(self) -> None:
        """Ends this side at once."""
        if self._transport is not None:
            self._transport.abort()

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _throttle(self, seconds: float) -> None:
        if seconds > 0:
            self.hold("too fast")
            self._loop.call_later(seconds, self.release, "too fast")


async def join(outer: tuple[socket.socket, Leg], inner: tuple[socket.socket, Leg], first: bytes) -> None:
    """Lets bytes flow between two legs; `first` came from outside already. Returns when both legs are connected.

    `Leg.lost` of both tells the end. The sockets belong to the legs from now on.
    """
    loop = asyncio.get_running_loop()
    outer[1].other, inner[1].other = inner[1], outer[1]
    inner[1].send(first)
    await loop.connect_accepted_socket(lambda: inner[1], inner[0])
    await loop.connect_accepted_socket(lambda: outer[1], outer[0])
