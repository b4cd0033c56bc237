"""The workers' side of the log writer: sends entries, waits until they are durable.

Each waiting thread holds a connection of its own; connections are kept for the next one.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isolation.errors import IsolationError
from isolation.frames import receive_frame
from monitoring import metrics
from signer.audit.log import Receipt
from signer.deadline import Deadline
from signer.errors import ApplianceError, Reason

_LONGEST_WAIT_S = 5.0
_MAX_ANSWER_BYTES = 4096


@dataclass(frozen=True)
class LogConfig:
    """`directory`: holds the log file. `socket`: where the writer listens. `log_id`: the log's name in receipts."""

    directory: Path
    socket: Path
    log_id: str

    @property
    def file(self) -> Path:
        """The log file."""
        return self.directory / "log"


class LogClient:
    """A `Log` whose writer is another process."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._lock = threading.Lock()
        self._idle: list[socket.socket] = []  # guarded by _lock

    @classmethod
    def from_config(cls, config: LogConfig) -> LogClient:
        """Connects at the first append."""
        return cls(config.socket)

    def append(self, entries: Sequence[bytes], deadline: Deadline) -> list[Receipt]:
        """See `Log.append`. Not repeated on a broken connection: the entries may be durable, and a use is recorded once."""
        started = time.monotonic()
        payload = b"".join(struct.pack(">I", len(entry)) + entry for entry in entries)
        connection = self._take(min(deadline.remaining(), _LONGEST_WAIT_S))
        try:
            connection.sendall(struct.pack(">I", len(payload)) + payload)  # at once: the writer wakes up once
            answer = receive_frame(connection, limit=_MAX_ANSWER_BYTES)
        except (OSError, IsolationError) as problem:
            connection.close()
            raise _unavailable("the log writer does not answer") from problem
        with self._lock:
            self._idle.append(connection)
        if answer[:1] != b"\x00":
            raise _unavailable(answer[1:].decode("utf-8", "replace"))
        metrics.log_append_seconds.observe(time.monotonic() - started)
        first = struct.unpack_from(">Q", answer, 1)[0]
        log_id = answer[9:].decode()
        return [Receipt(log_id, first + offset, entry) for offset, entry in enumerate(entries)]

    def _take(self, wait: float) -> socket.socket:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is not None and _is_closed(connection):  # the writer was restarted meanwhile
            connection.close()
            self._forget_idle()
            connection = None
        if connection is None:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.settimeout(wait)
                connection.connect(self._path)
            except OSError as problem:
                connection.close()
                raise _unavailable("the log writer can't be reached") from problem
        connection.settimeout(wait)
        return connection

    def _forget_idle(self) -> None:
        with self._lock:
            stale, self._idle = self._idle, []
        for connection in stale:
            connection.close()

    def close(self) -> None:
        """Closes idle connections."""
        self._forget_idle()


def _is_closed(connection: socket.socket) -> bool:
    connection.settimeout(0)  # with a timeout, Python would wait for data before it peeks
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _unavailable(what: str) -> ApplianceError:
    metrics.log_failures.inc()
    return ApplianceError(
        Reason.LOG_UNAVAILABLE,
        f"nothing is signed without a record: {what}",
        "Retry in a second; see the log writer's own messages if it goes on.",
    )
