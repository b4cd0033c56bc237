"""The dashboards: what Grafana imports, with expressions that parse and name only metrics that exist; no metric is left out."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.generate_dashboards import DIRECTORY, dashboards
from tests.unit.monitoring.expression_check import faults_of
from tests.unit.monitoring.known_series import ROOT, series
from tests.unit.monitoring.promql_names import names_in

_FILES = sorted(DIRECTORY.glob("*.json"))
_RULES = [
    rule
    for file in sorted((ROOT / "monitoring" / "alerts").glob("*.yml"))
    for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
_RECORDED = {rule["record"]: names_in(rule["expr"]).grouping for rule in _RULES if "record" in rule}


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def _expressions(content: dict[str, Any]) -> list[str]:
    """As Prometheus gets them: Grafana's own variables have values by then."""
    return [
        target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")
        for panel in content["panels"]
        for target in panel["targets"]
    ]


def test_the_files_are_what_the_panels_make() -> None:
    assert {file.name: file.read_text(encoding="utf-8") for file in _FILES} == dashboards()


def test_each_dashboard_has_an_identity_of_its_own() -> None:
    contents = [_read(file) for file in _FILES]
    assert len({content["uid"] for content in contents}) == len(contents) == 5
    assert len({content["title"] for content in contents}) == len(contents)


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_grafana_can_import_it(file: Path) -> None:
    content = _read(file)
    assert content["schemaVersion"] >= 38
    assert "id" not in content  # Grafana gives numbers; a file that has one overwrites somebody's dashboard
    variables = {variable["name"]: variable for variable in content["templating"]["list"]}
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    identifiers = [panel["id"] for panel in content["panels"]]
    assert len(identifiers) == len(set(identifiers))
    for panel in content["panels"]:
        places = panel["gridPos"]
        assert places["x"] + places["w"] <= 24
        assert panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert len(references) == len(set(references)) > 0
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_expressions_name_only_what_the_code_has(file: Path) -> None:
    expressions = _expressions(_read(file))
    assert not [(expression, faults) for expression in expressions if (faults := faults_of(expression, _RECORDED))]


def test_promtool_parses_every_expression(tmp_path: Path) -> None:
    expressions = [expression for file in _FILES for expression in _expressions(_read(file))]
    rules = [{"record": f"dashboards:{number}", "expr": text} for number, text in enumerate(expressions)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_metric_is_looked_at_somewhere() -> None:
    seen = {name for rule in _RULES for name in names_in(rule["expr"]).metrics}
    seen |= {
        name for file in _FILES for expression in _expressions(_read(file)) for name in names_in(expression).metrics
    }
    parts = ("_bucket", "_sum", "_count")
    histograms = {name.removesuffix("_bucket") for name in series() if name.endswith("_bucket")}
    unseen = {name for name in series() if not name.endswith(parts) and name not in seen}
    unseen |= {name for name in histograms if not seen & {name + part for part in parts}}
    assert unseen == set()
