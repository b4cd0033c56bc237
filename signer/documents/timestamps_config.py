"""Where timestamps come from, as read from configuration: our own authority, and the outside one for seals. Asks nobody."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class OwnAuthorityConfig:
    """`keys`: names of timestamp keys, one for each family. `policy`: dotted, what tokens promise. `accuracy_ms`: 1 to 999."""

    keys: tuple[str, ...]
    policy: str
    accuracy_ms: int


@dataclass(frozen=True)
class OutsideAuthorityConfig:
    """An RFC 3161 authority of somebody else. `anchors`: PEM, what its certificates lead to. `tls_authority`: PEM, None: the system's.

    `hash_name`: of the imprints that it takes (a hashlib name). `seconds`: how long one timestamp may take.
    """

    url: str
    anchors: Path
    tls_authority: Path | None
    hash_name: str
    seconds: float


@dataclass(frozen=True)
class TimestampsConfig:
    """`own` None: this appliance is no authority. `outside` None: seals get their timestamps from our own, outside of production only.

    `own_suffices`: whether our own may be the only proof of time.
    """

    own: OwnAuthorityConfig | None
    outside: OutsideAuthorityConfig | None
    own_suffices: bool
