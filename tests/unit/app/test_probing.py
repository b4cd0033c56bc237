"""A worker's probes: what they come to is served, counted and recorded; a record that can't be written stops nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm.errors import HsmUnavailable
from hsm.errors import Reason as HsmReason
from monitoring import metrics
from monitoring.probe_record import ProbeRecord
from signer.app.probing import Probing
from signer.errors import ApplianceError, Reason


class ScriptedProbe:
    """Stands in for the signature; raises what it is told to."""

    problem: Exception | None = None

    def __call__(self) -> None:
        """One probe."""
        if self.problem is not None:
            raise self.problem


@pytest.fixture
def probe() -> ScriptedProbe:
    """One that succeeds."""
    return ScriptedProbe()


def test_an_outcome_is_told_when_it_changes_and_recorded_each_time(tmp_path: Path, probe: ScriptedProbe) -> None:
    told: list[bool] = []
    record = ProbeRecord(tmp_path, "worker-0")
    probing = Probing(probe, told.append, record)
    probing.first()
    assert record.works()
    probing.serve()
    probing.again()
    probe.problem = HsmUnavailable(HsmReason.UNAVAILABLE, "gone")
    failed = metrics.signing_probes.labels("hsm-unavailable")._value
    before = failed.get()
    probing.again()
    probing.again()
    assert failed.get() == before + 2
    assert not record.works()
    probe.problem = None
    probing.again()
    assert record.works()
    assert told == [True, False, True]


def test_a_worker_whose_first_signature_fails_does_not_start(tmp_path: Path, probe: ScriptedProbe) -> None:
    probe.problem = ApplianceError(Reason.OWN_SIGNATURE_WRONG, "wrong")
    probing = Probing(probe, lambda _: None, ProbeRecord(tmp_path, "worker-0"))
    with pytest.raises(ApplianceError):
        probing.first()


def test_a_record_that_cannot_be_written_leaves_the_worker_serving(tmp_path: Path, probe: ScriptedProbe) -> None:
    told: list[bool] = []
    record = ProbeRecord(tmp_path / "missing", "worker-0")
    probing = Probing(probe, told.append, record)
    probing.first()
    probing.serve()
    probing.again()
    assert told == [True]
    assert not record.works()  # /readyz says so
