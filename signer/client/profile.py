"""A client's profile: where the appliance is and with which credentials to call it. Written by `signer init`, read here.

address = "127.0.0.1:7443"
authority = "../../ca.pem"      # the certificate authority of the server's certificate
certificate = "cert.pem"
key = "key.pem"
server_name = "localhost"       # the name in the server's certificate, where it differs from the address
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

_KEYS = {"address", "authority", "certificate", "key", "server_name"}


class ProfileError(Exception):
    """The profile can't be used; the message says what is wrong with which file."""


@dataclass(frozen=True)
class ClientProfile:
    """An address and the three PEM files of mutual TLS."""

    address: str
    authority: Path
    certificate: Path
    key: Path
    server_name: str = ""

    def at(self, address: str) -> ClientProfile:
        """The same credentials for another address."""
        return replace(self, address=address)


def load_profile(file: Path) -> ClientProfile:
    """Reads a profile; relative paths count from its folder.

    Raises:
        ProfileError: missing, not TOML, unknown or missing keys.
    """
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError:
        raise ProfileError(f"{file}: there is no such profile; `signer init` writes one") from None
    except ValueError as problem:
        raise ProfileError(f"{file}: not valid TOML: {problem}") from None
    unknown = sorted(set(values) - _KEYS)
    missing = sorted(_KEYS - {"server_name"} - set(values))
    if unknown or missing or not all(isinstance(value, str) for value in values.values()):
        raise ProfileError(
            f"{file}: "
            + (f"unknown: {', '.join(unknown)}; " if unknown else "")
            + (f"missing: {', '.join(missing)}; " if missing else "")
            + f"allowed: {', '.join(sorted(_KEYS))}, all strings"
        )
    folder = file.resolve().parent
    return ClientProfile(
        address=values["address"],
        authority=folder / values["authority"],
        certificate=folder / values["certificate"],
        key=folder / values["key"],
        server_name=values.get("server_name", ""),
    )
