"""Writes monitoring/dashboards/*.json for Grafana 10 and later from `dashboard_panels`: python -m scripts.generate_dashboards.

A test holds that the files are what this makes of the panels.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from scripts.dashboard_panels import DASHBOARDS, Panel

DIRECTORY = Path(__file__).resolve().parents[1] / "monitoring" / "dashboards"
_SCHEMA_VERSION = 38  # Grafana 10.0
_SELECTION = 'job="signer",instance=~"$instance"'
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_WIDTH, _HEIGHT = 8, 8  # of 24 columns


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    per_row = 24 // _WIDTH
    place = number - 1
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "datasource": _SOURCE,
        "gridPos": {"h": _HEIGHT, "w": _WIDTH, "x": place % per_row * _WIDTH, "y": place // per_row * _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": _stat_options()
        if panel.kind == "stat"
        else {"legend": {"displayMode": "list", "placement": "bottom"}},
        "targets": [
            {
                "refId": chr(ord("A") + at),
                "datasource": _SOURCE,
                "expr": expression.replace("$I", _SELECTION).replace("$R", "$__rate_interval"),
                "legendFormat": legend,
            }
            for at, (expression, legend) in enumerate(panel.queries)
        ],
    }


def _stat_options() -> dict[str, Any]:
    return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "textMode": "auto"}


def _variables() -> list[dict[str, Any]]:
    return [
        {"name": "datasource", "label": "数据源 · Data source", "type": "datasource", "query": "prometheus"},
        {
            "name": "instance",
            "label": "实例 · Instance",
            "type": "query",
            "datasource": _SOURCE,
            "query": {"query": 'label_values(signer_build_info{job="signer"}, instance)', "refId": "instance"},
            "refresh": 2,
            "includeAll": True,
            "multi": True,
            "current": {"text": "All", "value": "$__all"},
        },
    ]


def dashboards() -> dict[str, str]:
    """File name → content, as they are checked in."""
    made = {}
    for name, (title, panels) in DASHBOARDS.items():
        content = {
            "uid": f"signer-{name}",
            "title": title,
            "tags": ["signer"],
            "schemaVersion": _SCHEMA_VERSION,
            "version": 1,
            "editable": True,
            "timezone": "browser",
            "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"},
            "templating": {"list": _variables()},
            "annotations": {"list": []},
            "panels": [_panel(number, panel) for number, panel in enumerate(panels, start=1)],
        }
        made[f"{name}.json"] = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    return made


def main() -> int:
    """Writes all files."""
    DIRECTORY.mkdir(exist_ok=True)
    for name, content in dashboards().items():
        (DIRECTORY / name).write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
