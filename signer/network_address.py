"""What counts as one address where limits are kept for each. Not for who may call: identities come from certificates."""

from __future__ import annotations

import ipaddress


def address_group(host: str) -> str:
    """What counts as one address: an IPv4 address, or an IPv6 network of 64 bits, which one customer has at the least."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
