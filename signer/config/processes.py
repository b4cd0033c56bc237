"""[processes] of signer.toml: which system users processes run as. Without it all run as the one that starts the appliance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from signer.strict_toml import StrictTable

_ROLES = ("front", "portal", "renderer", "inspector", "exporter")


@dataclass(frozen=True)
class ProcessesConfig:
    """`users`: role → name of a user of its own, for the roles that have one."""

    users: Mapping[str, str]


def read_processes(table: StrictTable) -> ProcessesConfig:
    """`front_user`, `portal_user`, `renderer_user`, `inspector_user`, `exporter_user`. They need a
    start with CAP_SETUID, CAP_SETGID and CAP_KILL.

    Raises:
        ConfigurationError: as `load_config`; a user that two roles share. Whether it exists is asked at the start.
    """
    users: dict[str, str] = {}
    for role in _ROLES:
        key = f"{role}_user"
        user = table.string(key, "")
        if not user:
            continue
        if user in users.values():
            raise table.fault(
                key, f"{user!r} is another process's user already", "Give each process a user of its own."
            )
        users[role] = user
    table.finish()
    return ProcessesConfig(users)
