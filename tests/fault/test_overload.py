"""Ten times as many callers as keep it busy: it goes on at its capacity, refuses the rest at once, and harms no small client.

Threat: T20.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from signer.transport.admission import LONGEST_WAIT_S
from tests.conftest import RunningAppliance, free_port_base
from tests.fault.crowd import Answer, Crowd, Tally, gather, set_off
from tests.fault.disk_probe import DiskProbe, Stall
from tests.made_appliances import running

_BUSY = 32  # callers that keep both workers busy
_AFTERWARDS_S = 0.5  # so long after a stall an answer may still come from it
_MOST_STILL = 0.1  # share of the time in which the disk may take nothing


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An appliance of this module's own."""
    directory, port = tmp_path_factory.mktemp("crowded"), free_port_base()
    with running(directory, port) as process:
        yield RunningAppliance(directory, port, process.pid)


def _crowd(appliance: RunningAppliance, client: str, callers: int, seconds: float, **others: float) -> Crowd:
    port = appliance.port + (client == "channel")
    profile = appliance.directory / "clients" / client / "profile.toml"
    return Crowd(profile, f"127.0.0.1:{port}", callers, seconds, processes=min(2, callers), **others)


def _memory_kib(appliance: RunningAppliance) -> int:
    """Resident memory of both workers."""
    total = 0
    for name in ("worker-0", "worker-1"):
        status = Path(f"/proc/{appliance.children()[name]}/status").read_text()
        total += int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    return total


@dataclass(frozen=True)
class _Overload:
    """What was seen. `before`, `after`: callers at capacity, alone. `crowd` and `small` at the same time between them."""

    before: Tally
    crowd: Tally
    small: Tally
    after: Tally

    @property
    def all(self) -> tuple[Tally, ...]:
        """The four."""
        return self.before, self.crowd, self.small, self.after


def _seen(*crowds: Crowd) -> list[Tally]:
    going = [set_off(crowd) for crowd in crowds]
    return [gather(crowd, one) for crowd, one in zip(crowds, going, strict=True)]


def _overload(appliance: RunningAppliance, seconds: float) -> _Overload:
    """The crowd, and a small client of another name beside it; half as long before and after it what the capacity is."""
    alone = _crowd(appliance, "core", _BUSY, seconds / 2)
    many = _crowd(appliance, "core", 10 * _BUSY, seconds, warm_up=3.0)
    small = _crowd(appliance, "channel", 1, seconds, warm_up=3.0, pause=0.2)
    return _Overload(*_seen(alone), *_seen(many, small), *_seen(alone))


def _goodput(tallies: Sequence[Tally], stalls: Sequence[Stall]) -> float:
    """Calls that were served in a second, not counting those in which the disk took nothing."""
    seconds = sum(tally.end - tally.begin for tally in tallies)
    still = sum(stall.within(tally.begin, tally.end) for tally in tallies for stall in stalls)
    assert still < _MOST_STILL * seconds, (
        f"the disk took nothing for {still:.1f} of {seconds:.0f} s: measure on another machine"
    )
    return sum(len(tally.latencies) for tally in tallies) / (seconds - still)


def _unexplained(answers: Sequence[Answer], stalls: Sequence[Stall]) -> list[Answer]:
    """All but those that a disk explains which took nothing: nothing is signed then, until somebody has tried again."""
    return [
        answer
        for answer in answers
        if answer.reason != "LOG_UNAVAILABLE"
        or not any(stall.within(answer.begin - _AFTERWARDS_S, answer.end) for stall in stalls)
    ]


def _check(seen: _Overload, stalls: Sequence[Stall]) -> None:
    assert _unexplained([answer for tally in seen.all for answer in tally.others], stalls) == []
    assert seen.crowd.refused > 0
    assert seen.crowd.without_delay == seen.small.without_delay == 0
    assert seen.small.refused == 0
    assert seen.small.latencies
    # Nobody who was admitted waited longer than the queue lets anybody wait.
    assert seen.crowd.percentile(0.99) < LONGEST_WAIT_S + 20 * seen.before.percentile(0.99)


def _share(seen: _Overload, stalls: Sequence[Stall]) -> float:
    """What of its capacity is left to those who are served."""
    return _goodput([seen.crowd], stalls) / _goodput([seen.before, seen.after], stalls)


def _tell(seen: _Overload, stalls: Sequence[Stall]) -> None:
    """The figures, for who runs it with -s."""
    for name, tally in zip(("before", "crowd", "small", "after"), seen.all, strict=True):
        served, middle, slow = len(tally.latencies), tally.percentile(0.5), tally.percentile(0.99)
        print(
            f"\n{name}: {served} served, median {middle:.3f} s, 99 % {slow:.3f} s, {tally.refused} refused, {len(tally.others)} else"
        )
    print(
        f"goodput {_share(seen, stalls):.2f} of capacity, disk stalls {[round(stall.end - stall.begin, 1) for stall in stalls]} s"
    )


def test_more_callers_than_it_can_serve(crowded: RunningAppliance) -> None:
    with DiskProbe(crowded.directory) as disk:
        seen = _overload(crowded, seconds=4)
    _check(seen, disk.stalls)
    assert _share(seen, disk.stalls) > 0.4  # seconds on a busy machine: the long form is strict


@pytest.mark.soak
def test_two_minutes_of_it(crowded: RunningAppliance) -> None:
    _overload(crowded, seconds=10)  # what is allocated once is there then
    before = _memory_kib(crowded)
    with DiskProbe(crowded.directory) as disk:
        seen = _overload(crowded, seconds=120)
    _tell(seen, disk.stalls)
    _check(seen, disk.stalls)
    assert _share(seen, disk.stalls) >= 0.9
    assert _memory_kib(crowded) < 1.1 * before
