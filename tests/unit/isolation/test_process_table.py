"""The table of docs/hardening.md is the one that processes go by, and every process has a row in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from isolation.process_table import PROCESSES, ProcessRow
from isolation.seccomp import Calls

_DOCUMENT = (Path(__file__).parents[3] / "docs" / "hardening.md").read_text(encoding="utf-8")
_WORDS = {
    Calls.FORK: "fork",
    Calls.EXECUTE: "start programs",
    Calls.SIGNAL: "signal what it started",
    Calls.CONNECT_LOCAL: "connect to unix sockets",
    Calls.READ_CLOCK: "ask the kernel for its clock's state",
    Calls.NETWORK: "use unix and internet sockets",
}


def _row(name: str, row: ProcessRow) -> str:
    may = ", ".join(words for calls, words in _WORDS.items() if calls in row.limits.may) or "nothing"
    memory = f"{row.limits.memory_bytes / (1 << 30):g} GiB" if row.limits.memory_bytes else "–"
    time = f"{row.limits.cpu_seconds} s" if row.limits.cpu_seconds else "–"
    return f"| {name} | {may} | {row.reads} | {row.writes} | {row.network} | {memory}, {time} |"


@pytest.mark.parametrize("name", PROCESSES)
def test_the_document_has_the_row(name: str) -> None:
    assert _row(name, PROCESSES[name]) in _DOCUMENT.splitlines()


def test_the_document_has_no_other_row() -> None:
    table = _DOCUMENT.split("|---|---|---|---|---|---|\n", 1)[1].split("\n\n", 1)[0]
    assert [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()] == list(PROCESSES)


@pytest.mark.parametrize("name", [name for name in PROCESSES if name != "supervisor"])
def test_nobody_but_the_supervisor_starts_programs(name: str) -> None:
    assert Calls.EXECUTE not in PROCESSES[name].limits.may


@pytest.mark.parametrize("name", ["renderer", "inspector", "inspection", "exporter", "log-writer"])
def test_who_needs_no_new_socket_makes_none(name: str) -> None:
    assert not PROCESSES[name].limits.may & (Calls.NETWORK | Calls.CONNECT_LOCAL)


def test_an_inspection_is_bounded_in_time_and_memory() -> None:
    limits = PROCESSES["inspection"].limits
    assert limits.cpu_seconds is not None
    assert limits.cpu_seconds <= 30
    assert limits.memory_bytes is not None
    assert limits.memory_bytes <= 2 << 30
