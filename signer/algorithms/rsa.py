"""RSA signatures (RFC 8017), verification only: PKCS#1 v1.5 (clause 8.2) and PSS (8.1; MGF1, a salt as long as the digest).

Private keys are never here; the HSM signs.
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key

from signer.algorithms.base import KeyType, SignatureAlgorithm, VerifiedSignature, check_key_fits, digest_name
from signer.errors import Reason, RequestError, VerificationError
from signer.findings import FindingCode

MIN_TRUSTED_BITS = 2048  # a path with a smaller key is judged weak (GM/T 0015 has no smaller ones; NIST SP 800-131A)
_MIN_BITS = 1024  # strangers' old signatures: the mathematics is still told, trust never follows from it
_MAX_BITS = 8192  # larger ones cost time out of proportion
_MAX_EXPONENT = 1 << 64

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_PSS = frozenset(
    {SignatureAlgorithm.RSA_PSS_SHA256, SignatureAlgorithm.RSA_PSS_SHA384, SignatureAlgorithm.RSA_PSS_SHA512}
)


class RsaPublicKey:
    """An RSA public key of 1024 to 8192 bits with an odd exponent from 3 to 2^64."""

    key_type = KeyType.RSA

    def __init__(self, spki: bytes) -> None:
        """Raises RequestError (PUBLIC_KEY_MALFORMED)."""
        try:
            key = load_der_public_key(spki)
        except (ValueError, UnsupportedAlgorithm):
            raise _malformed("not a SubjectPublicKeyInfo of an RSA key") from None
        if not isinstance(key, rsa.RSAPublicKey):
            raise _malformed("not an RSA key")
        exponent = key.public_numbers().e
        if not _MIN_BITS <= key.key_size <= _MAX_BITS:
            raise _malformed(f"an RSA key of {key.key_size} bits is not usable, {_MIN_BITS} to {_MAX_BITS} are")
        if exponent % 2 == 0 or not 3 <= exponent < _MAX_EXPONENT:
            raise _malformed("the RSA key's public exponent is not usable")
        self.spki = spki
        self.bits = key.key_size
        self._signature_bytes = (key.key_size + 7) // 8
        self._key = key

    def digest_of(self, algorithm: SignatureAlgorithm, message: bytes, *, sm2_id: bytes | None = None) -> bytes:
        """The digest that the algorithm names. See `PublicKey.digest_of`."""
        check_key_fits(self.key_type, algorithm)
        if sm2_id is not None:
            raise RequestError(Reason.SM2_ID_INVALID, "sm2_id has no meaning with RSA", "Leave it out.")
        return hashlib.new(digest_name(algorithm), message).digest()

    def verify_digest(self, algorithm: SignatureAlgorithm, digest: bytes, signature: bytes) -> VerifiedSignature:
        """Evidence for a signature over a digest. See `PublicKey.verify_digest`."""
        check_key_fits(self.key_type, algorithm)
        self._verify_hashed(digest_name(algorithm), digest, signature, pss=algorithm in _PSS)
        return VerifiedSignature(algorithm, self.spki)

    def verify(
        self, algorithm: SignatureAlgorithm, message: bytes, signature: bytes, *, sm2_id: bytes | None = None
    ) -> VerifiedSignature:
        """Evidence for a signature over a message. See `PublicKey.verify`."""
        return self.verify_digest(algorithm, self.digest_of(algorithm, message, sm2_id=sm2_id), signature)

    def verify_x509(self, hash_name: str, message: bytes, signature: bytes) -> None:
        """The mathematics of a certificate's PKCS#1 v1.5 signature. See `PathKey.verify_x509`."""
        self._verify_hashed(hash_name, hashlib.new(hash_name, message).digest(), signature, pss=False)

    def _verify_hashed(self, hash_name: str, digest: bytes, signature: bytes, *, pss: bool) -> None:
        algorithm = _HASHES[hash_name]
        if len(digest) != algorithm.digest_size:
            raise RequestError(
                Reason.DIGEST_LENGTH,
                f"the digest has {len(digest)} bytes, {hash_name} has {algorithm.digest_size}",
                "Send the digest that the algorithm names.",
            )
        if len(signature) != self._signature_bytes:  # RFC 8017 8.1.2 and 8.2.2, step 1
            raise VerificationError(
                Reason.SIGNATURE_WRONG,
                FindingCode.SIGNATURE_MALFORMED,
                f"the signature has {len(signature)} bytes, the key's modulus {self._signature_bytes}",
            )
        scheme = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size) if pss else padding.PKCS1v15()
        try:
            self._key.verify(signature, digest, scheme, Prehashed(algorithm))
        except (InvalidSignature, ValueError):  # ValueError: the key is too small for the encoding
            raise VerificationError(
                Reason.SIGNATURE_WRONG, FindingCode.SIGNATURE_WRONG, "the RSA signature is wrong"
            ) from None


def _malformed(what: str) -> RequestError:
    return RequestError(Reason.PUBLIC_KEY_MALFORMED, what, "Send SubjectPublicKeyInfo, DER.")
