"""What packs and comparisons look like on the command line: Chinese first, English beside it. Words only; nothing is judged here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signer.evidence.compare import Change, Comparison

_KINDS = {
    "setting": "设置 settings",
    "version": "版本 versions",
    "key": "密钥 keys",
    "grant": "授权 grants",
    "state": "状态 states",
    "count": "计数 counts",
}
_OUTCOMES = {"shown": "成立 shown", "contrary": "不成立 contrary", "unknown": "未能查看 unknown"}
_STATUSES = {
    "met": "符合 met",
    "partly": "部分符合 partly",
    "not-met": "不符合 not met",
    "insurer": "单位职责 insurer's",
}
_GROWTH = {
    "proven": "已证明只增未改 · proven to have only grown",
    "not-shown": "未证明 · not shown",
    "broken": "不一致 · broken",
}


def pack_lines(pack: Mapping[str, Any]) -> list[str]:
    """Head, counts, and every probe that did not show what it should."""
    head = pack["pack"]
    lines = [
        f"  系统 appliance {head['appliance']}, 版本 version {head['version']}, 模式 mode {head['mode']}, {head['created_at']}",
        *(
            f"  {row['standard']}: {row['items']} 项 items; 符合 met {row['met']}, 部分符合 partly {row['partly']}, "
            f"不符合 not met {row['not_met']}, 单位职责 insurer's {row['insurer']}"
            for row in pack["summary"]
        ),
        f"  日志 log: {pack['log']['size']} 条记录 entries",
    ]
    lines += [
        f"  - {_OUTCOMES[probe['outcome']]} {probe['name']}: {probe['told_zh']} {probe['told_en']}"
        for probe in pack["probes"]
        if probe["outcome"] != "shown"
    ]
    return lines


def comparison_values(found: Comparison) -> dict[str, Any]:
    """For --json."""
    return {
        "log": {"growth": found.growth.value, "told": found.growth_told},
        "statuses": [_values(change) for change in found.statuses],
        "outcomes": [_values(change) for change in found.outcomes],
        "facts": [{"kind": change.kind, **_values(change)} for change in found.facts],
    }


def _values(change: Change) -> dict[str, str]:
    return {"where": change.where, "title_zh": change.title_zh, "before": change.before, "after": change.after}


def comparison_lines(found: Comparison) -> list[str]:
    """What changed, the most important first."""
    lines = [f"日志 log: {_GROWTH[found.growth.value]} ({found.growth_told})"]
    lines += _block("结论变化 items whose status changed", found.statuses, _STATUSES)
    lines += _block("证明变化 probes whose outcome changed", found.outcomes, _OUTCOMES)
    for kind, title in _KINDS.items():
        lines += _block(f"{title}", [change for change in found.facts if change.kind == kind], {})
    if not (found.statuses or found.outcomes or found.essential):
        lines.append("除计数外没有变化 · nothing changed but counts")
    return lines


def _block(title: str, changes: Sequence[Change], names: Mapping[str, str]) -> list[str]:
    if not changes:
        return []
    lines = [f"{title} ({len(changes)}):"]
    for change in changes:
        before, after = names.get(change.before, change.before), names.get(change.after, change.after)
        lines.append(f"  {change.where} {change.title_zh}: {before or '（无 none）'} → {after or '（无 none）'}")
    return lines
