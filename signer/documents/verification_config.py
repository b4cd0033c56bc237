"""Settings of verification. Loads nothing of what verifies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class VerificationConfig:
    """What is asked about revocation beside what a file brings along.

    `require`: a signature about whose certificates nothing can be found out does not pass. `crl_directory`: CRLs that the operator keeps
    up to date, read again when they change; None: none. `hosts`: "host" or "host:port", the only ones that are ever asked; empty: nobody
    is. `cache`: what was fetched. `socket`: where the fetchers listen. `timeout`: seconds for one address. `response_bytes`: the
    largest answer.
    """

    require: bool
    crl_directory: Path | None
    hosts: tuple[str, ...]
    cache: Path
    socket: Path
    timeout: float
    response_bytes: int

    @property
    def fetchers(self) -> int:
        """Processes that ask."""
        return 2 if self.hosts else 0
