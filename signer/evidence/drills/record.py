"""The record of a drill as it is kept: the plan, what each step showed and when, the conclusion. By the schema of drill/record."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any

from policy_render.catalog import Catalog
from policy_render.data_schema import check_data
from policy_render.errors import RenderError
from signer.evidence.canonical import canonical, malformed, moment, read_bytes, read_object
from signer.evidence.drills.plan import DrillPlan, PlannedStep
from signer.evidence.drills.site import Site
from signer.evidence.fact import printable

FORMAT = "signer-drill-record"
FORMAT_VERSION = 1
TEMPLATE = "drill/record"
_MAX_NAME = 100


class Result(StrEnum):
    """`NOT_REACHED`: a step before it failed."""

    OK = "ok"
    FAILED = "failed"
    NOT_REACHED = "not-reached"


@dataclass(frozen=True)
class StepRecord:
    """What a step showed. `milliseconds`: how long it took."""

    step: PlannedStep
    started_at: datetime
    milliseconds: int
    result: Result
    observation: str


def checked_operator(name: str) -> str:
    """Who runs the drill, as it goes onto the record. Raises RequestError (INPUT_MALFORMED)."""
    if not name.strip() or len(name) > _MAX_NAME or not name.isprintable():
        raise malformed(f"the operator's name must have 1 to {_MAX_NAME} printable characters", "Give --operator NAME.")
    return name.strip()


def make_record(
    plan: DrillPlan, site: Site, operator: str, steps: Sequence[StepRecord], started: datetime, ended: datetime
) -> dict[str, Any]:
    """The record as a JSON object; passed where every step is ok."""
    failed = [step for step in steps if step.result is Result.FAILED]
    titles = "、".join(step.step.title_zh for step in failed)
    names = ", ".join(step.step.name for step in failed)
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "record": {
            "number": f"DRL{started:%Y%m%d%H%M%S}{secrets.token_hex(3).upper()}",
            "drill": plan.name,
            "company": site.company,
            "appliance": site.appliance,
            "operator": operator,
            "site": site.kind,
            "site_zh": site.described_zh,
            "started_at": moment(started),
            "ended_at": moment(ended),
            "version": version("signing-appliance"),
        },
        "plan": {
            "title_zh": plan.title_zh,
            "scenario_zh": plan.scenario_zh,
            "scenario_en": plan.scenario_en,
            "roles_zh": list(plan.roles_zh),
            "not_rehearsed_zh": plan.not_rehearsed_zh,
            "every_days": plan.every_days,
        },
        "steps": [_step(step) for step in steps],
        "conclusion": {
            "passed": not failed,
            "told_zh": f"未通过：{titles}。" if failed else "全部步骤符合预期，演练通过。",
            "told_en": f"Failed: {names}." if failed else "Every step went as expected; the drill passed.",
        },
    }


def _step(record: StepRecord) -> dict[str, Any]:
    return {
        "name": record.step.name,
        "title_zh": record.step.title_zh,
        "title_en": record.step.title_en,
        "expected_zh": record.step.expected_zh,
        "started_at": moment(record.started_at),
        "milliseconds": record.milliseconds,
        "result": record.result.value,
        "observation": printable(record.observation) or "—",
    }


def keep(record: dict[str, Any], folder: Path) -> Path:
    """Writes the record into the folder of drills; returns its file. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / f"{record['record']['number']}.json"
    temporary = file.with_suffix(".new")
    temporary.write_text(canonical(record), encoding="utf-8")
    temporary.replace(file)
    return file


def read_record(file: Path) -> dict[str, Any]:
    """A kept record, checked by its schema. Raises RequestError (INPUT_MALFORMED)."""
    content = read_bytes(file)
    values = read_object(content, str(file))
    try:
        check_data(Catalog.load().get(f"{TEMPLATE}@{FORMAT_VERSION}"), content.decode("utf-8"))
    except (RenderError, UnicodeDecodeError) as problem:
        raise malformed(f"{file}: is no drill record: {getattr(problem, 'message', 'not UTF-8')}") from None
    return values
