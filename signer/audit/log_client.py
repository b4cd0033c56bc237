"""The workers' side of the log writer: sends entries, waits until they are durable.

Each waiting thread holds a connection of its own; connections are kept for the next one.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from monitoring import metrics
from signer.audit.log import Receipt
from signer.deadline import Deadline
from signer.errors import ApplianceError, Reason

# Nobody waits longer for a log that takes nothing: signing stops within this time, and goes on by itself.
_LONGEST_WAIT_S = 1.0
_MAX_ANSWER_BYTES = 4096
_LENGTH = struct.Struct(">I")
_INDEX = struct.Struct(">Q")
_DONE = 0


@dataclass(frozen=True)
class WitnessConfig:
    """A witness whose cosignatures count. `public_key_file`: SubjectPublicKeyInfo, PEM."""

    name: str
    public_key_file: Path


@dataclass(frozen=True)
class TimestampConfig:
    """An RFC 3161 authority for tree heads. `anchors`: PEM, what its certificates lead to. `tls_authority`: PEM, for https; None: the
    system's own.
    """

    url: str
    anchors: Path
    tls_authority: Path | None


@dataclass(frozen=True)
class LogConfig:
    """`directory`: holds journal, tiles and checkpoint. `socket`: where the writer listens. `log_id`: the log's name in receipts,
    and its origin. `public_key_file`: SubjectPublicKeyInfo (PEM) of the key that signs checkpoints.

    `head_file`: where the writer keeps its last signed head a second time. `known_checkpoints`: heads that were kept elsewhere.
    `journal_limit`: bytes from which on the journal is rotated. `online_months`: younger entries are never moved out.
    """

    directory: Path
    socket: Path
    log_id: str
    public_key_file: Path
    head_file: Path
    known_checkpoints: tuple[Path, ...] = ()
    journal_limit: int = 16 * 1024 * 1024
    online_months: int = 6
    witnesses: tuple[WitnessConfig, ...] = ()
    timestamp: TimestampConfig | None = None

    @property
    def file(self) -> Path:
        """The journal."""
        return self.directory / "log"


class LogClient:
    """A `Log` whose writer is another process."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._idle: list[_Kept] = []  # append and pop are atomic
        self._stalled = False  # the last append got no answer
        self._trial = threading.Lock()  # held by the one who tries whether a stalled log writer answers again

    @classmethod
    def from_config(cls, config: LogConfig) -> LogClient:
        """Connects at the first append."""
        return cls(config.socket)

    def append(self, entries: Sequence[bytes], deadline: Deadline) -> list[Receipt]:
        """See `Log.append`. Not repeated once it was sent: the entries may be durable, and a use is recorded once."""
        with self._not_all_waiting():
            return self._append(entries, deadline)

    @contextmanager
    def _not_all_waiting(self) -> Iterator[None]:
        """While the writer does not answer, one caller tries; the others are told at once, and hold no thread.

        Raises:
            ApplianceError: LOG_UNAVAILABLE.
        """
        trying = self._stalled
        if trying and not self._trial.acquire(blocking=False):
            raise _unavailable("the log writer does not answer")
        try:
            yield
        except ApplianceError:
            self._stalled = True
            raise
        else:
            self._stalled = False
        finally:
            if trying:
                self._trial.release()

    def _append(self, entries: Sequence[bytes], deadline: Deadline) -> list[Receipt]:
        started = time.monotonic()
        payload = b"".join([_LENGTH.pack(len(entry)) + entry for entry in entries])
        kept = self._send(_LENGTH.pack(len(payload)) + payload, min(deadline.remaining(), _LONGEST_WAIT_S))
        try:
            answer = _receive_answer(kept.socket)
        except OSError as problem:
            kept.socket.close()
            raise _unavailable("the log writer does not answer") from problem
        self._idle.append(kept)
        if answer[0] != _DONE:
            raise _unavailable(answer[1:].decode("utf-8", "replace"))
        metrics.log_append_seconds.observe(time.monotonic() - started)
        (first,) = _INDEX.unpack_from(answer, 1)
        log_id = answer[1 + _INDEX.size :].decode()
        return [Receipt(log_id, first + offset, entry) for offset, entry in enumerate(entries)]

    def _send(self, request: bytes, wait: float) -> _Kept:
        """On a kept connection, or on a new one where the writer was restarted meanwhile: it got nothing by the old one then."""
        while True:
            try:
                kept = self._idle.pop()
            except IndexError:
                break
            try:
                kept.limit(wait)
                kept.socket.sendall(request)  # at once: the writer wakes up once
            except (BrokenPipeError, ConnectionResetError):
                kept.socket.close()
            except OSError as problem:
                kept.socket.close()
                raise _unavailable("the log writer takes nothing") from problem
            else:
                return kept
        kept = _Kept(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        try:
            kept.limit(wait)
            kept.socket.connect(self._path)
            kept.socket.sendall(request)
        except OSError as problem:
            kept.socket.close()
            raise _unavailable("the log writer can't be reached") from problem
        return kept

    def close(self) -> None:
        """Closes idle connections."""
        while self._idle:
            self._idle.pop().socket.close()


@dataclass
class _Kept:
    """A connection and how long its calls may take, in seconds.

    The limit is the kernel's: with Python's own, each call would poll before it sends or receives, and take a turn at the GIL.
    """

    socket: socket.socket
    wait: float = 0.0

    def limit(self, wait: float) -> None:
        """For the calls that follow."""
        if wait == self.wait:
            return
        seconds = max(wait, 0.001)
        limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        self.wait = wait


def _receive_answer(connection: socket.socket) -> bytes:
    """One frame, mostly by one call. Raises OSError, also for a connection that ends and for what is no answer."""
    received = connection.recv(_MAX_ANSWER_BYTES)
    while received:
        if len(received) >= _LENGTH.size:
            length = _LENGTH.unpack_from(received)[0]
            if not 1 <= length <= _MAX_ANSWER_BYTES - _LENGTH.size or len(received) > _LENGTH.size + length:
                raise ConnectionError("not an answer")
            if len(received) == _LENGTH.size + length:
                return received[_LENGTH.size :]
        more = connection.recv(_MAX_ANSWER_BYTES)
        if not more:
            break
        received += more
    raise ConnectionError("the connection ended")


def _unavailable(what: str) -> ApplianceError:
    metrics.log_failures.inc()
    return ApplianceError(
        Reason.LOG_UNAVAILABLE,
        f"nothing is signed without a record: {what}",
        "Retry in a second; see the log writer's own messages if it goes on.",
    )
