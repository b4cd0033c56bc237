"""Admission of calls to one worker: so many run at once, few wait, and clients share what there is by their weights.

Fair queuing by time: whoever had least of the worker's time, for its weight, is next (start-time fair queuing; a call's time
is known at its end, until then the client's average stands in). When too many wait, the last of the client with the most
waiting is refused, so that a flood crowds out itself. Refusals come at once and say when to come back. Not for rates over
all workers: `signer.authz`.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from signer.authz import Quota
from signer.errors import AccessError, Reason
from signer.transport.retry_delay import RetryDelay

# Nobody waits longer than this for a turn; a caller whose deadline is nearer waits less.
LONGEST_WAIT_S = 2.0
_FIRST_GUESS_S = 0.002
_SMOOTHING = 0.1
_FORGET_ABOVE = 4096


@dataclass(eq=False)
class _Waiter:
    """One call that waits. `turn` is released when it is its turn, or when it was pushed out."""

    turn: threading.Lock
    pushed_out: bool = False


@dataclass(eq=False)
class _Client:
    """`spent`: worker's time that it had, over its weight, in seconds of a clock that starts with whoever has least."""

    quota: Quota
    spent: float = 0.0
    running: int = 0
    average: float = _FIRST_GUESS_S
    waiting: deque[_Waiter] = field(default_factory=deque)
    delay: RetryDelay = field(default_factory=RetryDelay)

    @property
    def may_run(self) -> bool:
        """Whether its own limit leaves room for another call."""
        return self.quota.at_once is None or self.running < self.quota.at_once


class Admission:
    """`slots`: calls that run at once. `places`: calls that may wait. `quota`: of a client, by name."""

    def __init__(self, slots: int, places: int, quota: Callable[[str], Quota]) -> None:
        self._slots = slots
        self._places = places
        self._quota = quota
        self._lock = threading.Lock()
        self._free = slots
        self._waiting = 0
        self._clients: dict[str, _Client] = {}
        self._now_spent = 0.0  # what the client had that was let in last

    @contextmanager
    def turn(self, client: str, longest: float) -> Iterator[None]:
        """Holds one of the slots. `longest`: seconds that the caller can wait at the most.

        Raises:
            AccessError: OVERLOADED, with the time after which to come back; nothing was done.
        """
        mine = self._enter(client, max(0.0, min(longest, LONGEST_WAIT_S)))
        started = time.monotonic()
        try:
            yield
        finally:
            self._leave(mine, time.monotonic() - started)

    def waiting(self) -> int:
        """Calls that wait now."""
        return self._waiting

    def _enter(self, name: str, longest: float) -> _Client:
        with self._lock:
            client = self._client(name)
            if self._free and client.may_run and not client.waiting:
                self._let_in(client)
                return client
            if self._waiting >= self._places:
                self._push_out(client)
            waiter = _Waiter(threading.Lock())
            waiter.turn.acquire()
            client.waiting.append(waiter)
            self._waiting += 1
        if waiter.turn.acquire(timeout=longest) and not waiter.pushed_out:
            return client
        with self._lock:
            if waiter in client.waiting:
                client.waiting.remove(waiter)
                self._waiting -= 1
            elif not waiter.pushed_out:
                return client  # its turn came while it gave up
            raise self._refusal(client)

    def _client(self, name: str) -> _Client:
        client = self._clients.get(name)
        if client is None:
            if len(self._clients) > _FORGET_ABOVE:
                self._forget_idle()
            client = self._clients[name] = _Client(self._quota(name))
        if not client.running and not client.waiting:
            # Time that it did not use is not saved up.
            client.quota = self._quota(name)
            client.spent = max(client.spent, self._now_spent)
        return client

    def _forget_idle(self) -> None:
        for name in [name for name, client in self._clients.items() if not client.running and not client.waiting]:
            del self._clients[name]

    def _let_in(self, client: _Client) -> None:
        self._free -= 1
        client.running += 1
        self._now_spent = max(self._now_spent, client.spent)
        client.spent += client.average / client.quota.weight

    def _push_out(self, newcomer: _Client) -> None:
        """Makes a place. Raises AccessError where the newcomer itself is the one to go."""
        longest = max(self._clients.values(), key=lambda client: len(client.waiting) / client.quota.weight)
        if (len(newcomer.waiting) + 1) / newcomer.quota.weight >= len(longest.waiting) / longest.quota.weight:
            raise self._refusal(newcomer)
        last = longest.waiting.pop()
        self._waiting -= 1
        last.pushed_out = True
        last.turn.release()

    def _refusal(self, client: _Client) -> AccessError:
        delay = client.delay.refused(time.monotonic())
        return AccessError(
            Reason.OVERLOADED,
            "the appliance is working on as many calls as it can",
            f"Try again in {delay:.2f} s.",
            retry_after=delay,
        )

    def _leave(self, client: _Client, held: float) -> None:
        with self._lock:
            self._free += 1
            client.running -= 1
            client.spent += (held - client.average) / client.quota.weight
            client.average += (held - client.average) * _SMOOTHING
            client.delay.served(time.monotonic())
            while self._free and self._waiting:
                ready = [other for other in self._clients.values() if other.waiting and other.may_run]
                if not ready:
                    return
                following = min(ready, key=lambda other: other.spent)
                waiter = following.waiting.popleft()
                self._waiting -= 1
                self._let_in(following)
                waiter.turn.release()
