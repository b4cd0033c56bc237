"""What every signature algorithm has in common: its number in the public API, its digest, keys that verify.

Adding an algorithm: its number and its line in `_ALGORITHMS` here, one module with its kind of key, one line in
`registry`. Signing is not here: keys that sign live in the HSM.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol

from signer.errors import Reason, RequestError

# Takes the message to be signed, returns the signature in the algorithm's wire form (SM2: DER SEQUENCE {r, s}).
SignMessage = Callable[[bytes], bytes]


class SignatureAlgorithm(IntEnum):
    """The numbers of the contract's SignatureAlgorithm."""

    UNSPECIFIED = 0
    SM2_SM3 = 1
    RSA_PKCS1_SHA256 = 2
    RSA_PKCS1_SHA384 = 3
    RSA_PKCS1_SHA512 = 4
    RSA_PSS_SHA256 = 5
    RSA_PSS_SHA384 = 6
    RSA_PSS_SHA512 = 7


class KeyType(StrEnum):
    """What kind of public key an algorithm needs. P-256 appears in certificate paths only."""

    SM2 = "SM2"
    RSA = "RSA"
    P256 = "P-256"


_ALGORITHMS = {  # the kind of key and hashlib's name of the digest
    SignatureAlgorithm.SM2_SM3: (KeyType.SM2, "sm3"),
    SignatureAlgorithm.RSA_PKCS1_SHA256: (KeyType.RSA, "sha256"),
    SignatureAlgorithm.RSA_PKCS1_SHA384: (KeyType.RSA, "sha384"),
    SignatureAlgorithm.RSA_PKCS1_SHA512: (KeyType.RSA, "sha512"),
    SignatureAlgorithm.RSA_PSS_SHA256: (KeyType.RSA, "sha256"),
    SignatureAlgorithm.RSA_PSS_SHA384: (KeyType.RSA, "sha384"),
    SignatureAlgorithm.RSA_PSS_SHA512: (KeyType.RSA, "sha512"),
}


def digest_name(algorithm: SignatureAlgorithm) -> str:
    """hashlib's name of the algorithm's digest."""
    return _named(algorithm)[1]


def key_type(algorithm: SignatureAlgorithm) -> KeyType:
    """The kind of key that does the algorithm."""
    return _named(algorithm)[0]


def _named(algorithm: SignatureAlgorithm) -> tuple[KeyType, str]:
    try:
        return _ALGORITHMS[algorithm]
    except KeyError:
        raise RequestError(
            Reason.ALGORITHM_UNKNOWN, "the algorithm is not named", "Name the algorithm of the signature."
        ) from None


@dataclass(frozen=True)
class VerifiedSignature:
    """Evidence that a signature is right: by which algorithm and public key (SubjectPublicKeyInfo, DER)."""

    algorithm: SignatureAlgorithm
    public_key: bytes


class PathKey(Protocol):
    """A public key as certificate paths meet it. Loaded once, used by any number of threads."""

    @property
    def spki(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        ...

    @property
    def key_type(self) -> KeyType:
        """Which algorithms fit."""
        ...

    @property
    def bits(self) -> int:
        """The key's size."""
        ...

    def verify_x509(self, hash_name: str, message: bytes, signature: bytes) -> None:
        """The mathematics of a certificate's signature, by its digest (SM2: with the default ID). It holds or raises.

        Raises:
            VerificationError: SIGNATURE_WRONG.
        """
        ...


class PublicKey(PathKey, Protocol):
    """A public key that verifies by the algorithms of the API."""

    def digest_of(self, algorithm: SignatureAlgorithm, message: bytes, *, sm2_id: bytes | None = None) -> bytes:
        """What is signed for a message: its digest, or e = SM3(Z ‖ M) with SM2.

        Raises:
            RequestError: ALGORITHM_NOT_ALLOWED, SM2_ID_INVALID.
        """
        ...

    def verify_digest(self, algorithm: SignatureAlgorithm, digest: bytes, signature: bytes) -> VerifiedSignature:
        """Evidence for a signature over a digest.

        Raises:
            VerificationError: SIGNATURE_WRONG; its finding code tells wrong from malformed.
            RequestError: ALGORITHM_NOT_ALLOWED, DIGEST_LENGTH.
        """
        ...

    def verify(
        self, algorithm: SignatureAlgorithm, message: bytes, signature: bytes, *, sm2_id: bytes | None = None
    ) -> VerifiedSignature:
        """Evidence for a signature over a message. Raises as `digest_of` and `verify_digest`."""
        ...


def check_key_fits(kind: KeyType, algorithm: SignatureAlgorithm) -> None:
    """Raises RequestError (ALGORITHM_NOT_ALLOWED) unless keys of that kind do the algorithm."""
    if algorithm not in _ALGORITHMS or key_type(algorithm) is not kind:
        fitting = ", ".join(known.name for known, (wanted, _) in _ALGORITHMS.items() if wanted is kind)
        raise RequestError(
            Reason.ALGORITHM_NOT_ALLOWED,
            f"an {kind.value} key does not do {algorithm.name}",
            f"Use {fitting} with such keys.",
        )
