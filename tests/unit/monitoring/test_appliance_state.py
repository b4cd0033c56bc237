"""What makes an appliance ready: a living supervisor, every process, and a fresh real signature of every worker."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from monitoring import metrics
from monitoring.appliance_state import ApplianceState
from monitoring.probe_record import OK, STALE_AFTER_S, ProbeRecord


def _state(folder: Path, *, supervisor: int | None = None, **ready: bool) -> ApplianceState:
    """Two workers that must sign; `ready`: what the supervisor says of its processes."""
    children = {"worker_0": True, "worker_1": True, "front": True} | ready
    described = {name: {"pid": 1, "ready": is_ready, "started": 1000.0} for name, is_ready in children.items()}
    content = {"supervisor": supervisor or os.getpid(), "children": described}
    (folder / "children.json").write_text(json.dumps(content))
    return ApplianceState(folder / "children.json", folder, ["worker_0", "worker_1"], {"log": folder})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With good records of both workers."""
    for name in ("worker_0", "worker_1"):
        ProbeRecord(tmp_path, name).write(OK)
    return tmp_path


def _write_age(folder: Path, age: float) -> None:
    (folder / "worker_1.json").write_text(json.dumps({"result": OK, "at": time.monotonic() - age}))


def test_ready_when_all_are(folder: Path) -> None:
    assert _state(folder).unready() == []


def test_a_process_that_is_not_ready_is_named_once(folder: Path) -> None:
    assert _state(folder, front=False, worker_0=False).unready() == ["worker_0", "front"]


def test_a_failed_signature_is_named(folder: Path) -> None:
    ProbeRecord(folder, "worker_1").write("hsm-unavailable")
    assert _state(folder).unready() == ["worker_1/signing"]


@pytest.mark.parametrize("age", [STALE_AFTER_S + 1, -60.0])
def test_a_record_that_is_old_or_from_before_a_restart_of_the_machine_is_none(folder: Path, age: float) -> None:
    _write_age(folder, age)
    assert _state(folder).unready() == ["worker_1/signing"]


def test_a_record_of_some_seconds_ago_is_good(folder: Path) -> None:
    _write_age(folder, STALE_AFTER_S / 2)
    assert _state(folder).unready() == []


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"result": "ok"}', '{"result": "ok", "at": "now"}'])
def test_a_record_that_cannot_be_read_is_no_success(folder: Path, content: str) -> None:
    (folder / "worker_1.json").write_text(content)
    assert _state(folder).unready() == ["worker_1/signing"]


def test_a_missing_record_is_no_success(folder: Path) -> None:
    (folder / "worker_1.json").unlink()
    assert _state(folder).unready() == ["worker_1/signing"]


def test_without_a_supervisor_nothing_else_counts(folder: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert _state(folder, supervisor=ended.pid).unready() == ["supervisor"]
    (folder / "children.json").unlink()
    assert ApplianceState(folder / "children.json", folder, [], {}).unready() == ["supervisor"]


def test_the_metrics_say_the_same(folder: Path) -> None:
    ProbeRecord(folder, "worker_1").write("hsm-unavailable")
    _state(folder, front=False).publish()
    assert metrics.ready._value.get() == 0
    assert {name: metrics.process_ready.labels(name)._value.get() for name in ("front", "worker_1")} == {
        "front": 0,
        "worker_1": 1,
    }
    assert [metrics.signing_works.labels(f"worker_{number}")._value.get() for number in (0, 1)] == [1, 0]
    assert metrics.process_start_time_seconds.labels("front")._value.get() == 1000.0
    free, size = (gauge.labels("log")._value.get() for gauge in (metrics.volume_free_bytes, metrics.volume_size_bytes))
    assert 0 < free <= size
    ProbeRecord(folder, "worker_1").write(OK)
    _state(folder).publish()
    assert metrics.ready._value.get() == 1
