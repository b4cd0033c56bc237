"""Holds docs/threat-model.md and the tests together: every id is shown by tests that cite it, and tests cite no other ids."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_MODEL = (_ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
_CITED = re.compile(r"Threats?: ((?:T\d+(?:, | and )?)+)\.")


def _rows() -> dict[str, list[str]]:
    rows: dict[str, list[str]] = {}
    for line in _MODEL.splitlines():
        if match := re.match(r"\| (T\d+) \|", line):
            assert match[1] not in rows, f"{match[1]} stands twice"
            rows[match[1]] = re.findall(r"`(tests/[\w/]+\.py)`", line.rsplit("|", 2)[1])
    return rows


def _cited() -> dict[str, set[str]]:
    """By test file: the ids that its module's docstring cites."""
    found: dict[str, set[str]] = {}
    for file in sorted((_ROOT / "tests").rglob("test_*.py")):
        text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        if match := _CITED.search(" ".join(text.split())):
            found[str(file.relative_to(_ROOT))] = set(re.findall(r"T\d+", match[1]))
    return found


@pytest.mark.parametrize("threat", _rows())
def test_every_threat_is_shown_by_tests_that_cite_it(threat: str) -> None:
    files = _rows()[threat]
    assert files, f"{threat} names no test"
    cited = _cited()
    assert [file for file in files if threat not in cited.get(file, set())] == []


def test_ids_are_numbered_without_gaps() -> None:
    assert list(_rows()) == [f"T{number}" for number in range(1, len(_rows()) + 1)]


def test_tests_cite_only_what_the_model_says_they_show() -> None:
    rows = _rows()
    wrong = [
        (file, threat) for file, threats in _cited().items() for threat in threats if file not in rows.get(threat, [])
    ]
    assert wrong == []
