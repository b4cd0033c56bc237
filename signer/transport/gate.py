"""The gate of one server: may this call be made, is it within its quota, and is there room for it now?

Joins grants (for all workers together) and admission (for this one). Not for what a call uses: use cases ask the grants that.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from monitoring import metrics
from signer.authz import Actor, Grants
from signer.deadline import Deadline
from signer.errors import AccessError, Reason
from signer.transport.admission import Admission

# Threads that are neither working nor waiting for a turn: they refuse what comes too much.
_SPARE_THREADS = 8
_STREAM_RETRY_S = 5.0

Turn = Callable[[], AbstractContextManager[None]]


def most_streams(threads: int) -> int:
    """Streams open at once on a server with so many threads; each keeps a thread of its own."""
    return max(2, threads // 2)


def pool_threads(threads: int, waiting: int) -> int:
    """Threads that a server needs so that a call never waits only to be refused."""
    return threads + waiting + most_streams(threads) + _SPARE_THREADS


class Gate:
    """`threads`: calls that run at once. `waiting`: calls that may wait for a turn."""

    def __init__(self, grants: Grants, threads: int, waiting: int) -> None:
        self._grants = grants
        self._admission = Admission(threads, waiting, grants.quota)
        self._most_streams = most_streams(threads)
        self._streams: Counter[str] = Counter()
        self._lock = threading.Lock()

    def unary(self, actor: Actor, deadline: Deadline, items: int) -> AbstractContextManager[None]:
        """Authorised, counted and admitted; what is held inside is a slot. `items`: of a batch.

        Raises:
            AccessError: CLIENT_UNKNOWN, GRANT_MISSING, RATE_EXCEEDED, OVERLOADED.
        """
        self._grants.authorise_call(actor, items)
        return self._turn(actor, deadline)

    @contextmanager
    def stream(self, actor: Actor, deadline: Deadline) -> Iterator[Turn]:
        """A stream's place; its items take turns. Raises as `unary`."""
        self._grants.authorise_call(actor, 0)
        with self._lock:
            # No client has more than half of them, so that there is always one for another client.
            if self._streams.total() >= self._most_streams or self._streams[actor.client] * 2 >= self._most_streams:
                raise AccessError(
                    Reason.OVERLOADED,
                    "no more streams can be open now",
                    "Close one, or make unary calls.",
                    retry_after=_STREAM_RETRY_S,
                )
            self._streams[actor.client] += 1
        try:
            yield lambda: self._item(actor, deadline)
        finally:
            with self._lock:
                self._streams[actor.client] -= 1
                if not self._streams[actor.client]:
                    del self._streams[actor.client]

    @contextmanager
    def _item(self, actor: Actor, deadline: Deadline) -> Iterator[None]:
        """One item of a stream: held back, not refused, as long as the deadline allows: flow control slows the sender."""
        with ExitStack() as held:
            _when_there_is_room(lambda: self._grants.count_item(actor.client), deadline)
            _when_there_is_room(lambda: held.enter_context(self._turn(actor, deadline)), deadline)
            yield

    @contextmanager
    def _turn(self, actor: Actor, deadline: Deadline) -> Iterator[None]:
        started = time.monotonic()
        with self._admission.turn(actor.client, deadline.remaining()):
            metrics.admission_wait_seconds.observe(time.monotonic() - started)
            yield


def _when_there_is_room(step: Callable[[], None], deadline: Deadline) -> None:
    while True:
        try:
            return step()
        except AccessError as problem:
            if problem.retry_after is None:
                raise
            time.sleep(min(problem.retry_after, deadline.remaining()))
