"""Rates and memory of uploads, with a clock of the test's."""

from __future__ import annotations

import pytest

from signer.web import admission
from signer.web.admission import UploadMemory, UploadRates
from signer.web.portal_config import PortalLimits
from signer.web.refusal import Refusal


class _Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_a_rate_for_each_address() -> None:
    clock = _Clock()
    rates = UploadRates(PortalLimits(uploads_per_minute=6, upload_burst=3), clock)
    for _ in range(3):
        rates.take("a")
    with pytest.raises(Refusal) as refused:
        rates.take("a")
    assert (refused.value.status, refused.value.retry_after) == (429, 10)
    rates.take("b")
    clock.now += 10
    rates.take("a")
    with pytest.raises(Refusal):
        rates.take("a")
    clock.now += 3600
    for _ in range(3):  # never more than the burst
        rates.take("a")
    with pytest.raises(Refusal):
        rates.take("a")


def test_addresses_are_forgotten_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "_MOST_ADDRESSES", 3)
    rates = UploadRates(PortalLimits(upload_burst=1), _Clock())
    for address in "abcd":
        rates.take(address)
    assert list(rates._left) == ["b", "c", "d"]


def test_bytes_are_given_back_whatever_happens() -> None:
    memory = UploadMemory(PortalLimits(upload_bytes=100, uploads_per_address=2))
    with memory.upload("a") as first, memory.upload("a") as second:
        first.add(60)
        second.add(40)
        with pytest.raises(Refusal) as refused:
            second.add(1)
        assert memory.held == 100
    assert (refused.value.status, refused.value.reason) == (503, "busy")
    assert memory.held == 0
    upload = memory.upload("a")
    upload.__enter__().add(100)
    assert not upload.__exit__(KeyError, KeyError(), None)
    assert memory.held == 0


def test_one_address_has_few_uploads_at_once() -> None:
    memory = UploadMemory(PortalLimits(uploads_per_address=1))
    with memory.upload("a"):
        with pytest.raises(Refusal) as refused, memory.upload("a"):
            pass
        assert refused.value.status == 429
        with memory.upload("b"):
            pass
    with memory.upload("a"):
        pass
