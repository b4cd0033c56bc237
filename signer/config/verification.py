"""[verification] of signer.toml → VerificationConfig."""

from __future__ import annotations

import re
from pathlib import Path

from signer.documents.verification_config import VerificationConfig
from signer.strict_toml import StrictTable

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:]{2,39}\](:[0-9]{1,5})?")
_KIBIBYTE = 1024


def read_verification(table: StrictTable, run_directory: Path) -> VerificationConfig:
    """Reads the table. Raises ConfigurationError as `load_config`."""
    hosts = table.strings("hosts", ())
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise table.fault(
                "hosts", f"{host!r} is not a host", 'Allowed: "HOST" or "HOST:PORT", no address of a page.'
            )
    config = VerificationConfig(
        require=table.string("revocation", "check", one_of=("check", "require")) == "require",
        crl_directory=table.path("crl_directory") if table.has("crl_directory") else None,
        hosts=tuple(host.lower() for host in hosts),
        cache=table.path("cache", "state/revocation"),
        socket=run_directory / "revocation.sock",
        timeout=table.number("timeout_seconds", 3.0, low=0.2, high=30),
        response_bytes=table.integer("max_response_kibibytes", 4096, low=16, high=16_384) * _KIBIBYTE,
    )
    table.finish()
    return config
