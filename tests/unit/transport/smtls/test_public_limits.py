"""Counting of visitors, and byte rates, without sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from signer.network_address import address_group
from signer.transport.smtls.limits import Admission, ByteRate, Ended, PublicLimits, Visitor


def _run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def _visitor(address: str) -> Visitor:
    return Visitor(address, asyncio.create_task(asyncio.sleep(60)))


def test_connections_in_all_and_of_an_address() -> None:
    async def check() -> None:
        admission = Admission(PublicLimits(connections=3, connections_per_address=2))
        first, second = _visitor("a"), _visitor("a")
        assert admission.enter(first) is None
        assert admission.enter(second) is None
        assert admission.enter(_visitor("a")) is Ended.TOO_MANY_OF_ADDRESS
        assert admission.enter(_visitor("b")) is None
        assert admission.enter(_visitor("c")) is Ended.TOO_MANY_CONNECTIONS
        admission.leave(first)
        assert admission.enter(_visitor("a")) is None

    _run(check())


def test_a_flood_crowds_out_its_own_oldest_handshake() -> None:
    async def check() -> None:
        admission = Admission(PublicLimits(handshakes=4))
        honest = _visitor("honest")
        assert admission.enter(honest) is None
        flood = [_visitor("flood") for _ in range(10)]
        for visitor in flood:
            assert admission.enter(visitor) is None
        assert not honest.crowded_out
        assert [visitor.crowded_out for visitor in flood] == [True] * 7 + [False] * 3
        await asyncio.sleep(0)
        assert [visitor.task.cancelled() for visitor in flood] == [True] * 7 + [False] * 3

    _run(check())


def test_a_handshake_that_is_done_is_crowded_out_by_nobody() -> None:
    async def check() -> None:
        admission = Admission(PublicLimits(handshakes=1))
        first, second = _visitor("a"), _visitor("a")
        admission.enter(first)
        admission.handshake_done(first)
        admission.enter(second)
        admission.enter(_visitor("a"))
        assert (first.crowded_out, second.crowded_out) == (False, True)

    _run(check())


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("self-test", "self-test"),
    ],
)
def test_addresses_that_count_as_one(host: str, group: str) -> None:
    assert address_group(host) == group


def test_a_rate_asks_for_the_time_that_the_surplus_takes() -> None:
    rate = ByteRate(1000)
    assert rate.take(1000) == 0
    assert rate.take(500) == pytest.approx(0.5, abs=0.1)
    assert rate.take(500) == pytest.approx(1.0, abs=0.1)
