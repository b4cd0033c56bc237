"""The key versions that this appliance has, loaded at start; resolves the names that callers use.

Not for signing: `signer.signing` takes a record from here and the key itself from the token.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from asn1crypto import pem
from sqlalchemy import insert, select

from signer.algorithms import SignatureAlgorithm
from signer.database.engine import Database
from signer.database.tables import key_versions
from signer.errors import Reason, RequestError
from signer.keys.lifecycle import KeyState
from signer.keys.record import KeyVersion, Purpose, parse_reference


class KeyRegistry:
    """Immutable view of all key versions."""

    def __init__(self, versions: Iterable[KeyVersion]) -> None:
        self._versions: dict[str, list[KeyVersion]] = {}
        for version in sorted(versions, key=lambda item: (item.name, item.version)):
            self._versions.setdefault(version.name, []).append(version)
        for name, several in self._versions.items():
            for before, after in pairwise(several):
                if before.purpose is not after.purpose:
                    raise ValueError(f"the key {name} has versions with different purposes")

    @property
    def names(self) -> frozenset[str]:
        """All key names."""
        return frozenset(self._versions)

    def all(self) -> list[KeyVersion]:
        """Every version, by name and version."""
        return [version for versions in self._versions.values() for version in versions]

    def resolve(self, reference: str) -> KeyVersion:
        """The version that a reference names; without one, the newest that may sign, else the newest.

        Raises:
            RequestError: KEY_UNKNOWN, KEY_VERSION_UNKNOWN, INPUT_MALFORMED.
        """
        name, number = parse_reference(reference)
        versions = self._versions.get(name)
        if not versions:
            raise RequestError(
                Reason.KEY_UNKNOWN, f"there is no key {name!r}", "ListKeys shows the keys that you may use."
            )
        if number is None:
            signing = [version for version in versions if version.state.may_sign]
            return (signing or versions)[-1]
        for version in versions:
            if version.version == number:
                return version
        raise RequestError(
            Reason.KEY_VERSION_UNKNOWN,
            f"the key {name!r} has no version {number}",
            f"It has: {', '.join(str(version.version) for version in versions)}.",
        )

    def for_signing(self, reference: str, purpose: Purpose) -> KeyVersion:
        """A version that may sign now and has that purpose.

        Raises:
            RequestError: as `resolve`, KEY_PURPOSE, KEY_NOT_ACTIVE.
        """
        version = self.resolve(reference)
        if version.purpose is not purpose:
            raise RequestError(
                Reason.KEY_PURPOSE,
                f"the key {version.name!r} has the purpose {version.purpose.value!r}, this needs {purpose.value!r}",
                f"Name a key whose purpose is {purpose.value!r}.",
            )
        if not version.state.may_sign:
            raise RequestError(
                Reason.KEY_NOT_ACTIVE,
                f"the key {version.reference} is {version.state.value}",
                "Name the key without a version to get the active one.",
            )
        return version

    def for_verification(self, reference: str) -> list[KeyVersion]:
        """The versions a signature may come from: the one named, or any that may still verify, newest first.

        Raises:
            RequestError: as `resolve`, KEY_NOT_ACTIVE.
        """
        resolved = self.resolve(reference)
        versions = [resolved] if "@" in reference else self._versions[resolved.name]
        usable = [version for version in reversed(versions) if version.state.may_verify]
        if not usable:
            raise RequestError(Reason.KEY_NOT_ACTIVE, f"the key {resolved.reference} may not verify any more")
        return usable


def load_registry(database: Database) -> KeyRegistry:
    """Reads every key version. Raises ApplianceError when the database can't be read."""
    with database.transaction() as connection:
        rows = connection.execute(select(key_versions)).all()
    return KeyRegistry(
        KeyVersion(
            name=row.name,
            version=row.version,
            purpose=Purpose(row.purpose),
            algorithms=tuple(SignatureAlgorithm[name] for name in row.algorithms.split(",")),
            key_id=row.key_id,
            public_key=row.public_key,
            certificate_chain=_split_pem(row.certificate_chain),
            state=KeyState(row.state),
            created_at=row.created_at,
        )
        for row in rows
    )


def store_key_version(database: Database, version: KeyVersion) -> None:
    """Adds one key version; the key must already be in the token. Raises ApplianceError."""
    chain = b"".join(pem.armor("CERTIFICATE", certificate) for certificate in version.certificate_chain)
    with database.transaction(write=True) as connection:
        connection.execute(
            insert(key_versions).values(
                name=version.name,
                version=version.version,
                purpose=version.purpose.value,
                algorithms=",".join(algorithm.name for algorithm in version.algorithms),
                key_id=version.key_id,
                public_key=version.public_key,
                certificate_chain=chain.decode("ascii"),
                state=version.state.value,
                created_at=version.created_at,
            )
        )


def _split_pem(text: str) -> tuple[bytes, ...]:
    if not text:
        return ()
    return tuple(der for _, _, der in pem.unarmor(text.encode("ascii"), multiple=True))
