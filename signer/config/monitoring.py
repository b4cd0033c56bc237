"""[monitoring] of signer.toml → MonitoringConfig. Mutual TLS where its three files are named; plain on private addresses only."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from monitoring.metrics_tls import TlsFiles
from signer.config.private_address import check_private
from signer.strict_toml import StrictTable

_TLS_KEYS = ("certificate", "key", "client_authority")


@dataclass(frozen=True)
class MonitoringConfig:
    """Where /metrics, /healthz and /readyz are served. `tls` None: plain."""

    host: str
    port: int
    tls: TlsFiles | None

    @property
    def transport(self) -> str:
        """What metrics, logs and the log's configuration entry call it; loopback: plain, and nothing leaves the machine."""
        if self.tls is not None:
            return "mutual-tls"
        return "loopback" if ipaddress.ip_address(self.host).is_loopback else "plain"

    @property
    def address(self) -> str:
        """host:port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_monitoring(table: StrictTable) -> MonitoringConfig:
    """`certificate`, `key`: PEM, P-256, P-384 or RSA. `client_authority`: issues the certificates of those that may scrape.

    Raises:
        ConfigurationError: as `load_config`; some of the three files without the others; plain on an address that is not private.
    """
    host = table.string("host", "127.0.0.1")
    port = table.integer("port", 7464, low=1, high=65535)
    named = [key for key in _TLS_KEYS if table.has(key)]
    tls = None
    if named:
        missing = [key for key in _TLS_KEYS if key not in named]
        if missing:
            raise table.fault(
                missing[0], "is missing", f"For mutual TLS name {', '.join(_TLS_KEYS)}; leave all out for plain."
            )
        tls = TlsFiles(*(table.path(key) for key in _TLS_KEYS))
    else:
        check_private(table, host, needed_by="a metrics listener without certificate, key and client_authority")
    table.finish()
    return MonitoringConfig(host, port, tls)
