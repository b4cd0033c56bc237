"""Every worker gets processors, every processor a worker, and as evenly as can be."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from signer.app.processors import shares, split


@given(st.integers(1, 64), st.integers(1, 100))
def test_shares_are_fair(processors: int, workers: int) -> None:
    split_up = split(list(range(processors)), workers)
    assert len(split_up) == workers
    assert frozenset().union(*split_up) == frozenset(range(processors))
    sizes = [len(share) for share in split_up]
    assert max(sizes) - min(sizes) <= 1
    if workers <= processors:
        assert sum(sizes) == processors


def test_only_what_we_may_use_is_shared() -> None:
    assert frozenset().union(*shares(3)) == frozenset(os.sched_getaffinity(0))
