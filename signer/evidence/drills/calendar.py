"""When each drill was last rehearsed and when it is due (specification 7.3.6: at least yearly). Reads the kept records.

A record's file alone proves nothing (its sealed document does): this is a reminder, not evidence. Files that are no records
are passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from signer.evidence.drills.plan import DrillPlan

_MOST_BYTES = 1024 * 1024
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class DrillDates:
    """`last_success` None: it never passed. `due_days`: until it is due, negative when overdue; 0 where it never passed."""

    plan: DrillPlan
    last_run: datetime | None
    last_success: datetime | None
    due_days: int

    @property
    def is_due(self) -> bool:
        """Whether it should be rehearsed now."""
        return self.last_success is None or self.due_days <= 0


def calendar(plans: Sequence[DrillPlan], folder: Path, now: datetime) -> list[DrillDates]:
    """A line for each plan. Raises nothing."""
    runs = list(_runs(folder))
    return [_dates(plan, [run for run in runs if run[0] == plan.name], now) for plan in plans]


def _dates(plan: DrillPlan, runs: Sequence[tuple[str, datetime, bool]], now: datetime) -> DrillDates:
    last_run = max((ended for _, ended, _ in runs), default=None)
    # A record from the future would put the next drill off: it counts as of now.
    last_success = max((min(ended, now) for _, ended, passed in runs if passed), default=None)
    due = 0 if last_success is None else (last_success + plan.every_days * _DAY - now) // _DAY
    return DrillDates(plan, last_run, last_success, due)


def _runs(folder: Path) -> Iterator[tuple[str, datetime, bool]]:
    """(drill, ended, passed) of every record."""
    for file in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        try:
            if file.stat().st_size > _MOST_BYTES:
                continue
            values: Any = json.loads(file.read_bytes())
            record, passed = values["record"], values["conclusion"]["passed"]
            ended = datetime.fromisoformat(record["ended_at"])
            if ended.tzinfo is not None and isinstance(passed, bool):
                yield str(record["drill"]), ended, passed
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
