"""Sees when the system's clock is set: the time of day against the time since boot. Not for saying which of them is right."""

from __future__ import annotations

import time
from collections.abc import Callable

from monitoring import metrics
from signer.audit.entry import LogEntry

# Clocks are slewed by less between two looks of a second.
_LEAST_STEP_S = 0.5


class ClockWatch:
    """Compares the two clocks at every look."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._offset = wall() - steady()

    def entries(self) -> list[bytes]:
        """An entry "clock-step" where the clock was set since the last look; seconds, positive forward."""
        offset = self._wall() - self._steady()
        step, self._offset = offset - self._offset, offset
        if abs(step) < _LEAST_STEP_S:
            return []
        metrics.clock_steps.inc()
        return [LogEntry("clock-step", detail=f"{step:+.3f} s").encode()]
