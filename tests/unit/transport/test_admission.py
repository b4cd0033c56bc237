"""Admission: slots are never exceeded, places neither; clients get their shares; a flood crowds out itself; limits are kept.

Threat: T20.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from signer.authz import Quota
from signer.errors import AccessError, Reason
from signer.transport.admission import Admission
from signer.transport.retry_delay import RetryDelay


class _Crowd:
    """Threads that take turns again and again; counts who had how many, and how many at once."""

    def __init__(self, admission: Admission, work: float = 0.002) -> None:
        self._admission = admission
        self._work = work
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()
        self.served: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.most_at_once: Counter[str] = Counter()
        self.ended = False

    def call(self, client: str) -> None:
        try:
            with self._admission.turn(client, 5):
                with self._lock:
                    self._running[client] += 1
                    self.most_at_once[client] = max(self.most_at_once[client], self._running[client])
                    self.most_at_once["all"] = max(self.most_at_once["all"], self._running.total())
                time.sleep(self._work)
                with self._lock:
                    self._running[client] -= 1
            self.served[client] += 1
        except AccessError as problem:
            if problem.reason is Reason.OVERLOADED and problem.retry_after:
                self.refused[client] += 1
            else:
                self.ended = True
            time.sleep(0.001)

    def _go_on(self, client: str) -> None:
        while not self.ended:
            self.call(client)

    @contextmanager
    def calling(self, **callers: int) -> Iterator[None]:
        threads = [
            threading.Thread(target=self._go_on, args=(client,))
            for client, number in callers.items()
            for _ in range(number)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.ended = True
            for thread in threads:
                thread.join()


def _admission(slots: int, places: int, **quotas: Quota) -> Admission:
    return Admission(slots, places, lambda client: quotas.get(client, Quota(client)))


def test_slots_and_places_are_never_exceeded() -> None:
    admission = _admission(3, 5)
    crowd = _Crowd(admission)
    with crowd.calling(a=10, b=10):
        for _ in range(200):
            assert 0 <= admission.waiting() <= 5
            time.sleep(0.001)
    assert crowd.most_at_once["all"] == 3
    assert crowd.refused.total() > 0
    assert admission.waiting() == 0


def test_a_small_client_is_not_refused_by_the_flood_of_another() -> None:
    crowd = _Crowd(_admission(2, 8))
    with crowd.calling(flood=30):
        time.sleep(0.05)
        for _ in range(40):
            crowd.call("small")
    assert crowd.served["small"] == 40
    assert crowd.refused["flood"] > 0


def test_time_is_shared_by_weight() -> None:
    crowd = _Crowd(_admission(2, 40, heavy=Quota("heavy", weight=3)))
    with crowd.calling(heavy=12, light=12):
        time.sleep(1.5)
    share = crowd.served["heavy"] / crowd.served["light"]
    assert 2 < share < 4, crowd.served


def test_time_counts_not_calls() -> None:
    admission = _admission(1, 40)
    slow, quick = _Crowd(admission, 0.02), _Crowd(admission, 0.002)
    with slow.calling(slow=6), quick.calling(quick=6):
        time.sleep(1.5)
    assert quick.served["quick"] > 4 * slow.served["slow"]


def test_a_client_keeps_to_its_own_limit_and_others_go_past_it() -> None:
    crowd = _Crowd(_admission(4, 40, limited=Quota("limited", at_once=1)))
    with crowd.calling(limited=8, other=8):
        time.sleep(0.3)
    assert crowd.most_at_once["limited"] == 1
    assert crowd.most_at_once["other"] >= 3


def test_who_waits_too_long_is_refused_and_leaves_no_trace() -> None:
    admission = _admission(1, 4)
    with admission.turn("a", 1):
        with pytest.raises(AccessError), admission.turn("b", 0.02):
            pass
        assert admission.waiting() == 0
    with admission.turn("b", 0):
        pass


def test_an_error_inside_gives_the_slot_back() -> None:
    admission = _admission(1, 0)
    with pytest.raises(KeyError), admission.turn("a", 1):
        raise KeyError
    with admission.turn("a", 0):
        pass


def test_the_delay_grows_while_most_are_refused_and_shrinks_again() -> None:
    delay, now = RetryDelay(), 100.0
    told = []
    for _ in range(8):
        for _ in range(50):
            now += 0.02
            told.append(delay.refused(now))
    assert told[-1] > 4 * told[0]
    for _ in range(500):
        now += 0.1
        delay.served(now)
    assert delay.refused(now) <= told[0]


@pytest.mark.parametrize(("refused", "grows"), [(1, False), (2, False), (3, True)])
def test_the_delay_grows_where_more_than_a_tenth_is_refused(refused: int, grows: bool) -> None:
    delay, told = RetryDelay(), []
    for step in range(16):
        for moment in range(20):
            delay.served(100 + 0.5 * step + 0.02 * moment)
        told = [delay.refused(100.45 + 0.5 * step) for _ in range(refused)]
    assert (told[-1] > 0.2) == grows
