"""Rates that hold over all worker processes together: the generic cell rate algorithm (ITU-T I.371) on shared memory.

Each limit is one number in a file that the workers map: the theoretical arrival time of the next use, in nanoseconds of the
machine's monotonic clock. Not for how many calls run at once: `signer.transport.admission` decides that.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_CELL = struct.Struct("<q")
_SECOND_NS = 1_000_000_000
# The most that one call can cost: a batch of 1,000.
_MAX_COST = 1_000


@dataclass(frozen=True)
class Rate:
    """`per_second`: uses in the long run. `burst`: uses that may come at once after a pause."""

    per_second: float
    burst: int

    @property
    def interval_ns(self) -> int:
        """Nanoseconds between two uses."""
        return max(1, int(_SECOND_NS / self.per_second))


class SharedRates:
    """What was used of each rate. Every worker of an appliance opens the same file with the same names."""

    def __init__(self, file: Path, names: Sequence[str], clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._places = {name: place * _CELL.size for place, name in enumerate(names)}
        self._clock = clock
        self._lock = threading.Lock()
        # Kept open as long as this object lives: closing any descriptor of a file gives up the process's locks on it.
        self._file = os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b")
        size = max(1, len(names)) * _CELL.size
        if os.fstat(self._file.fileno()).st_size < size:
            self._file.truncate(size)
        self._memory = mmap.mmap(self._file.fileno(), size)

    def take(self, name: str, rate: Rate, cost: int = 1) -> float:
        """0.0 where the use is within the rate, and was counted; else the seconds until it would be, and nothing was counted.

        A cost above what is left is admitted while at least one use is left; what follows waits the longer.
        """
        place, interval = self._places[name], rate.interval_ns
        with self._lock:
            # POSIX record locks count for processes, and end with them.
            fcntl.lockf(self._file, fcntl.LOCK_EX, _CELL.size, place)
            try:
                now = self._clock()
                due: int = _CELL.unpack_from(self._memory, place)[0]
                if not now < due <= now + (rate.burst + _MAX_COST) * interval:
                    due = now  # nothing used lately, or written before the machine's last start
                wait = due - now - (rate.burst - 1) * interval
                if wait > 0:
                    return wait / _SECOND_NS
                _CELL.pack_into(self._memory, place, due + cost * interval)
                return 0.0
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, _CELL.size, place)
