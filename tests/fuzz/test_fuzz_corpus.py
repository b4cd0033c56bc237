"""The kept inputs of the fuzzers, once more and without them: each gets its answer and no exception leaves.

Threats: T6, T7.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.fuzz_targets import TARGETS

_CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_kept_inputs_are_answered(target: str) -> None:
    inputs = sorted((_CORPUS / target).iterdir())
    assert len(inputs) > 10
    for path in inputs:
        TARGETS[target](path.read_bytes())


def test_the_corpus_stays_small() -> None:
    files = [path for path in _CORPUS.rglob("*") if path.is_file()]
    assert len(files) <= 300
    assert sum(path.stat().st_size for path in files) <= 1 << 20
