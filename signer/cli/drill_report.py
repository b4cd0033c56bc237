"""What drills look like on the command line: Chinese first, English beside it. Words only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signer.evidence.drills.calendar import DrillDates
    from signer.evidence.drills.plan import DrillPlan
    from signer.evidence.drills.record import StepRecord

_RESULTS = {"ok": "通过 ok", "failed": "未通过 FAILED", "not-reached": "未执行 not reached"}


def calendar_row(row: DrillDates) -> tuple[dict[str, Any], str]:
    """One drill with its dates, for --json and as a line."""
    success = row.last_success.isoformat(timespec="seconds") if row.last_success else ""
    values = {
        "name": row.plan.name,
        "title_zh": row.plan.title_zh,
        "last_run": row.last_run.isoformat(timespec="seconds") if row.last_run else "",
        "last_success": success,
        "due_days": row.due_days,
        "due": row.is_due,
        "live": row.plan.live,
    }
    if row.last_success is None:
        when = "从未通过，应立即演练 · never passed: due now"
    elif row.due_days < 0:
        when = f"逾期 {-row.due_days} 天 · overdue by {-row.due_days} days (last {success})"
    else:
        when = f"{row.due_days} 天后到期 · due in {row.due_days} days (last {success})"
    return values, f"{row.plan.name:<16} {row.plan.title_zh} {row.plan.title_en}: {when}"


def plan_values(plan: DrillPlan) -> dict[str, Any]:
    """A plan for --json."""
    return {
        "name": plan.name,
        "title_zh": plan.title_zh,
        "title_en": plan.title_en,
        "scenario_zh": plan.scenario_zh,
        "scenario_en": plan.scenario_en,
        "roles_zh": list(plan.roles_zh),
        "not_rehearsed_zh": plan.not_rehearsed_zh,
        "every_days": plan.every_days,
        "live": plan.live,
        "steps": [dict(vars(step)) for step in plan.steps],
    }


def plan_lines(plan: DrillPlan) -> list[str]:
    """A plan as it is read."""
    where = "副本或现网 copy or live" if plan.live else "仅副本 copy only"
    return [
        f"{plan.title_zh} {plan.title_en} ({plan.name}; {where}; 每 every {plan.every_days} 天 days)",
        f"  场景 scenario: {plan.scenario_zh}",
        f"  {plan.scenario_en}",
        *(f"  角色 role: {role}" for role in plan.roles_zh),
        f"  不包括 not rehearsed: {plan.not_rehearsed_zh}",
        *(
            f"  {number}. {step.title_zh} {step.title_en} — 预期 expected: {step.expected_zh}"
            for number, step in enumerate(plan.steps, 1)
        ),
    ]


def step_line(record: StepRecord) -> str:
    """One step as it ends."""
    step = record.step
    return f"{_RESULTS[record.result.value]:<14} {step.title_zh} {step.title_en} ({record.milliseconds} ms): {record.observation}"


def record_lines(record: Mapping[str, Any]) -> list[str]:
    """A kept record."""
    head = record["record"]
    return [
        f"{head['number']}: {record['plan']['title_zh']} ({head['drill']}), 操作人 operator {head['operator']}",
        f"  {head['started_at']} – {head['ended_at']}; {head['site_zh']}",
        *(
            f"  {_RESULTS[step['result']]:<14} {step['title_zh']} {step['title_en']} ({step['milliseconds']} ms): {step['observation']}"
            for step in record["steps"]
        ),
        f"{record['conclusion']['told_zh']} {record['conclusion']['told_en']}",
    ]
