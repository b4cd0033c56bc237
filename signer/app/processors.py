"""How the kernel runs each worker: on a share of the processors, its threads by turns.

A worker is many threads behind one interpreter lock. Left alone, the kernel moves them between processors at every turn of the
lock, and the interpreter's state with them from cache to cache; measured on two processors, a worker on each answers a
quarter to three quarters more calls than two that roam. A thread that wakes up takes the processor from the one that holds the lock,
finds the lock taken and sleeps again; as a batch (sched(7)) it waits for its turn (ADR 19). Not for other processes: they have few threads.
"""

from __future__ import annotations

import os
from itertools import pairwise


def shares(workers: int) -> list[frozenset[int]]:
    """The processors that we may use, split evenly; with more workers than processors, several share one."""
    return split(sorted(os.sched_getaffinity(0)), workers)


def settle(process: int, processors: frozenset[int]) -> None:
    """Before it starts threads, which take over both. `process`: its id, 0: ourselves. Raises OSError."""
    os.sched_setaffinity(process, processors)
    os.sched_setscheduler(process, os.SCHED_BATCH, os.sched_param(0))


def split(processors: list[int], workers: int) -> list[frozenset[int]]:
    """Neighbours stay together: they may share a cache."""
    count = len(processors)
    if workers >= count:
        return [frozenset({processors[number % count]}) for number in range(workers)]
    bounds = [number * count // workers for number in range(workers + 1)]
    return [frozenset(processors[first:end]) for first, end in pairwise(bounds)]
