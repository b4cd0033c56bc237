"""What it takes to open a token, as read from configuration. Loads no PKCS#11: processes without a token read it, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hsm.pin import PinSource


@dataclass(frozen=True)
class ModuleConfig:
    """`vendor_module`, `locking_module`: absolute paths. `environment`: what the vendor's module wants to find there.

    `network`: whether the module reaches its HSM by TCP. `writable`: files and directories of its own that it writes, devices among
    them. `writable_code`: it makes code at run time, or wants an executable stack. Whoever confines the process goes by these;
    nothing else may be written or reached then.
    """

    vendor_module: Path
    locking_module: Path
    environment: Mapping[str, str]
    network: bool = False
    writable: tuple[Path, ...] = ()
    writable_code: bool = False


@dataclass(frozen=True)
class TokenConfig:
    """`profile`: a vendor profile's name. `attempts_directory`: where PIN attempts are recorded, shared by all processes.

    `lease_timeout`: seconds that operations without a timeout of their own wait for a session.
    """

    module: ModuleConfig
    profile: str
    label: str
    pin: PinSource
    sessions: int
    attempts_directory: Path
    lease_timeout: float = 10.0
