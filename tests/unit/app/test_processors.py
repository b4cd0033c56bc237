"""Every worker gets processors, every processor a worker, and as evenly as can be."""

from __future__ import annotations

import os
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from signer.app.processors import settle, shares, split


@given(st.integers(1, 64), st.integers(1, 100))
def test_shares_are_fair(processors: int, workers: int) -> None:
    split_up = split(list(range(processors)), workers)
    assert len(split_up) == workers
    assert frozenset().union(*split_up) == frozenset(range(processors))
    sizes = [len(share) for share in split_up]
    assert max(sizes) - min(sizes) <= 1
    if workers <= processors:
        assert sum(sizes) == processors


def test_a_settled_process_has_its_processors_and_takes_turns() -> None:
    processor = min(os.sched_getaffinity(0))
    with subprocess.Popen([sys.executable, "-c", _THREAD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        settle(child.pid, frozenset({processor}))
        said, _ = child.communicate(b"go", 30)
    assert said.decode().split() == [str({processor}), str(os.SCHED_BATCH)]


# What a thread that it starts later gets.
_THREAD = """
import os, sys, threading
sys.stdin.read()
tell = lambda: print(os.sched_getaffinity(0), os.sched_getscheduler(0))
threading.Thread(target=tell).start()
"""


def test_only_what_we_may_use_is_shared() -> None:
    assert frozenset().union(*shares(3)) == frozenset(os.sched_getaffinity(0))
