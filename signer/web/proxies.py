"""Whose request is it, where a reverse proxy stands before the portal? X-Forwarded-For is believed from configured proxies alone."""

from __future__ import annotations

import ipaddress

from signer.web.portal_config import Network

_MOST_HOPS = 16


def is_within(host: str, networks: tuple[Network, ...]) -> bool:
    """Whether an address is in one of the networks."""
    address = _parse(host)
    return address is not None and any(address in network for network in networks)


def client_address(peer: str, forwarded: list[str], proxies: tuple[Network, ...]) -> str:
    """The address nearest to us that is no proxy of ours. `forwarded`: X-Forwarded-For's values as they came.

    Everything to the left of the first address that isn't a proxy's was written by strangers and counts for nothing.
    """
    hops = [hop.strip() for value in forwarded for hop in value.split(",")][-_MOST_HOPS:]
    while is_within(peer, proxies) and hops:
        before = hops.pop()
        if _parse(before) is None:
            break
        peer = before
    return peer


def _parse(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
