"""The two clocks that are compared: the time of day, and the time since boot, suspended time included. Neither for deadlines."""

from __future__ import annotations

import time


def wall() -> float:
    """Seconds since 1970, as the system's clock says."""
    return time.time()


def since_boot() -> float:
    """Seconds since boot; nobody can set it (clock_gettime(2), CLOCK_BOOTTIME)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
