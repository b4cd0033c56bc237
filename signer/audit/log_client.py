"""The workers' side of the log writer: sends entries, waits until they are durable.

Threads that wait at the same time share a request: the first one sends its own, and with the next request goes what queued up
meanwhile. The writer is asked once instead of once for each of them, and so is the kernel.
"""

from __future__ import annotations

import struct
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monitoring import metrics
from signer.audit.log import Receipt
from signer.audit.log_connection import LogConnection
from signer.audit.log_records import MAX_ENTRY_BYTES
from signer.deadline import Deadline
from signer.errors import ApplianceError, Reason

# A log that answers nothing for so long has stopped: everybody who waits for it is told then, and signing goes on by itself. It is
# the kernel that counts it, from the request to its answer: on a busy machine threads wait for longer until they may go on, and that
# says nothing about the log.
_LONGEST_SILENCE_S = 1.0
_MOST_CARRIED_BYTES = 1024 * 1024  # one request alone may be larger
_NO_ANSWER = "the log writer does not answer"
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
        self._connection = LogConnection(path, _LONGEST_SILENCE_S)  # used by the one who leads
        self._guard = threading.Lock()  # over the next two, and over who leads
        self._under_way = False
        self._queue: deque[_Waiting] = deque()
        self._stalled = False  # the last append was refused, or got no answer
        self._trial = threading.Lock()  # held by the one who tries whether a stalled log writer answers again

    @classmethod
    def from_config(cls, config: LogConfig) -> LogClient:
        """Connects at the first append."""
        return cls(config.socket)

    def append(self, entries: Sequence[bytes], deadline: Deadline) -> list[Receipt]:
        """See `Log.append`. Not repeated once it was sent: the entries may be durable, and a use is recorded once."""
        mine = _Waiting(_payload(entries), len(entries))
        trying = self._stalled
        if trying and not self._trial.acquire(blocking=False):
            # While the writer does not answer, one caller tries; the others are told at once, and hold no thread.
            raise _unavailable(_NO_ANSWER)
        try:
            self._join(mine, deadline)
            if mine.log_id is None:
                if mine.refusal:
                    self._stalled = True
                else:
                    deadline.remaining()  # who had little time says nothing about the writer
                raise _unavailable(mine.refusal or _NO_ANSWER)
            self._stalled = False
        finally:
            if trying:
                self._trial.release()
        return [Receipt(mine.log_id, mine.first + offset, entry) for offset, entry in enumerate(entries)]

    def _join(self, mine: _Waiting, deadline: Deadline) -> None:
        """Returns when the writer has answered, or is known not to, or when the time is up."""
        longest = deadline.remaining()
        with self._guard:
            leads = not self._under_way
            self._under_way = True
            if not leads:
                self._queue.append(mine)
        if leads or self._wait(mine, longest):
            self._lead(mine)

    def _wait(self, mine: _Waiting, longest: float) -> bool:
        """Whether `mine` is to lead now. False: somebody carried it, or its time is up."""
        if not mine.turn.acquire(timeout=longest):
            with self._guard:
                if mine in self._queue:
                    self._queue.remove(mine)  # it was never sent
            if mine.leads:
                mine.turn.acquire()  # its turn came while it gave up; who leads holds it
        return mine.leads

    def _lead(self, mine: _Waiting) -> None:
        """One request for `mine` and for what is queued; then it is another's turn."""
        carried = self._take(mine)
        try:
            answer = self._connection.exchange(b"".join([waiting.payload for waiting in carried]))
            _settle(carried, answer)
        except OSError as problem:
            carried += self._take_all()  # nobody waits a second time for a writer that is known not to answer
            for waiting in carried:
                waiting.refusal = str(problem)
        finally:
            self._hand_on(carried)
        _measure(carried)

    def _take(self, mine: _Waiting) -> list[_Waiting]:
        carried, size = [mine], len(mine.payload)
        with self._guard:
            while self._queue and size + len(self._queue[0].payload) <= _MOST_CARRIED_BYTES:
                carried.append(self._queue.popleft())
                size += len(carried[-1].payload)
        return carried

    def _take_all(self) -> list[_Waiting]:
        with self._guard:
            queued = list(self._queue)
            self._queue.clear()
        return queued

    def _hand_on(self, carried: list[_Waiting]) -> None:
        """The next in the queue leads, first: the writer has nothing to do until then."""
        with self._guard:
            following = self._queue.popleft() if self._queue else None
            self._under_way = following is not None
            if following is not None:
                following.leads = True
        for waiting in [following, *carried] if following is not None else carried:
            waiting.turn.release()

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


class _Waiting:
    """One caller's entries, and what became of them: a `log_id` and the index of the `first`, or a `refusal`, or nothing yet.

    `turn` is held until somebody has an answer for it, or until it `leads`.
    """

    __slots__ = ("count", "first", "leads", "log_id", "payload", "refusal", "started", "turn")

    def __init__(self, payload: bytes, count: int) -> None:
        self.payload = payload
        self.count = count
        self.started = time.monotonic()
        self.turn = threading.Lock()
        self.turn.acquire()
        self.leads = False
        self.first = 0
        self.log_id: str | None = None
        self.refusal = ""


def _payload(entries: Sequence[bytes]) -> bytes:
    """What a request holds of them. Raises ApplianceError: the writer would drop the connection, and with it what others have sent."""
    if not all(0 < len(entry) <= MAX_ENTRY_BYTES for entry in entries):
        raise _unavailable(f"an entry has 1 to {MAX_ENTRY_BYTES} bytes")
    return b"".join([_LENGTH.pack(len(entry)) + entry for entry in entries])


def _settle(carried: Sequence[_Waiting], answer: bytes) -> None:
    """Tells each what the writer said. The entries of one request stand next to each other, in the order of their payloads."""
    if answer[0] != _DONE:
        for waiting in carried:
            waiting.refusal = answer[1:].decode("utf-8", "replace")
        return
    (first,) = _INDEX.unpack_from(answer, 1)
    log_id = answer[1 + _INDEX.size :].decode()
    for waiting in carried:
        waiting.first = first
        waiting.log_id = log_id
        first += waiting.count


def _measure(carried: Sequence[_Waiting]) -> None:
    """By the one who led, for all: cheaper in a row than by each thread in its own turn, with cold caches."""
    now = time.monotonic()
    for waiting in carried:
        if waiting.log_id is not None:
            metrics.log_append_seconds.observe(now - waiting.started)


def _unavailable(what: str) -> ApplianceError:
    metrics.log_failures.inc()
    return ApplianceError(
        Reason.LOG_UNAVAILABLE,
        f"nothing is signed without a record: {what}",
        "Retry in a second; see the log writer's own messages if it goes on.",
    )
