"""Ten times as many callers as keep it busy: it goes on at its capacity, refuses the rest at once, and harms no small client.

Threat: T20.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from signer.transport.admission import LONGEST_WAIT_S
from tests.conftest import RunningAppliance, free_port_base
from tests.fault.crowd import Crowd, Tally, gather, set_off
from tests.made_appliances import running

_BUSY = 32  # callers that keep both workers busy


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


def _overload(appliance: RunningAppliance, seconds: float) -> tuple[Tally, Tally, Tally]:
    """Alone at capacity; then the crowd, and a small client of another name beside it."""
    busy = _crowd(appliance, "core", _BUSY, seconds)
    alone = gather(busy, set_off(busy))
    many = _crowd(appliance, "core", 10 * _BUSY, seconds, warm_up=3.0)
    small = _crowd(appliance, "channel", 1, seconds, warm_up=3.0, pause=0.2)
    going = [set_off(many), set_off(small)]
    return alone, gather(many, going[0]), gather(small, going[1])


def _check(alone: Tally, crowd: Tally, small: Tally) -> None:
    assert alone.others == crowd.others == small.others == []
    assert crowd.refused > 0
    assert crowd.without_delay == small.without_delay == 0
    assert small.refused == 0
    assert small.latencies
    # Nobody who was admitted waited longer than the queue lets anybody wait.
    assert crowd.percentile(0.99) < LONGEST_WAIT_S + 20 * alone.percentile(0.99)


def test_more_callers_than_it_can_serve(crowded: RunningAppliance) -> None:
    alone, crowd, small = _overload(crowded, seconds=4)
    _check(alone, crowd, small)
    assert len(crowd.latencies) > 0.4 * len(alone.latencies)  # seconds on a busy machine: the long form is strict


@pytest.mark.soak
def test_two_minutes_of_it(crowded: RunningAppliance) -> None:
    _overload(crowded, seconds=10)  # what is allocated once is there then
    before = _memory_kib(crowded)
    alone, crowd, small = _overload(crowded, seconds=120)
    _check(alone, crowd, small)
    assert len(crowd.latencies) >= 0.9 * len(alone.latencies)
    assert _memory_kib(crowded) < 1.1 * before
