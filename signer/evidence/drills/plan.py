"""A drill's plan, read strictly from plans/*.toml: scenario, roles, steps with what is expected, how often it must be rehearsed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from signer.errors import Reason, RequestError
from signer.strict_toml import StrictTable, read_toml

PLANS = Path(__file__).parent / "plans"


@dataclass(frozen=True)
class PlannedStep:
    """`always`: also after a step that failed, because it brings the system back. `within_seconds`: 0: no limit of its own."""

    name: str
    title_zh: str
    title_en: str
    expected_zh: str
    always: bool
    within_seconds: int


@dataclass(frozen=True)
class DrillPlan:
    """`live`: may be run on the live system. `not_rehearsed_zh`: what this drill says nothing about."""

    name: str
    title_zh: str
    title_en: str
    scenario_zh: str
    scenario_en: str
    roles_zh: tuple[str, ...]
    not_rehearsed_zh: str
    every_days: int
    live: bool
    steps: tuple[PlannedStep, ...]


def load_plans(folder: Path = PLANS) -> tuple[DrillPlan, ...]:
    """All plans, by name. Raises ConfigurationError with file and line."""
    return tuple(_read_plan(read_toml(file), file.stem) for file in sorted(folder.glob("*.toml")))


def find_plan(name: str) -> DrillPlan:
    """One plan. Raises RequestError (INPUT_MALFORMED); says which there are."""
    plans = load_plans()
    for plan in plans:
        if plan.name == name:
            return plan
    raise RequestError(
        Reason.INPUT_MALFORMED,
        f"there is no drill {name!r}",
        f"There are: {', '.join(plan.name for plan in plans)}.",
    )


def _read_plan(table: StrictTable, name: str) -> DrillPlan:
    plan = DrillPlan(
        name=name,
        title_zh=table.string("title_zh"),
        title_en=table.string("title_en"),
        scenario_zh=table.string("scenario_zh"),
        scenario_en=table.string("scenario_en"),
        roles_zh=table.strings("roles_zh"),
        not_rehearsed_zh=table.string("not_rehearsed_zh"),
        every_days=table.integer("every_days", 365, low=1, high=3660),
        live=table.boolean("live", default=False),
        steps=tuple(_read_step(step) for step in table.tables("steps")),
    )
    table.finish()
    if not plan.steps or len({step.name for step in plan.steps}) != len(plan.steps):
        raise table.fault("steps", "must be there, each with a name of its own")
    return plan


def _read_step(table: StrictTable) -> PlannedStep:
    step = PlannedStep(
        name=table.string("name"),
        title_zh=table.string("title_zh"),
        title_en=table.string("title_en"),
        expected_zh=table.string("expected_zh"),
        always=table.boolean("always", default=False),
        within_seconds=table.integer("within_seconds", 0, low=0, high=3600),
    )
    table.finish()
    return step
