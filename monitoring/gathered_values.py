"""Metric values that are gathered in memory and written to the shared file a few times a second.

prometheus_client's own value for several processes writes to the file at every change, under one lock for all metrics of the
process: on the way of a signature of a millisecond, with a score of changes, threads queue for it. What a process gathered
since the last writing is lost when it is killed. Not for defining metrics: `metrics` does that.
"""

from __future__ import annotations

import atexit
import threading
from typing import Any

from prometheus_client.values import MultiProcessValue

WRITE_EVERY_S = 0.1

_MmapedValue: Any = MultiProcessValue()  # type: ignore[no-untyped-call]  # untyped there


class GatheredValue(_MmapedValue):  # type: ignore[misc]  # a class that is made at run time
    """One number of a metric."""

    _all: list[GatheredValue] = []  # noqa: RUF012 - one list for the process, on purpose

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._waiting = 0.0
        self._own_lock = threading.Lock()
        self._all.append(self)

    def inc(self, amount: float) -> None:
        """Adds, in memory."""
        with self._own_lock:
            self._waiting += amount
        if not _writer.is_running:
            _writer.start()

    def set(self, value: float, timestamp: float | None = None) -> None:
        """Writes at once, over what was gathered."""
        with self._own_lock:
            self._waiting = 0.0
            super().set(value, timestamp)

    def get(self) -> float:
        """The number with all that was gathered."""
        self.write()
        value: float = super().get()
        return value

    def write(self) -> None:
        """Adds to the file what was gathered."""
        with self._own_lock:
            amount, self._waiting = self._waiting, 0.0
            if amount:
                super().inc(amount)


class _Writer:
    """Writes in the background, from the first change on: a process that enters a sandbox must not have threads before."""

    def __init__(self) -> None:
        self.is_running = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begins, once, and writes once more when the process ends."""
        with self._lock:
            if not self.is_running:
                self.is_running = True
                threading.Thread(target=self._run, name="metrics", daemon=True).start()
                atexit.register(write_all)

    def _run(self) -> None:
        pause = threading.Event()
        while not pause.wait(WRITE_EVERY_S):
            write_all()


_writer = _Writer()


def write_all() -> None:
    """Writes what all values gathered."""
    for value in list(GatheredValue._all):
        value.write()
