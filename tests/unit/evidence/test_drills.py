"""Drills without an appliance: plans, the order of steps after a failure, records, and when a drill is due.

Threat: T31.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from policy_render.catalog import Catalog
from signer.errors import RequestError
from signer.evidence.drills.calendar import calendar
from signer.evidence.drills.plan import find_plan, load_plans
from signer.evidence.drills.record import checked_operator, keep, read_record
from signer.evidence.drills.rehearsal import rehearse
from signer.evidence.drills.scenarios import Scenarios
from signer.evidence.drills.site import StepFailed
from signer.evidence.remote import Refused

_NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
_PLAN = find_plan("hsm-lost")


class ImaginarySite:
    """A `Site` that is nowhere: for the order of steps; remembers whether it was restored."""

    kind = "copy"
    described_zh = "想象的系统"
    company = "示例财产保险股份有限公司"
    appliance = "sample-log"
    patience = 1.0
    restored = 0

    def restore(self) -> None:
        self.restored += 1

    def __getattr__(self, name: str) -> Any:
        return lambda *_: name


def _rehearse(actions: dict[str, Callable[[], str]]) -> tuple[dict[str, Any], ImaginarySite]:
    site = ImaginarySite()
    given = {step.name: (lambda: "看到了") for step in _PLAN.steps} | actions
    return rehearse(_PLAN, site, "示例操作员", given), site


def _results(record: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["result"] for step in record["steps"]}


def test_every_plan_has_scenarios_for_its_steps() -> None:
    site = ImaginarySite()
    for plan in load_plans():
        assert set(Scenarios(site).actions(plan.name)) == {step.name for step in plan.steps}
        assert plan.every_days <= 366  # specification 7.3.6: at least yearly
    assert {plan.name for plan in load_plans() if not plan.live} == {"key-compromised"}


def test_a_drill_whose_steps_are_all_right_passes(tmp_path: Path) -> None:
    record, site = _rehearse({})
    assert record["conclusion"]["passed"]
    assert site.restored == 1
    assert read_record(keep(record, tmp_path / "drills")) == record


def _fail() -> NoReturn:
    raise StepFailed("签名仍然成功")


def _refuse() -> NoReturn:
    raise Refused("UNAVAILABLE", "HSM_UNAVAILABLE", "with a text of the server")


def _break() -> NoReturn:
    raise ZeroDivisionError("with a secret in it")


@pytest.mark.parametrize(
    ("action", "told"), [(_fail, "签名仍然成功"), (_refuse, "HSM_UNAVAILABLE"), (_break, "ZeroDivisionError")]
)
def test_after_a_failure_only_what_brings_the_system_back_is_done(
    action: Callable[[], str], told: str, tmp_path: Path
) -> None:
    record, site = _rehearse({"signing-refused": action})
    assert not record["conclusion"]["passed"]
    assert _results(record) == {
        "signs-before": "ok",
        "take-token-away": "ok",
        "signing-refused": "failed",
        "health-falls": "not-reached",
        "return-token": "ok",
        "signs-again": "ok",
        "health-returns": "ok",
    }
    text = json.dumps(record, ensure_ascii=False)
    assert told in text
    assert "secret" not in text
    assert site.restored == 1
    keep(record, tmp_path)


def test_a_step_that_takes_too_long_failed() -> None:
    ticks = itertools.count(0, 61)  # seconds that pass in every step
    actions = {step.name: (lambda: "看到了") for step in _PLAN.steps}
    record = rehearse(_PLAN, ImaginarySite(), "示例操作员", actions, clock=lambda: float(next(ticks)))
    # the first with a limit of 60 s fails; those that bring the system back are done, and take as long
    assert [name for name, result in _results(record).items() if result == "failed"] == [
        "health-falls",
        "signs-again",
        "health-returns",
    ]
    assert {step["milliseconds"] for step in record["steps"]} == {61_000}


def test_an_interrupted_drill_restores_the_site() -> None:
    site = ImaginarySite()

    def interrupt() -> NoReturn:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rehearse(_PLAN, site, "示例操作员", {step.name: interrupt for step in _PLAN.steps})
    assert site.restored == 1


def _record(ended: str, *, passed: bool = True, drill: str = "hsm-lost") -> str:
    return json.dumps({"record": {"drill": drill, "ended_at": ended}, "conclusion": {"passed": passed}})


def _due(folder: Path, *records: str) -> tuple[int, bool]:
    for number, text in enumerate(records):
        (folder / f"{number}.json").write_text(text)
    (row,) = calendar([_PLAN], folder, _NOW)
    return row.due_days, row.is_due


def test_a_drill_that_never_passed_is_due(tmp_path: Path) -> None:
    assert _due(tmp_path / "nothing") == (0, True)
    assert _due(tmp_path, _record("2026-11-25T09:00:00+00:00", passed=False)) == (0, True)


def test_the_last_success_counts(tmp_path: Path) -> None:
    old, new = "2025-11-20T17:00:00+08:00", "2026-11-25T17:00:00+08:00"
    assert _due(tmp_path, _record(old)) == (-6, True)
    assert _due(tmp_path, _record(old), _record(new)) == (364, False)
    assert _due(tmp_path, _record(old), _record(new, drill="log-disk-full"), _record(new, passed=False)) == (-6, True)


def test_a_record_of_the_future_puts_nothing_off(tmp_path: Path) -> None:
    assert _due(tmp_path, _record((_NOW + timedelta(days=900)).isoformat())) == (365, False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"record": 1, "conclusion": 2}',
        _record("yesterday"),
        _record("2026-11-25T09:00:00"),
    ],
)
def test_files_that_are_no_records_are_passed_over(tmp_path: Path, text: str) -> None:
    assert _due(tmp_path, text, _record("2026-11-25T09:00:00+00:00")) == (364, False)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101])
def test_an_operator_has_a_name(name: str) -> None:
    with pytest.raises(RequestError):
        checked_operator(name)


def test_an_unknown_drill_is_told_with_those_there_are() -> None:
    with pytest.raises(RequestError, match="no drill") as caught:
        find_plan("flood")
    assert "hsm-lost, key-compromised, log-disk-full" in caught.value.remedy


def test_a_spoilt_record_is_not_shown(tmp_path: Path) -> None:
    sample = json.loads(Catalog.load().get("drill/record").sample_json)
    del sample["conclusion"]
    (tmp_path / "r.json").write_text(json.dumps(sample))
    with pytest.raises(RequestError, match="no drill record"):
        read_record(tmp_path / "r.json")
