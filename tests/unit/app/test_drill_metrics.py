"""Monitoring hears when a drill is due, from the records alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitoring import metrics
from signer.app.drill_metrics import DrillGauges


def _due(drill: str) -> float:
    value: float = metrics.drill_due_days.labels(drill)._value.get()
    return value


def test_gauges_follow_the_records(tmp_path: Path) -> None:
    DrillGauges(tmp_path).refresh()
    assert _due("hsm-lost") == 0
    ended = datetime.now(UTC) - timedelta(days=400)
    record = {"record": {"drill": "hsm-lost", "ended_at": ended.isoformat()}, "conclusion": {"passed": True}}
    (tmp_path / "one.json").write_text(json.dumps(record))
    gauges = DrillGauges(tmp_path)
    gauges.refresh()
    assert (_due("hsm-lost"), _due("log-disk-full")) == (-36, 0)
    assert metrics.drill_last_success.labels("hsm-lost")._value.get() == ended.timestamp()
    (tmp_path / "one.json").unlink()
    gauges.refresh()  # not read again so soon: a turn of a worker's loop costs nothing
    assert _due("hsm-lost") == -36
