"""Pools of processes that share one listening unix socket: the kernel's queue of connections is the queue of work.

One request a connection. A process that dies costs its own request only; the supervisor starts another. `fork_server` is the
variant with a process for each request.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from isolation.errors import FrameTooLarge, IsolationError, PeerClosed, PoolTimeout, PoolUnavailable
from isolation.frames import receive_frame, send_frame

# The caller has sent its request before it is connected for long; whoever dawdles must not hold a process.
_RECEIVE_TIMEOUT_S = 10.0


def serve_pool(listener: socket.socket, handle: Callable[[bytes], bytes], *, limit: int) -> None:
    """Answers requests of at most `limit` bytes, one after another, for ever. `handle` must not raise."""
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(_RECEIVE_TIMEOUT_S)
            try:
                send_frame(connection, handle(receive_frame(connection, limit=limit)))
            except (OSError, IsolationError):
                continue  # the caller went away or sent nonsense; it sees the connection end


def say_ready(ready_fd: int) -> None:
    """Tells the supervisor, over the pipe it handed us, that requests are answered from now on."""
    os.write(ready_fd, b"1")
    os.close(ready_fd)


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
        connection.settimeout(max(0.001, until - time.monotonic()))
        try:
            connection.connect(str(path))
        except TimeoutError:
            raise PoolTimeout("no process took the request in time") from None
        except OSError as problem:
            raise PoolUnavailable(f"nobody listens ({problem.strerror})") from None
        try:
            send_frame(connection, request)
            connection.settimeout(max(0.001, until - time.monotonic()))
            return receive_frame(connection, limit=limit)
        except TimeoutError:
            raise PoolTimeout("no answer in time") from None
        except FrameTooLarge:
            raise
        except OSError:
            raise PeerClosed("the process died over the request") from None
