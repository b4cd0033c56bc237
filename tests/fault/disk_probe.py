"""Whether the machine's own disk stood still: a small file beside what is tested, flushed again and again.

A disk that takes nothing for a second stops signing, as it must. With this a test tells such a stop from one that the product made
itself. Not for measuring a disk.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

_PAUSE_S = 0.02
_STILL_S = 0.5  # one append flushes twice at most, and waits a second at most


@dataclass(frozen=True)
class Stall:
    """A flush that took long. Both in seconds of `time.monotonic`, which all processes share."""

    begin: float
    end: float

    def within(self, begin: float, end: float) -> float:
        """Seconds of it in that time."""
        return max(0.0, min(self.end, end) - max(self.begin, begin))


class DiskProbe:
    """A context in which `stalls` grows. `folder`: on the disk that is watched."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "disk-probe"
        self._found: list[Stall] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="disk-probe", daemon=True)

    def __enter__(self) -> DiskProbe:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(60)

    @property
    def stalls(self) -> Sequence[Stall]:
        """Those that have ended."""
        return tuple(self._found)

    def _run(self) -> None:
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not self._stop.wait(_PAUSE_S):
                begin = time.monotonic()
                os.pwrite(descriptor, b"probe", 0)
                os.fdatasync(descriptor)
                end = time.monotonic()
                if end - begin >= _STILL_S:
                    self._found.append(Stall(begin, end))
        finally:
            os.close(descriptor)
