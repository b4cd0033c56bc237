"""A dead process's counters stay on the page; what it had in hand does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from monitoring.process_death import forget_process

_LEASING = """
from monitoring import metrics
metrics.hsm_sessions_limit.inc(4)
metrics.signatures.labels("message", "SM2_SM3").inc(3)
"""


def _page(directory: Path) -> str:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(directory))  # type: ignore[no-untyped-call]  # untyped there
    return generate_latest(registry).decode()


def test_a_dead_process_holds_no_sessions_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    dead, other = (subprocess.Popen([sys.executable, "-c", _LEASING], env=environment) for _ in range(2))
    assert (dead.wait(60), other.wait(60)) == (0, 0)
    assert "\nsigner_hsm_sessions_limit 8.0\n" in _page(tmp_path)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    forget_process(dead.pid)
    page = _page(tmp_path)
    assert "\nsigner_hsm_sessions_limit 4.0\n" in page
    assert '\nsigner_signatures_total{algorithm="SM2_SM3",purpose="message"} 6.0\n' in page
