"""Whose request it is, with and without proxies."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from signer.web.proxies import client_address, is_within

_PROXIES = (ip_network("10.0.0.0/29"), ip_network("2001:db8:1::/64"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["203.0.113.5"], "192.0.2.1"),  # no proxy of ours said so
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.5, 10.0.0.2"], "203.0.113.5"),
        ("::ffff:10.0.0.1", ["203.0.113.5"], "203.0.113.5"),
        ("2001:db8:1::7", ["2001:db8:2::1"], "2001:db8:2::1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.5, ::bad::"], "10.0.0.1"),
        ("10.0.0.1", [", ".join(["10.0.0.2"] * 50)], "10.0.0.2"),
    ],
)
def test_the_nearest_address_that_is_no_proxy(peer: str, forwarded: list[str], client: str) -> None:
    assert client_address(peer, forwarded, _PROXIES) == client


def test_what_is_no_address_is_in_no_network() -> None:
    assert not is_within("", _PROXIES)
    assert not is_within("localhost", _PROXIES)
