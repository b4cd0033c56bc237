"""ECDSA over P-256 (FIPS 186-5): only to follow strangers' certificate paths and TLS authorities.

The API neither signs nor verifies with it, so it has no `SignatureAlgorithm`.
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key

from signer.algorithms.base import KeyType
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
                Reason.PUBLIC_KEY_MALFORMED,
                "not a SubjectPublicKeyInfo of a P-256 key",
                "Send SubjectPublicKeyInfo, DER.",
            )
        self.spki = spki
        self._key = key

    def verify_x509(self, hash_name: str, message: bytes, signature: bytes) -> None:
        """The mathematics of a certificate's signature. See `PathKey.verify_x509`."""
        digest = hashlib.new(hash_name, message).digest()
        try:
            self._key.verify(signature, digest, ec.ECDSA(Prehashed(_HASHES[hash_name])))
        except (InvalidSignature, ValueError):
            raise VerificationError(
                Reason.SIGNATURE_WRONG, FindingCode.SIGNATURE_WRONG, "the ECDSA signature is wrong"
            ) from None
