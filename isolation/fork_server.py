"""A process for each request: a warmed parent accepts and forks; the child answers inside a sandbox and is gone.

Whatever a hostile file does to its process, the next request meets a fresh one. The parent has one thread and never reads
a request itself; it kills children that outlive their time. What confines the parent is its program's matter.
"""

from __future__ import annotations

import os
import select
import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from isolation.errors import IsolationError
from isolation.frames import receive_frame, send_frame
from isolation.landlock import FileRules
from isolation.sandbox import SandboxLimits, prepare_sandbox

_TICK_S = 0.5


@dataclass(frozen=True)
class ForkLimits:
    """`wall_seconds`: a child older than this is killed. `children`: at once; further requests wait in the kernel's queue.

    `crowded_seconds`: the same while others wait and every place is taken, so that a few requests that use all their time don't
    keep everybody else waiting; None: no such limit.
    """

    sandbox: SandboxLimits
    wall_seconds: float
    children: int
    request_bytes: int
    crowded_seconds: float | None = None


class ForkServer:
    """Serves one listening socket until SIGTERM."""

    def __init__(
        self, listener: socket.socket, handle: Callable[[bytes], bytes], readable: Sequence[Path], limits: ForkLimits
    ) -> None:
        """Raises OSError: the children's sandbox can't be made."""
        self._listener = listener
        self._handle = handle
        self._sandbox = prepare_sandbox(limits.sandbox, FileRules(readable))
        self._limits = limits
        self._kill_at: dict[int, float] = {}
        self._began: dict[int, float] = {}
        self._stopping = False

    def serve(self) -> None:
        """Returns after SIGTERM, when the last child has ended or was killed."""
        self._listener.setblocking(False)
        wake_read, wake_write = socket.socketpair()
        for end in (wake_read, wake_write):
            end.setblocking(False)
        signal.set_wakeup_fd(wake_write.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._on_stop)
        while not self._stopping or self._kill_at:
            with selectors.DefaultSelector() as selector:
                selector.register(wake_read, selectors.EVENT_READ)
                if not self._stopping and len(self._kill_at) < self._limits.children:
                    selector.register(self._listener, selectors.EVENT_READ)
                ready = {key.fileobj for key, _ in selector.select(_TICK_S)}
            if wake_read in ready:
                wake_read.recv(4096)
            self._make_room()
            self._reap()
            if self._listener in ready:
                self._accept()

    def _on_stop(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def _make_room(self) -> None:
        """Where all places are taken and somebody waits, the oldest child has had its time sooner."""
        crowded = self._limits.crowded_seconds
        if crowded is None or len(self._kill_at) < self._limits.children:
            return
        waiting, _, _ = select.select([self._listener], [], [], 0)
        if waiting:
            oldest = min(self._began, key=lambda pid: self._began[pid])
            self._kill_at[oldest] = min(self._kill_at[oldest], self._began[oldest] + crowded)

    def _reap(self) -> None:
        now = time.monotonic()
        for pid, kill_at in list(self._kill_at.items()):
            if now > kill_at:
                os.kill(pid, signal.SIGKILL)
            ended, _ = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._kill_at[pid], self._began[pid]

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # taken by another process of the pool, or gone already
            return
        with connection:
            try:
                pid = os.fork()
            except OSError:  # no process can be made now: this request ends, the next may do better
                return
            if pid == 0:
                self._answer_and_exit(connection)
        self._began[pid] = time.monotonic()
        self._kill_at[pid] = self._began[pid] + self._limits.wall_seconds

    def _answer_and_exit(self, connection: socket.socket) -> None:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._listener.close()
            connection.settimeout(self._limits.wall_seconds)
            self._sandbox.enter()
            send_frame(connection, self._handle(receive_frame(connection, limit=self._limits.request_bytes)))
            status = 0
        except (OSError, IsolationError, MemoryError, RecursionError):
            pass
        finally:
            os._exit(status)  # no clean-up of the parent's objects in the child
