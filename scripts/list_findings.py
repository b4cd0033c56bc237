#!/usr/bin/env python3
"""Prints the table of findings for docs/verification.md, which `tests/unit/test_findings.py` compares with it."""

from __future__ import annotations

from signer.findings import FindingCode, finding


def rows() -> list[str]:
    """A row for each code, in the order of the source."""
    return [f"| `{item.code.value}` | {item.message} | {item.message_zh} |" for item in map(finding, FindingCode)]


if __name__ == "__main__":
    print("| code | English | 中文 |\n|---|---|---|")
    print("\n".join(rows()))
