"""Runs a piece of work in several processes and threads at once for some seconds, and counts how often it was done.

Processes are spawned, not forked: gRPC and PKCS#11 don't survive a fork. Not for what is measured: `work` has that.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Makes a step for one thread from the place that the appliance is in; a step returns how many items it did.
MakeStep = Callable[["Place", int], Callable[[], int]]


@dataclass(frozen=True)
class Place:
    """Where things are: the appliance's directory, and the port that callers use."""

    directory: Path
    port: int


@dataclass(frozen=True)
class Load:
    """`make`: a function of `tests.bench.work`. Threads are spread evenly over processes."""

    make: MakeStep
    processes: int
    threads: int = 1
    warm_up: float = 1.0
    seconds: float = 4.0


def rate(load: Load, place: Place) -> float:
    """Items a second of all processes together, within one common window."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(load.processes + 1)
    counts = context.Queue()
    processes = [
        context.Process(target=_process, args=(load, place, number, ready, counts), daemon=True)
        for number in range(load.processes)
    ]
    for process in processes:
        process.start()
    ready.wait(120)
    total: int = sum(counts.get(timeout=load.warm_up + load.seconds + 120) for _ in processes)
    for process in processes:
        process.join(60)
    return total / load.seconds


def _process(load: Load, place: Place, number: int, ready: Any, counts: Any) -> None:
    steps = [load.make(place, number * load.threads + thread) for thread in range(load.threads)]
    for step in steps:
        step()
    ready.wait(120)
    begin = time.monotonic() + load.warm_up
    end = begin + load.seconds
    done = [0] * load.threads

    def run(thread: int) -> None:
        while (now := time.monotonic()) < end:
            items = steps[thread]()
            if now >= begin:
                done[thread] += items

    threads = [threading.Thread(target=run, args=(thread,)) for thread in range(load.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts.put(sum(done))
