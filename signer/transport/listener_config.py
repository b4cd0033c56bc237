"""The workers' listeners as read from configuration. Loads no gRPC: processes without one read it, too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from signer.transport.smtls.inner import InnerDirectory


@dataclass(frozen=True)
class TlsFiles:
    """PEM files for mutual TLS. `client_authority`: issues the clients' certificates."""

    certificate: Path
    key: Path
    client_authority: Path


@dataclass(frozen=True)
class ListenerConfig:
    """The LAN listener. `tls` None: plain, and every caller is taken for `plain_client`.

    `threads`: calls that each worker works on at once. `waiting`: calls that may wait for their turn at each worker.
    """

    host: str
    port: int
    tls: TlsFiles | None
    plain_client: str
    workers: int
    threads: int
    waiting: int
    drain_seconds: int

    @property
    def transport(self) -> str:
        """What metrics, logs and the log's configuration entry call it."""
        return "plain" if self.tls is None else "mutual-tls"

    @property
    def address(self) -> str:
        """host:port as gRPC takes it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class InnerListenerConfig:
    """A worker's second listener, for the front. `threads`, `waiting`: see `ListenerConfig`. Seconds: see `PublicLimits`."""

    directory: InnerDirectory
    threads: int
    waiting: int
    connection_seconds: float
    idle_seconds: float
