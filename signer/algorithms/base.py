"""What every signature algorithm has in common: its number in the public API, its digest, keys that verify.

Adding an algorithm: one module with a loader, one line in `registry`. Signing is not here: keys that sign live in the HSM.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol

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


_DIGESTS = {
    SignatureAlgorithm.SM2_SM3: "sm3",
    SignatureAlgorithm.RSA_PKCS1_SHA256: "sha256",
    SignatureAlgorithm.RSA_PKCS1_SHA384: "sha384",
    SignatureAlgorithm.RSA_PKCS1_SHA512: "sha512",
    SignatureAlgorithm.RSA_PSS_SHA256: "sha256",
    SignatureAlgorithm.RSA_PSS_SHA384: "sha384",
    SignatureAlgorithm.RSA_PSS_SHA512: "sha512",
}


def digest_name(algorithm: SignatureAlgorithm) -> str:
    """hashlib's name of the algorithm's digest."""
    return _DIGESTS[algorithm]


@dataclass(frozen=True)
class VerifiedSignature:
    """Evidence that a signature is right: by which algorithm and public key (SubjectPublicKeyInfo, DER)."""

    algorithm: SignatureAlgorithm
    public_key: bytes


class PublicKey(Protocol):
    """A public key that verifies. Loaded once, used by any number of threads."""

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
