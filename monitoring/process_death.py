"""What becomes of a dead process's metrics: its counters stay, what it had in hand (sessions, calls, queues) is nobody's now."""

from __future__ import annotations

import os

from prometheus_client.multiprocess import mark_process_dead


def forget_process(process: int) -> None:
    """Takes its "live" gauges out of the page; called by whoever waits for it. `process`: its id."""
    if directory := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        mark_process_dead(process, directory)  # type: ignore[no-untyped-call]  # untyped there
