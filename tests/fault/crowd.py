"""A crowd of callers in processes of its own: each calls as fast as it is let, and keeps the delay that a refusal asks for.

Not our client's own repetitions: every attempt counts here, the refused ones with what they were told.
"""

from __future__ import annotations

import math
import multiprocessing
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SIGN = b"m"
_CONNECTIONS = 16  # of a process: the kernel gives each to a worker by lot, and all of a few may fall to one


@dataclass(frozen=True)
class Answer:
    """Neither served nor refused for want of room. `begin` and `end` of the call: seconds of `time.monotonic`."""

    begin: float
    end: float
    status: str
    reason: str


@dataclass
class Tally:
    """What a crowd saw within its time, `begin` to `end` of `time.monotonic`. `latencies`: seconds of each call that was served."""

    begin: float = math.inf
    end: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: int = 0
    without_delay: int = 0  # refusals that did not say when to come back
    others: list[Answer] = field(default_factory=list)  # answers that are neither

    def percentile(self, share: float) -> float:
        """Of the latencies."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def add(self, other: Tally) -> None:
        """Joins both."""
        self.begin = min(self.begin, other.begin)
        self.end = max(self.end, other.end)
        self.latencies += other.latencies
        self.refused += other.refused
        self.without_delay += other.without_delay
        self.others += other.others


@dataclass(frozen=True)
class Crowd:
    """`pause`: seconds that each caller waits between two calls that were served."""

    profile: Path
    address: str
    callers: int
    seconds: float
    processes: int = 2
    pause: float = 0.0
    warm_up: float = 1.0


def set_off(crowd: Crowd) -> Any:
    """Starts it; `gather` waits for its end."""
    context = multiprocessing.get_context("spawn")
    tallies = context.Queue()
    started = [
        context.Process(target=_process, args=(crowd, crowd.callers // crowd.processes, tallies), daemon=True)
        for _ in range(crowd.processes)
    ]
    for process in started:
        process.start()
    return tallies, started


def gather(crowd: Crowd, going: Any) -> Tally:
    """What all its processes saw."""
    tallies, started = going
    found = Tally()
    for _ in started:
        found.add(tallies.get(timeout=crowd.seconds + 240))
    for process in started:
        process.join(60)
    return found


def _process(crowd: Crowd, callers: int, tallies: Any) -> None:
    from signer.client import Connection, load_profile
    from signer.client.retry import RetryPolicy

    profile = load_profile(crowd.profile).at(crowd.address)
    once = RetryPolicy(attempts=1)
    connections = [Connection(profile, timeout=60, retry=once) for _ in range(min(callers, _CONNECTIONS))]
    found = [Tally() for _ in range(callers)]
    begin = time.monotonic() + crowd.warm_up
    threads = [
        threading.Thread(target=_call, args=(connections[n % len(connections)], crowd, begin, found[n]))
        for n in range(callers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = Tally(begin, begin + crowd.seconds)
    for tally in found:
        total.add(tally)
    tallies.put(total)


def _call(connection: Any, crowd: Crowd, begin: float, tally: Tally) -> None:
    from signer.client import RemoteError
    from signer.v1 import signing_pb2

    request = signing_pb2.SignRequest(key="message-sm2", message=_SIGN)
    end = begin + crowd.seconds
    time.sleep(random.uniform(0, crowd.warm_up))
    while (started := time.monotonic()) < end:
        pause, seen = crowd.pause, Tally()
        try:
            connection.call(connection.signing.Sign, request)
            seen.latencies.append(time.monotonic() - started)
        except RemoteError as problem:
            if problem.status == "RESOURCE_EXHAUSTED":
                seen.refused += 1
                seen.without_delay += not problem.retry_after
                pause = (problem.retry_after or 0.0) * random.uniform(1.0, 1.5)
            else:
                seen.others.append(Answer(started, time.monotonic(), problem.status, problem.reason))
        if started >= begin or seen.refused:  # who was refused while it warmed up may come back after its end
            tally.add(seen)
        time.sleep(min(pause, max(0.0, end - time.monotonic())))
