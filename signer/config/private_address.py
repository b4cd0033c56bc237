"""Which addresses a listener without TLS may have: one private address of this machine (R18: plain, but never by accident)."""

from __future__ import annotations

import ipaddress

from signer.strict_toml import StrictTable


def check_private(table: StrictTable, host: str, *, needed_by: str) -> None:
    """`needed_by`: what asks for it, as the administrator reads it. Raises ConfigurationError for every other address."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is None or not address.is_private or address.is_unspecified:
        raise table.fault(
            "host",
            f"{host!r} is not a private address; {needed_by} needs one",
            "Name one address of this machine, e.g. 10.1.2.3 or 127.0.0.1, or use mutual TLS.",
        )
