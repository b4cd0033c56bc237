"""[portal] of signer.toml → PortalConfig. HTTPS where certificate and key are named; plain on private addresses only."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

from signer.config.private_address import check_private
from signer.strict_toml import StrictTable
from signer.web.portal_config import Network, PortalConfig, PortalLimits, PortalTlsFiles

_MEBIBYTE = 1024 * 1024
_TLS_KEYS = ("certificate", "key")


def read_portal(table: StrictTable, company: str) -> PortalConfig:
    """`profile`: the client profile by which the portal calls VerifyDocument. `certificate`, `key`: PEM, for browsers; left out: plain,
    for a reverse proxy or a private network. `proxies`: whose X-Forwarded-For is believed. Limits: see `PortalLimits`.

    Raises:
        ConfigurationError: as `load_config`; one of the two files without the other; plain on an address that is not private.
    """
    host = table.string("host", "127.0.0.1")
    named = [key for key in _TLS_KEYS if table.has(key)]
    tls = None
    if len(named) == len(_TLS_KEYS):
        tls = PortalTlsFiles(table.path("certificate"), table.path("key"))
    elif named:
        missing = next(key for key in _TLS_KEYS if key not in named)
        raise table.fault(missing, "is missing", "For HTTPS name certificate and key; leave both out for plain HTTP.")
    else:
        check_private(table, host, needed_by="a portal without certificate and key")
    config = PortalConfig(
        host=host,
        port=table.integer("port", 7480, low=1, high=65535),
        tls=tls,
        profile=table.path("profile"),
        company=company,
        proxies=tuple(_network(table, text) for text in table.strings("proxies", ())),
        limits=_read_limits(table),
        timestamps=table.boolean("timestamps", False),
    )
    table.finish()
    return config


def moved(config: PortalConfig, shift: int) -> PortalConfig:
    """With all listeners, the LAN listener that it calls among them."""
    return replace(config, port=config.port + shift, shift=shift)


def _read_limits(table: StrictTable) -> PortalLimits:
    return PortalLimits(
        connections=table.integer("max_connections", 512, low=1, high=20_000),
        connections_per_address=table.integer("max_connections_per_address", 32, low=1, high=20_000),
        uploads_per_minute=table.integer("uploads_per_minute_per_address", 20, low=1, high=10_000),
        upload_burst=table.integer("upload_burst_per_address", 10, low=1, high=10_000),
        uploads_per_address=table.integer("uploads_at_once_per_address", 4, low=1, high=1_000),
        upload_bytes=table.integer("upload_memory_mebibytes", 256, low=32, high=4096) * _MEBIBYTE,
        verifications=table.integer("verifications_at_once", 8, low=1, high=256),
        head_seconds=table.integer("head_seconds", 15, low=1, high=120),
        body_seconds=table.integer("body_seconds", 120, low=1, high=3600),
        verification_seconds=table.integer("verification_seconds", 45, low=1, high=300),
    )


def _network(table: StrictTable, text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise table.fault(
            "proxies", f"{text!r} is not an address or network", "Write e.g. 10.1.0.7 or 10.1.0.0/29."
        ) from None
