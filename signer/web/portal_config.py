"""The portal as read from configuration. Loads no HTTP library and no gRPC: every process reads it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class PortalTlsFiles:
    """PEM: the certificate that browsers see, with its chain, and its key."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class PortalLimits:
    """Numbers, bytes and seconds. An address: of IPv4, or an IPv6 network of 64 bits.

    `upload_bytes`: of all uploads together that are in memory. `upload_burst`: uploads that may come at once after a pause.
    `verifications`: calls to the appliance at once. `head_seconds`: until a request has begun, TLS included, and between two of them.
    `body_seconds`: until an upload is here.
    """

    connections: int = 512
    connections_per_address: int = 32
    uploads_per_minute: int = 20
    upload_burst: int = 10
    uploads_per_address: int = 4
    upload_bytes: int = 256 * 1024 * 1024
    verifications: int = 8
    head_seconds: int = 15
    body_seconds: int = 120
    verification_seconds: int = 45


@dataclass(frozen=True)
class PortalConfig:
    """`tls` None: plain HTTP. `profile`: the portal's own client profile. `company`: whose page it is.

    `shift`: what was added to all ports by --port-base, so also to the one in the profile. `timestamps`: whether /timestamp is served.
    """

    host: str
    port: int
    tls: PortalTlsFiles | None
    profile: Path
    company: str
    proxies: tuple[Network, ...]
    limits: PortalLimits
    shift: int = 0
    timestamps: bool = False

    @property
    def transport(self) -> str:
        """What metrics, logs and the log's configuration entry call it; loopback: plain, and nothing leaves the machine."""
        if self.tls is not None:
            return "tls"
        return "loopback" if ipaddress.ip_address(self.host).is_loopback else "plain"

    @property
    def address(self) -> str:
        """host:port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
