"""Judges the clock from what is seen of it: its steps, the latest time that was believed before, and what sources say.

Pure: it is told the clocks' values and the sources' readings. Not for asking sources, publishing or recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from signer.clock.sources import Reading

# Clocks are slewed by less than this between two looks of about a second.
LEAST_STEP_S = 0.5


class Trouble(StrEnum):
    """Why the clock is not to be believed now."""

    STEPPED_BACK = "stepped-back"
    DIFFERS = "differs-from-sources"
    UNCONFIRMED = "not-confirmed-by-sources"


@dataclass(frozen=True)
class ClockEvent:
    """Something for the log: `kind` "clock-step", "clock-refused", "clock-trusted", "clock-accepted"; `detail`: numbers, fixed words."""

    kind: str
    detail: str


@dataclass(frozen=True)
class ClockRules:
    """`sources`: how many are configured; more than half must agree. Seconds otherwise."""

    sources: int
    max_difference: float
    unconfirmed: float

    @property
    def needed(self) -> int:
        """Sources that must agree with the clock, or with each other against it."""
        return self.sources // 2 + 1


class ClockJudge:
    """Told about the clock about once a second, about the sources' answers whenever they were asked."""

    def __init__(self, rules: ClockRules, *, wall: float, boot: float, remembered: float | None = None) -> None:
        """`remembered`: the latest time of day that was believed before this start."""
        self._rules = rules
        self._boot = boot
        self.offset = wall - boot  # the time of day less the time since boot
        self._latest = remembered if remembered is not None else wall
        self._confirmed: float | None = None  # time since boot of the last agreement
        self._differs = False
        self._told: frozenset[Trouble] = frozenset()
        self.wants_sources = rules.sources > 0
        self.troubles = self._judge(wall, boot)

    @property
    def latest(self) -> float:
        """The latest time of day that was believed; to be remembered over restarts."""
        return self._latest

    def look(self, wall: float, boot: float) -> list[ClockEvent]:
        """Both clocks now. Returns what is to be recorded."""
        events = []
        step, self.offset, self._boot = wall - boot - self.offset, wall - boot, boot
        if abs(step) >= LEAST_STEP_S:
            events.append(ClockEvent("clock-step", f"{step:+.3f} s"))
            self._confirmed = None  # what the sources agreed with is gone
            self.wants_sources = self._rules.sources > 0
        self.troubles = self._judge(wall, boot)
        if not self.troubles:
            self._latest = max(self._latest, wall)
        return events + self._changes(wall)

    def hear(self, readings: Sequence[Reading]) -> None:
        """The answers of those sources that gave one; judged at the next look."""
        self.wants_sources = False
        limit = self._rules.max_difference
        near = sum(max(abs(reading.difference), reading.uncertainty) <= limit for reading in readings)
        far = sum(abs(reading.difference) - reading.uncertainty > limit for reading in readings)
        if near >= self._rules.needed:
            self._confirmed, self._differs = self._boot, False
        elif far >= self._rules.needed:
            self._confirmed, self._differs = None, True

    def accept(self, wall: float) -> ClockEvent:
        """An administrator believes the clock as it is although it was set back."""
        behind, self._latest = self._latest - wall, wall
        return ClockEvent("clock-accepted", f"{behind:.3f} s behind the latest time that was believed")

    def _judge(self, wall: float, boot: float) -> frozenset[Trouble]:
        troubles = set()
        if wall < self._latest - LEAST_STEP_S:
            troubles.add(Trouble.STEPPED_BACK)
        if self._rules.sources:
            if self._differs:
                troubles.add(Trouble.DIFFERS)
            elif self._confirmed is None or boot - self._confirmed > self._rules.unconfirmed:
                troubles.add(Trouble.UNCONFIRMED)
        return frozenset(troubles)

    def _changes(self, wall: float) -> list[ClockEvent]:
        before, self._told = self._told, self.troubles
        if self.troubles == before:
            return []
        if not self.troubles:
            return [ClockEvent("clock-trusted", "")]
        names = ", ".join(sorted(self.troubles))
        behind = f", {self._latest - wall:.3f} s behind" if Trouble.STEPPED_BACK in self.troubles else ""
        return [ClockEvent("clock-refused", f"{names}{behind}")]
