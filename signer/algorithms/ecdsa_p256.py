"""ECDSA over P-256 (FIPS 186-5), only to follow strangers' certificate paths and TLS authorities: the API signs nothing with it."""

from __future__ import annotations

from typing import NoReturn

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key

from signer.algorithms.base import KeyType, SignatureAlgorithm, VerifiedSignature
from signer.errors import Reason, RequestError, VerificationError
from signer.findings import FindingCode

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


class P256PublicKey:
    """A P-256 public key."""

    key_type = KeyType.P256
    bits = 256

    def __init__(self, spki: bytes) -> None:
        """Raises RequestError (PUBLIC_KEY_MALFORMED)."""
        try:
            key = load_der_public_key(spki)
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise RequestError(
                Reason.PUBLIC_KEY_MALFORMED, "not a SubjectPublicKeyInfo of a P-256 key", "Send SubjectPublicKeyInfo, DER."
            )
        self.spki = spki
        self._key = key

    def digest_of(self, algorithm: SignatureAlgorithm, message: bytes, *, sm2_id: bytes | None = None) -> bytes:
        """P-256 has no algorithm in the public API: always RequestError."""
        _refuse(algorithm, len(message), sm2_id)

    def verify_digest(self, algorithm: SignatureAlgorithm, digest: bytes, signature: bytes) -> VerifiedSignature:
        """P-256 has no algorithm in the public API: always RequestError."""
        _refuse(algorithm, len(digest), signature)

    def verify(
        self, algorithm: SignatureAlgorithm, message: bytes, signature: bytes, *, sm2_id: bytes | None = None
    ) -> VerifiedSignature:
        """P-256 has no algorithm in the public API: always RequestError."""
        _refuse(algorithm, len(message), sm2_id or signature)

    def verify_hashed(self, hash_name: str, digest: bytes, signature: bytes) -> None:
        """The mathematics for certificates; evidence is that it returns.

        Raises:
            VerificationError: SIGNATURE_WRONG.
        """
        try:
            self._key.verify(signature, digest, ec.ECDSA(Prehashed(_HASHES[hash_name])))
        except (InvalidSignature, ValueError):
            raise VerificationError(
                Reason.SIGNATURE_WRONG, FindingCode.SIGNATURE_WRONG, "the ECDSA signature is wrong"
            ) from None


def _refuse(algorithm: SignatureAlgorithm, *_: object) -> NoReturn:
    raise RequestError(
        Reason.ALGORITHM_NOT_ALLOWED, f"a P-256 key does not do {algorithm.name}", "Use an SM2 or RSA key."
    )
