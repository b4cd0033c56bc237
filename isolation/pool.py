"""Pools of processes that share one listening unix socket: the kernel's queue of connections is the queue of work.

One request a connection. A process that dies costs its own request only; the supervisor starts another. `fork_server` is the
variant with a process for each request. Not for work with an effect: a caller may ask twice.
"""

from __future__ import annotations

import signal
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

from isolation.errors import FrameTooLarge, IsolationError, PeerClosed, PoolTimeout, PoolUnavailable
from isolation.frames import receive_frame, send_frame

# The caller has sent its request before it is connected for long; whoever dawdles must not hold a process.
_TRANSFER_TIMEOUT_S = 10.0


def serve_pool(
    listener: socket.socket, handle: Callable[[bytes], bytes], *, limit: int, wall_seconds: float = 0
) -> None:
    """Answers requests of at most `limit` bytes, one after another, for ever. `handle` must not raise.

    A request that takes longer than `wall_seconds` ends the process, by SIGALRM: whatever hangs in it can't be mended from
    inside. 0: no such limit. Requests whose callers have gone away meanwhile are not worked on.
    """
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(_TRANSFER_TIMEOUT_S)
            try:
                request = receive_frame(connection, limit=limit)
                if _is_gone(connection):
                    continue
                signal.setitimer(signal.ITIMER_REAL, wall_seconds)
                answer = handle(request)
                signal.setitimer(signal.ITIMER_REAL, 0)
                send_frame(connection, answer)
            except (OSError, IsolationError):
                continue  # the caller went away or sent nonsense; it sees the connection end


def _is_gone(connection: socket.socket) -> bool:
    """Whether the caller has closed its end while its request waited in the queue. It sends nothing after the request."""
    timeout = connection.gettimeout()
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(timeout)


def call_pool(path: Path, request: bytes, *, timeout: float, limit: int, again: bool) -> bytes:
    """The answer to a request; it waits its turn in the kernel's queue. `again`: ask once more where a process died over it.

    Raises:
        PoolUnavailable: nobody listens.
        PoolTimeout: no answer within `timeout` seconds.
        PeerClosed: the process died over the request (twice, with `again`).
        FrameTooLarge: the answer is longer than `limit`.
    """
    until = time.monotonic() + timeout
    try:
        return _call(path, request, until, limit)
    except PeerClosed:
        if not again:
            raise
        return _call(path, request, until, limit)


def _call(path: Path, request: bytes, until: float, limit: int) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        _connect(connection, path, until)
        try:
            connection.settimeout(_left(until))
            send_frame(connection, request)
            connection.settimeout(_left(until))
            return receive_frame(connection, limit=limit)
        except TimeoutError:
            raise PoolTimeout("no answer in time") from None
        except FrameTooLarge:
            raise
        except OSError:
            raise PeerClosed("the process died over the request") from None


def _connect(connection: socket.socket, path: Path, until: float) -> None:
    # A full queue is no error to a blocking connect, which waits for its turn in the kernel (SO_SNDTIMEO limits that); with
    # Python's own timeout the socket would be non-blocking, and connect would fail at once.
    seconds, fraction = divmod(_left(until), 1)
    connection.setsockopt(
        socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", int(seconds), int(fraction * 1_000_000) or 1)
    )
    try:
        connection.connect(str(path))
    except BlockingIOError:
        raise PoolTimeout("no process took the request in time") from None
    except OSError as problem:
        raise PoolUnavailable(f"nobody listens ({problem.strerror})") from None


def _left(until: float) -> float:
    return max(0.001, until - time.monotonic())
