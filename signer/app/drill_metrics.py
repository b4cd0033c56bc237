"""Tells monitoring when each emergency drill is due. Every worker reads the same records and sets the same values."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from monitoring import metrics
from signer.evidence.drills.calendar import calendar
from signer.evidence.drills.plan import load_plans

_EVERY_S = 30.0


class DrillGauges:
    """The gauges over one folder of records."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._plans = load_plans()
        self._read_at = float("-inf")

    def refresh(self) -> None:
        """Reads the records again where that is due; cheap enough for every turn of a loop. Raises nothing."""
        if time.monotonic() < self._read_at + _EVERY_S:
            return
        self._read_at = time.monotonic()
        for row in calendar(self._plans, self._folder, datetime.now(UTC)):
            metrics.drill_due_days.labels(row.plan.name).set(row.due_days)
            if row.last_success is not None:
                metrics.drill_last_success.labels(row.plan.name).set(row.last_success.timestamp())
