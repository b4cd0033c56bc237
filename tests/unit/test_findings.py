"""Findings: a message in both languages for every code, and the table of docs/verification.md made from them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from signer.findings import FindingCode, finding

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("code", FindingCode)
def test_a_finding_is_said_in_both_languages(code: FindingCode) -> None:
    found = finding(code)
    assert found.code is code
    assert found.message.endswith(".")
    assert found.message_zh.endswith("。")
    assert any("\u4e00" <= character <= "\u9fff" for character in found.message_zh)
    assert code.value == code.value.lower().replace("_", "-").replace(" ", "-")


def test_the_documents_table_is_the_one_of_the_source() -> None:
    script = ROOT / "scripts" / "list_findings.py"
    printed = subprocess.run([sys.executable, script], capture_output=True, check=True, cwd=ROOT, encoding="utf-8")
    assert printed.stdout in (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
