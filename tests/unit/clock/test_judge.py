"""The judge: steps, the memory over restarts, sources. Numbers are seconds; no clock is read.

Threat: T18.
"""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from signer.clock.judge import LEAST_STEP_S, ClockJudge, ClockRules, Trouble
from signer.clock.sources import Reading

_NOON = 1_800_000_000.0
_ALONE = ClockRules(sources=0, max_difference=1.0, unconfirmed=100.0)
_THREE = ClockRules(sources=3, max_difference=1.0, unconfirmed=100.0)


def _kinds(judge: ClockJudge, wall: float, boot: float) -> list[str]:
    return [event.kind for event in judge.look(wall, boot)]


def _answers(*differences: float, uncertainty: float = 0.01) -> list[Reading]:
    return [Reading(f"source-{n}", value, uncertainty) for n, value in enumerate(differences)]


def test_a_clock_that_runs_on_is_believed() -> None:
    judge = ClockJudge(_ALONE, wall=_NOON, boot=10)
    assert [_kinds(judge, _NOON + n, 10 + n + 0.001 * n) for n in range(1, 50)] == [[]] * 49
    assert not judge.troubles


def test_a_step_back_is_refused_until_time_has_caught_up() -> None:
    judge = ClockJudge(_ALONE, wall=_NOON, boot=10)
    judge.look(_NOON + 1, 11)
    assert _kinds(judge, _NOON - 3, 12) == ["clock-step", "clock-refused"]
    assert judge.troubles == {Trouble.STEPPED_BACK}
    assert _kinds(judge, _NOON, 15) == []
    assert _kinds(judge, _NOON + 1, 16) == ["clock-trusted"]
    assert not judge.troubles


def test_a_step_forward_alone_is_recorded_and_believed() -> None:
    judge = ClockJudge(_ALONE, wall=_NOON, boot=10)
    assert _kinds(judge, _NOON + 100, 11) == ["clock-step"]
    assert not judge.troubles


def test_a_clock_that_was_set_back_while_we_were_down_is_refused() -> None:
    judge = ClockJudge(_ALONE, wall=_NOON, boot=10, remembered=_NOON + 3600)
    assert judge.troubles == {Trouble.STEPPED_BACK}
    assert [event.detail for event in judge.look(_NOON + 1, 11)] == ["stepped-back, 3599.000 s behind"]
    assert judge.latest == _NOON + 3600, "what was believed is not forgotten while it is refused"


def test_an_administrator_accepts_it() -> None:
    judge = ClockJudge(_ALONE, wall=_NOON, boot=10, remembered=_NOON + 3600)
    assert judge.accept(_NOON + 1).detail.startswith("3599.000 s behind")
    assert _kinds(judge, _NOON + 1, 11) == []
    assert not judge.troubles


def test_sources_must_agree_before_anything_is_believed() -> None:
    judge = ClockJudge(_THREE, wall=_NOON, boot=10)
    assert judge.wants_sources
    assert judge.troubles == {Trouble.UNCONFIRMED}
    judge.hear(_answers(0.2, -0.3))  # two of three
    assert _kinds(judge, _NOON + 0.5, 10.5) == []
    judge.look(_NOON + 1, 11)
    assert not judge.troubles


def test_one_lying_source_of_three_changes_nothing() -> None:
    judge = ClockJudge(_THREE, wall=_NOON, boot=10)
    judge.hear(_answers(0.0, 0.1, 500.0))
    judge.look(_NOON + 1, 11)
    assert not judge.troubles


def test_most_sources_against_the_clock() -> None:
    judge = ClockJudge(_THREE, wall=_NOON, boot=10)
    judge.hear(_answers(30.0, 30.1, 0.0))
    judge.look(_NOON + 1, 11)
    assert judge.troubles == {Trouble.DIFFERS}
    judge.hear(_answers(0.0, 0.1, 0.0))
    judge.look(_NOON + 2, 12)
    assert not judge.troubles


def test_sources_that_know_it_only_roughly_confirm_nothing() -> None:
    judge = ClockJudge(_THREE, wall=_NOON, boot=10)
    judge.hear(_answers(0.0, 0.0, 0.0, uncertainty=5.0))
    judge.look(_NOON + 1, 11)
    assert judge.troubles == {Trouble.UNCONFIRMED}


def test_silent_sources_are_borne_for_a_while() -> None:
    judge = ClockJudge(_THREE, wall=_NOON, boot=10)
    judge.hear(_answers(0.0, 0.0))
    judge.look(_NOON + 1, 11)
    judge.hear([])
    judge.look(_NOON + 100, 110)
    assert not judge.troubles
    judge.look(_NOON + 102, 112)
    assert judge.troubles == {Trouble.UNCONFIRMED}


def test_after_a_step_the_sources_are_asked_anew() -> None:
    judge = ClockJudge(_THREE, wall=_NOON, boot=10)
    judge.hear(_answers(0.0, 0.0))
    judge.look(_NOON + 1, 11)
    judge.look(_NOON + 62, 12)
    assert judge.wants_sources
    assert judge.troubles == {Trouble.UNCONFIRMED}


@given(st.lists(st.floats(-5, 5, allow_nan=False), max_size=30))
def test_what_is_believed_never_goes_back(steps: list[float]) -> None:
    """Whatever is done to the clock: the times that it was believed at only grow."""
    wall, boot, believed = _NOON, 10.0, [_NOON]
    judge = ClockJudge(_ALONE, wall=wall, boot=boot)
    for step in steps:
        wall, boot = wall + 1 + step, boot + 1
        judge.look(wall, boot)
        if not judge.troubles:
            believed.append(wall)
    assert all(later >= earlier - LEAST_STEP_S for earlier, later in pairwise(believed))
