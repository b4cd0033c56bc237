"""The [token] and [log.token] tables → hsm.token.TokenConfig. Secrets are named (a file, a credential), never written here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hsm.pin import PinSource
from hsm.token_config import ModuleConfig, TokenConfig
from hsm.vendor_profile import profile_names
from signer.strict_toml import StrictTable


def read_token(table: StrictTable) -> TokenConfig:
    """`module`: the vendor's PKCS#11 module. `locking_module`: ours. `pin_file` or `pin_credential`: where the PIN is.

    `network = true`: the module reaches its HSM by TCP. `writable`: directories, files and devices that the module writes, from the
    configuration's folder. `writable_code = true`: it wants memory that is writable and executable. What is not said here, the
    processes that load the module are not allowed.

    [token.environment] holds variables that the vendor's module wants; values that begin with ./ are paths from the
    configuration's folder.

    Raises:
        ConfigurationError: as `load_config`.
    """
    environment = _read_environment(table.table("environment", required=False))
    config = TokenConfig(
        module=ModuleConfig(
            table.path("module"),
            table.path("locking_module"),
            environment,
            network=table.boolean("network", False),
            writable=_read_writable(table),
            writable_code=table.boolean("writable_code", False),
        ),
        profile=table.string("profile", one_of=profile_names()),
        label=table.string("label"),
        pin=_read_pin(table),
        sessions=table.integer("sessions", 32, low=1, high=1024),
        attempts_directory=table.path("attempts_directory", "state/pin"),
    )
    table.finish()
    return config


def _read_pin(table: StrictTable) -> PinSource:
    file = table.string("pin_file", "")
    credential = table.string("pin_credential", "")
    if bool(file) == bool(credential):
        raise table.fault(None, "exactly one of pin_file and pin_credential must be given")
    return PinSource(file=(table.folder / file).resolve()) if file else PinSource(credential=credential)


def _read_writable(table: StrictTable) -> tuple[Path, ...]:
    paths = tuple((table.folder / path).resolve() for path in table.strings("writable", ()))
    for path in paths:
        if not path.exists():
            raise table.fault("writable", f"{path}: there is no such file or directory")
    return paths


def _read_environment(table: StrictTable) -> Mapping[str, str]:
    return {name: _as_path(table.folder, value) for name, value in table.remaining_strings().items()}


def _as_path(folder: Path, value: str) -> str:
    return str((folder / value).resolve()) if value.startswith("./") else value
