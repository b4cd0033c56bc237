"""Runs a piece of work in several processes and threads at once for some seconds, and counts how often it was done.

Processes are spawned, not forked: gRPC and PKCS#11 don't survive a fork. Not for what is measured: `work` has that.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Sequence
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


_SETTLE_SECONDS = 0.3  # what was begun in another's turn ends within it
_POLL_SECONDS = 0.01
_NOBODY = -1


def rates_in_turns(loads: Sequence[tuple[Load, Place]], rounds: int, seconds: float = 1.0) -> list[list[float]]:
    """Items a second of each load in each round, the loads taking turns of some `seconds`; for differences smaller than the machine's
    drift within a minute. Their processes and connections stay, idle in the others' turns.
    """
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(sum(load.processes for load, _ in loads) + 1)
    turn = context.Value("i", _NOBODY)
    counts = [context.Value("q", 0) for _ in loads]
    processes = [
        context.Process(
            target=_taking_turns, args=(load, place, number, which, turn, counts[which], ready), daemon=True
        )
        for which, (load, place) in enumerate(loads)
        for number in range(load.processes)
    ]
    for process in processes:
        process.start()
    ready.wait(120)
    measured: list[list[float]] = [[] for _ in loads]
    for number in range(rounds):
        for which in sorted(range(len(loads)), reverse=bool(number % 2)):
            turn.value = which
            time.sleep(_SETTLE_SECONDS)
            before, begin = counts[which].value, time.monotonic()
            time.sleep(seconds)
            measured[which].append((counts[which].value - before) / (time.monotonic() - begin))
    for process in processes:
        process.kill()
        process.join()
    return measured


def _taking_turns(load: Load, place: Place, number: int, which: int, turn: Any, count: Any, ready: Any) -> None:
    mine = threading.Event()

    def run(step: Callable[[], int]) -> None:
        while mine.wait():
            done = step()
            with count.get_lock():
                count.value += done

    steps = [load.make(place, number * load.threads + thread) for thread in range(load.threads)]
    for step in steps:
        step()
    ready.wait(120)
    for step in steps:
        threading.Thread(target=run, args=(step,), daemon=True).start()
    while True:
        if turn.value == which:
            mine.set()
        else:
            mine.clear()
        time.sleep(_POLL_SECONDS)


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
