"""Rates: never more than the burst and the rate allow, whatever comes when; a machine's new start forgets; processes share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from signer.authz.rate import Rate, SharedRates

_SECOND = 1_000_000_000


class _Clock:
    """A clock that the test turns: the real one can't be made to jump."""

    def __init__(self) -> None:
        self.now = 5_000 * _SECOND

    def __call__(self) -> int:
        return self.now


@given(
    st.integers(1, 50),
    st.integers(1, 20),
    st.lists(st.tuples(st.integers(0, _SECOND), st.integers(1, 5)), min_size=1, max_size=60),
)
def test_no_more_than_burst_and_rate_allow(per_second: int, burst: int, uses: list[tuple[int, int]]) -> None:
    clock, rate = _Clock(), Rate(per_second, burst)
    rates = SharedRates(Path("/dev/shm") / f"rates-test-{id(clock)}", ["a"], clock)
    Path("/dev/shm", f"rates-test-{id(clock)}").unlink()
    began, used, largest = clock.now, 0, 0
    for pause, cost in uses:
        clock.now += pause
        wait = rates.take("a", rate, cost)
        if wait:
            clock.now += int(wait * _SECOND) + 1
            assert rates.take("a", rate, cost) == 0.0, "after the time that was told there is room"
        used, largest = used + cost, max(largest, cost)
        # A cost above what is left goes through once, and is paid for by a longer wait.
        assert used <= burst + (largest - 1) + (clock.now - began) * per_second / _SECOND + 1


def test_what_was_written_before_the_machine_started_is_forgotten(tmp_path: Path) -> None:
    clock, rate = _Clock(), Rate(1, 1)
    rates = SharedRates(tmp_path / "rates", ["a"], clock)
    assert rates.take("a", rate) == 0.0
    assert rates.take("a", rate) > 0
    clock.now = 10 * _SECOND  # the monotonic clock begins anew
    assert rates.take("a", rate) == 0.0


def test_names_do_not_share(tmp_path: Path) -> None:
    rates = SharedRates(tmp_path / "rates", ["a", "b"])
    assert rates.take("a", Rate(0.01, 1)) == 0.0
    assert rates.take("a", Rate(0.01, 1)) > 0
    assert rates.take("b", Rate(0.01, 1)) == 0.0


_PROGRAM = """
import sys, threading
from pathlib import Path
from signer.authz.rate import Rate, SharedRates
rates, taken = SharedRates(Path(sys.argv[1]), ["a"]), []
def take():
    for _ in range(300):
        if rates.take("a", Rate(0.001, 500)) == 0.0:
            taken.append(1)
threads = [threading.Thread(target=take) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(taken))
"""


def test_processes_and_threads_count_together(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PROGRAM, str(tmp_path / "rates")]
    racing = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    assert sum(int(process.communicate()[0]) for process in racing) == 500
