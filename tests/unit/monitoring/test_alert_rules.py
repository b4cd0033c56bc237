"""The alert rules: promtool takes them, each is tested both ways and has a runbook, and they name only what the code has."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.monitoring.expression_check import faults_of
from tests.unit.monitoring.known_series import ROOT, series
from tests.unit.monitoring.promql_names import names_in

_ALERTS = ROOT / "monitoring" / "alerts"
_RUNBOOKS = ROOT / "monitoring" / "runbooks"
_RULE_FILES = sorted(_ALERTS.glob("*.yml"))
_TEST_FILES = sorted((_ALERTS / "tests").glob("*.yml"))


def _read(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def _rules() -> list[dict[str, Any]]:
    return [rule for file in _RULE_FILES for group in _read(file)["groups"] for rule in group["rules"]]


_RULES = [rule for rule in _rules() if "alert" in rule]
_RECORDED = {rule["record"]: names_in(rule["expr"]).grouping for rule in _rules() if "record" in rule}


def _promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=200)


def test_promtool_takes_every_rule() -> None:
    done = _promtool("check", "rules", *_RULE_FILES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", _TEST_FILES, ids=lambda file: file.stem)
def test_alerts_fire_when_they_should_and_only_then(file: Path) -> None:
    done = _promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_would_find_an_alert_that_does_not_fire(tmp_path: Path) -> None:
    """The test of the tests: with another threshold the same file must fail."""
    (tmp_path / "tests").mkdir()
    rules = (_ALERTS / "storage.yml").read_text(encoding="utf-8")
    assert "< 0.1" in rules
    (tmp_path / "storage.yml").write_text(rules.replace("< 0.1", "< 0.01"), encoding="utf-8")
    tests = tmp_path / "tests" / "storage.yml"
    tests.write_text((_ALERTS / "tests" / "storage.yml").read_text(encoding="utf-8"), encoding="utf-8")
    assert _promtool("test", "rules", tests).returncode != 0


def test_every_alert_is_tested_firing_and_silent() -> None:
    expected: dict[str, set[bool]] = defaultdict(set)
    for file in _TEST_FILES:
        for case in _read(file)["tests"]:
            for check in case["alert_rule_test"]:
                expected[check["alertname"]].add(bool(check["exp_alerts"]))
    assert dict(expected) == {rule["alert"]: {True, False} for rule in _RULES}


def test_one_file_for_each_subject_and_names_are_unique() -> None:
    names = [rule["alert"] for rule in _RULES]
    assert len(names) == len(set(names))
    assert {file.stem for file in _RULE_FILES} <= {file.stem for file in _TEST_FILES}


@pytest.mark.parametrize("rule", _RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_what_it_means_in_both_languages_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    chinese, english = rule["annotations"]["summary"].split(" · ")
    assert re.search(r"[\u4e00-\u9fff]", chinese)
    assert english.isascii()
    page = _RUNBOOKS / f"{rule['alert']}.md"
    assert rule["annotations"]["runbook"] == str(page.relative_to(ROOT))
    text = page.read_text(encoding="utf-8")
    assert f"{chinese} · {english} (severity: {rule['labels']['severity']})" in text
    sections = re.split(r"^## (.+)\n", text, flags=re.M)
    assert sections[0].startswith(f"# {rule['alert']}\n")
    assert sections[1::2] == ["Meaning", "Impact", "What to do", "When it is over"]
    assert all(len(section.strip()) > 4 for section in sections[2::2])


def test_every_runbook_belongs_to_an_alert_and_its_links_lead_somewhere() -> None:
    pages = {page.stem: page.read_text(encoding="utf-8") for page in _RUNBOOKS.glob("*.md")}
    assert set(pages) == {rule["alert"] for rule in _RULES}
    linked = {link for text in pages.values() for link in re.findall(r"\]\((\w+)\.md\)", text)}
    assert linked <= set(pages)
    named = {name for text in pages.values() for name in re.findall(r"\bsigner_[a-z_]+", text)}
    assert not [name for name in named if not {name, f"{name}_bucket"} & set(series())]


def test_the_documentation_lists_every_alert_as_it_is() -> None:
    text = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[(\w+)\]\(\.\./monitoring/runbooks/\1\.md\) \| (\w+) \| (.+) \|$", text, flags=re.M)
    assert sorted(listed) == sorted(
        (rule["alert"], rule["labels"]["severity"], rule["annotations"]["summary"].split(" · ")[1]) for rule in _RULES
    )


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: str(rule.get("alert", rule.get("record"))))
def test_expressions_name_only_what_the_code_has(rule: dict[str, Any]) -> None:
    assert faults_of(rule["expr"], _RECORDED) == []


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("signer_no_such_metric > 0", "signer_no_such_metric does not exist"),
        ("rate(signer_refusals[5m])", "signer_refusals does not exist"),
        ('signer_refusals_total{cause="internal"}', "has no label cause"),
        ('signer_refusals_total{reason="log-unvailable"}', "is never log-unvailable"),
        ('signer_refusals_total{reason=~"log-damaged|log-dmaged"}', "is never log-dmaged"),
        ('signer_verifications_total{answer=~"CHANGED/(UNKNOWN|UNKOWN)"}', "is never CHANGED/UNKOWN"),
        ("sum by (client) (signer_refusals_total)", "has the label client"),
        ("vector(1)", "names no metric"),
    ],
)
def test_wrong_names_are_found(expression: str, fault: str) -> None:
    assert any(fault in found for found in faults_of(expression, _RECORDED))
