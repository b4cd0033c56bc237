"""One version of a key as the appliance knows it: purpose, algorithms, public half, certificates. No key material."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from signer.algorithms import SignatureAlgorithm
from signer.errors import Reason, RequestError
from signer.keys.lifecycle import KeyState


class Purpose(StrEnum):
    """What a key is for, for life. A key reachable for two purposes could be tricked into forging for the other."""

    MESSAGE = "message"
    SEAL = "seal"
    TIMESTAMP = "timestamp"
    SEAL_MAKER = "seal-maker"
    LOG = "log"
    CA = "ca"
    PROBE = "probe"
    REPORT = "report"


@dataclass(frozen=True)
class KeyVersion:
    """A key version's record.

    `algorithms`: what it may sign with, the default first. `key_id`: CKA_ID in the token. `public_key`:
    SubjectPublicKeyInfo, DER. `certificate_chain`: DER, leaf first; empty where the key has none.
    """

    name: str
    version: int
    purpose: Purpose
    algorithms: tuple[SignatureAlgorithm, ...]
    key_id: bytes
    public_key: bytes
    certificate_chain: tuple[bytes, ...]
    state: KeyState
    created_at: datetime

    @property
    def reference(self) -> str:
        """Name and version as the API writes them: "message-sm2@3"."""
        return f"{self.name}@{self.version}"

    def algorithm_for(self, asked: SignatureAlgorithm) -> SignatureAlgorithm:
        """The algorithm to use: what was asked for, or the key's default for UNSPECIFIED.

        Raises:
            RequestError: ALGORITHM_NOT_ALLOWED.
        """
        if asked == SignatureAlgorithm.UNSPECIFIED:
            return self.algorithms[0]
        if asked not in self.algorithms:
            raise RequestError(
                Reason.ALGORITHM_NOT_ALLOWED,
                f"the key {self.reference} does not sign with {asked.name}",
                f"Use one of: {', '.join(algorithm.name for algorithm in self.algorithms)}.",
            )
        return asked


def parse_reference(reference: str) -> tuple[str, int | None]:
    """Splits "name" or "name@version".

    Raises:
        RequestError: INPUT_MALFORMED, when it is neither.
    """
    name, at, version = reference.partition("@")
    if not name or (at and not (version.isascii() and version.isdigit() and 0 < len(version) <= 9)):
        raise RequestError(
            Reason.INPUT_MALFORMED,
            "the key's name is not well formed",
            'Write "name" or "name@version", e.g. "seal-sm2@1".',
        )
    return name, int(version) if at else None
