"""The guard before every use of a key: fails closed, sees a step at once.

Threat: T18.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from signer.clock import TrustedClock
from signer.clock.memory import recall, remember
from signer.clock.published import Verdict, read_verdict
from signer.errors import ApplianceError, Reason


class _Clocks:
    """Both clocks, set by the test."""

    def __init__(self) -> None:
        self.now, self.up = 1_800_000_000.0, 50.0

    def guard(self, file: Path) -> TrustedClock:
        return TrustedClock(file, wall=lambda: self.now, boot=lambda: self.up)

    def publish(self, file: Path, *troubles: str) -> None:
        Verdict(self.now - self.up, self.up, troubles, {}).publish(file)

    def run(self, seconds: float) -> None:
        self.now, self.up = self.now + seconds, self.up + seconds


@pytest.fixture
def clocks() -> _Clocks:
    return _Clocks()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "clock.json"


def _refusal(guard: TrustedClock) -> str:
    with pytest.raises(ApplianceError) as caught:
        guard.check()
    assert caught.value.reason is Reason.CLOCK_NOT_TRUSTED
    return caught.value.message


def test_without_a_verdict_nothing_is_signed(clocks: _Clocks, file: Path) -> None:
    assert "nobody watches it" in _refusal(clocks.guard(file))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"offset": "x"}', '{"offset": 1}', "null"])
def test_a_verdict_that_is_none(clocks: _Clocks, file: Path, content: str) -> None:
    file.write_text(content)
    assert read_verdict(file) is None
    assert "nobody watches it" in _refusal(clocks.guard(file))


def test_a_verdict_grows_old(clocks: _Clocks, file: Path) -> None:
    clocks.publish(file)
    guard = clocks.guard(file)
    guard.check()
    clocks.run(9)
    guard.check()
    clocks.run(2)
    assert "nobody watches it" in _refusal(guard)


def test_a_verdict_of_before_the_machine_was_started(clocks: _Clocks, file: Path) -> None:
    clocks.publish(file)
    clocks.up = 5.0
    assert "nobody watches it" in _refusal(clocks.guard(file))


def test_a_step_is_seen_before_the_watch_sees_it(clocks: _Clocks, file: Path) -> None:
    clocks.publish(file)
    guard = clocks.guard(file)
    guard.check()
    clocks.now -= 2
    assert "just set" in _refusal(guard)
    clocks.now += 4
    assert "just set" in _refusal(guard)
    clocks.publish(file)
    clocks.run(0.3)
    guard.check()


def test_troubles_are_told(clocks: _Clocks, file: Path) -> None:
    clocks.publish(file, "stepped-back", "differs-from-sources")
    assert "(stepped-back, differs-from-sources)" in _refusal(clocks.guard(file))


def test_what_is_published_can_be_read_by_people(clocks: _Clocks, file: Path) -> None:
    Verdict(1.5, 2.5, ("x",), {"ntp://a": "+0.001 s"}).publish(file)
    assert json.loads(file.read_text())["sources"] == {"ntp://a": "+0.001 s"}
    assert read_verdict(file) == Verdict(1.5, 2.5, ("x",), {"ntp://a": "+0.001 s"})


def test_the_memory_keeps_a_moment(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    assert recall(file) is None
    remember(file, 1_800_000_000.1234)
    assert recall(file) == 1_800_000_000.123
    file.write_bytes(b"\xff")
    assert recall(file) is None
