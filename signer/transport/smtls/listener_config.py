"""The public listener's settings, as configuration gives them. Not yet usable: `Front.from_config` checks what they name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from signer.transport.smtls.limits import PublicLimits


@dataclass(frozen=True)
class MaterialFiles:
    """PEM files. `crl_directory` None: revocation is not checked."""

    certificate: Path
    key: Path
    client_authority: Path
    crl_directory: Path | None


@dataclass(frozen=True)
class PublicListenerConfig:
    """`ccm`: also TLS_SM4_CCM_SM3. `hybrid`: prefer curveSM2MLKEM768. `threads`, `waiting`: for each worker,
    beside the LAN listener's."""

    host: str
    port: int
    files: MaterialFiles
    ccm: bool
    hybrid: bool
    limits: PublicLimits
    threads: int
    waiting: int
