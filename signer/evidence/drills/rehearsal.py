"""Runs a drill: step after step, timed; after a failed step only those that bring the system back. Judges nothing itself.

What a step does is in `scenarios`, by its name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from hsm.errors import HsmError
from signer.errors import SignerError
from signer.evidence.drills.plan import DrillPlan, PlannedStep
from signer.evidence.drills.record import Result, StepRecord, make_record
from signer.evidence.drills.site import Site, StepFailed
from signer.evidence.remote import Refused

Action = Callable[[], str]
Tell = Callable[[StepRecord], None]


def rehearse(
    plan: DrillPlan,
    site: Site,
    operator: str,
    actions: Mapping[str, Action],
    tell: Tell = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """The record, whatever happened; the site is restored. `tell` hears of each step. `clock`: seconds. Raises nothing of its own."""
    started = datetime.now(UTC)
    records: list[StepRecord] = []
    failed = False
    try:
        for step in plan.steps:
            if failed and not step.always:
                records.append(StepRecord(step, datetime.now(UTC), 0, Result.NOT_REACHED, "前面的步骤未通过，未执行"))
            else:
                records.append(_run(step, actions[step.name], clock))
            failed = failed or records[-1].result is Result.FAILED
            tell(records[-1])
    finally:
        site.restore()
    return make_record(plan, site, operator, records, started, datetime.now(UTC))


def _run(step: PlannedStep, action: Action, clock: Callable[[], float]) -> StepRecord:
    moment, started = datetime.now(UTC), clock()
    try:
        observation, result = action(), Result.OK
    except StepFailed as problem:
        observation, result = str(problem), Result.FAILED
    except Refused as problem:
        observation, result = f"被拒绝：{problem.told}", Result.FAILED
    except (SignerError, HsmError) as problem:
        observation, result = f"出错：{problem.reason.value}", Result.FAILED
    except Exception as problem:  # noqa: BLE001 - a drill that breaks is a failed drill, and the system is still restored
        observation, result = f"出错：{type(problem).__name__}", Result.FAILED
    taken = clock() - started
    if result is Result.OK and step.within_seconds and taken > step.within_seconds:
        observation, result = f"{observation}；超过 {step.within_seconds} 秒", Result.FAILED
    return StepRecord(step, moment, round(taken * 1000), result, observation)
