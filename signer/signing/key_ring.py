"""The keys of this process: records joined with the handles in the token and the public halves that check every result.

Built once at start, so that signing looks nothing up by label. Not for deciding who may use them.
"""

from __future__ import annotations

from dataclasses import dataclass

from hsm.keys import KeyHandle
from hsm.token import Token
from signer.algorithms import PublicKey, load_public_key
from signer.errors import ConfigurationError, Reason
from signer.keys import KeyVersion, Purpose
from signer.keys.registry import KeyRegistry


@dataclass(frozen=True)
class UsableKey:
    """A key version that this process can sign with."""

    version: KeyVersion
    handle: KeyHandle
    public_key: PublicKey


class KeyRing:
    """Usable keys by name and version."""

    def __init__(self, keys: dict[tuple[str, int], UsableKey]) -> None:
        self._keys = keys

    @classmethod
    def open(cls, registry: KeyRegistry, token: Token, purposes: frozenset[Purpose]) -> KeyRing:
        """Opens every signing key version with one of the purposes.

        Raises:
            ConfigurationError: START_FAILED, when the token holds another key than the record says.
            HsmError: a key is missing from the token, or the token can't be used.
        """
        keys = {}
        for version in registry.all():
            if version.purpose in purposes and version.state.may_sign:
                handle = token.open_key(version.key_id)
                if token.public_key(handle) != version.public_key:
                    raise ConfigurationError(
                        Reason.START_FAILED,
                        f"the token's key for {version.reference} is not the one on record",
                        "Restore the token or the database so that both come from the same backup.",
                    )
                keys[version.name, version.version] = UsableKey(version, handle, load_public_key(version.public_key))
        return cls(keys)

    def get(self, version: KeyVersion) -> UsableKey:
        """The usable key of a version that may sign."""
        return self._keys[version.name, version.version]

    def any(self) -> UsableKey:
        """Some usable key, for readiness probes. Raises ConfigurationError when there is none."""
        for key in self._keys.values():
            return key
        raise ConfigurationError(
            Reason.START_FAILED, "there is no key that may sign", "Make one, e.g. with signer init."
        )
