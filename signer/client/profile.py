"""A client's profile: where the appliance is and with which credentials to call it. Written by `signer init`, read here.

address = "127.0.0.1:7443"      # mutual TLS on the LAN; "smtls://host:port": TLS with SM2, SM3, SM4 (RFC 8998) from outside
authority = "../../ca.pem"      # the certificate authority of the server's certificate
certificate = "cert.pem"
key = "key.pem"
server_name = "localhost"       # the name in the server's certificate, where it differs from the address
group = "curveSM2MLKEM768"      # smtls only: prefer the hybrid key exchange, where the server has it switched on
suite = "TLS_SM4_CCM_SM3"       # smtls only: offer CCM beside GCM
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

_NEEDED = {"address", "authority", "certificate", "key"}
_ALLOWED: dict[str, tuple[str, ...]] = {  # keys that may be absent, and their values where these are fixed
    "server_name": (),
    "group": ("curveSM2", "curveSM2MLKEM768"),
    "suite": ("TLS_SM4_GCM_SM3", "TLS_SM4_CCM_SM3"),
}
_KEYS = _NEEDED | set(_ALLOWED)
_SMTLS, _MTLS = "smtls", "mtls"


class ProfileError(Exception):
    """The profile can't be used; the message says what is wrong with which file."""


@dataclass(frozen=True)
class ClientProfile:
    """An address, host:port or URL, and the three PEM files of mutual TLS."""

    address: str
    authority: Path
    certificate: Path
    key: Path
    server_name: str = ""
    group: str = ""
    suite: str = ""

    def at(self, address: str) -> ClientProfile:
        """The same credentials for another address; without a scheme it is reached as before."""
        scheme, separator, _ = self.address.rpartition("://")
        return replace(self, address=address if "://" in address else f"{scheme}{separator}{address}")

    @property
    def is_smtls(self) -> bool:
        """Whether the address is the public listener's."""
        return self.address.startswith(f"{_SMTLS}://")

    @property
    def target(self) -> str:
        """host:port."""
        return self.address.rpartition("://")[2].rstrip("/")

    @property
    def host_and_port(self) -> tuple[str, int]:
        """The target in its parts; an IPv6 address stands in brackets there."""
        host, _, port = self.target.rpartition(":")
        return host.strip("[]"), int(port)


def load_profile(file: Path) -> ClientProfile:
    """Reads a profile; relative paths count from its folder.

    Raises:
        ProfileError: missing, not TOML, unknown or missing keys, an address that can't be one.
    """
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError:
        raise ProfileError(f"{file}: there is no such profile; `signer init` writes one") from None
    except ValueError as problem:
        raise ProfileError(f"{file}: not valid TOML: {problem}") from None
    _check_keys(file, values)
    folder = file.resolve().parent
    return ClientProfile(
        address=checked_address(values["address"]),
        authority=folder / values["authority"],
        certificate=folder / values["certificate"],
        key=folder / values["key"],
        server_name=values.get("server_name", ""),
        group=values.get("group", ""),
        suite=values.get("suite", ""),
    )


def checked_address(address: str) -> str:
    """host:port, mtls://host:port or smtls://host:port. Raises ProfileError."""
    scheme, _, target = address.rpartition("://")
    host, _, port = target.rstrip("/").rpartition(":")
    if scheme not in {"", _MTLS, _SMTLS} or not host or not port.isascii() or not port.isdigit():
        raise ProfileError(f"{address!r} is no address: host:port, mtls://host:port or smtls://host:port")
    return address


def _check_keys(file: Path, values: dict[str, object]) -> None:
    unknown = sorted(set(values) - _KEYS)
    missing = sorted(_NEEDED - set(values))
    if unknown or missing or not all(isinstance(value, str) for value in values.values()):
        raise ProfileError(
            f"{file}: "
            + (f"unknown: {', '.join(unknown)}; " if unknown else "")
            + (f"missing: {', '.join(missing)}; " if missing else "")
            + f"allowed: {', '.join(sorted(_KEYS))}, all strings"
        )
    for key, choices in _ALLOWED.items():
        if choices and key in values and values[key] not in choices:
            raise ProfileError(f"{file}: {key}: {values[key]!r} is not known; allowed: {', '.join(choices)}")
