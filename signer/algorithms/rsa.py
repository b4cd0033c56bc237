"""RSA signatures (RFC 8017: PKCS#1 v1.5, clause 8.2; PSS with MGF1 and a salt as long as the digest, clause 8.1), verification only."""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key

from signer.algorithms.base import KeyType, SignatureAlgorithm, VerifiedSignature, digest_name
from signer.errors import Reason, RequestError, VerificationError
from signer.findings import FindingCode

_MIN_BITS = 1024  # below 2048 a path is judged weak; the mathematics can still be asked for
_MAX_BITS = 8192  # larger ones cost time out of proportion

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - only ever met in strangers' signatures, which are then judged weak
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_PSS = {SignatureAlgorithm.RSA_PSS_SHA256, SignatureAlgorithm.RSA_PSS_SHA384, SignatureAlgorithm.RSA_PSS_SHA512}


class RsaPublicKey:
    """An RSA public key of 1024 to 8192 bits with an odd exponent above 2."""

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
        if not _MIN_BITS <= key.key_size <= _MAX_BITS or exponent < 3 or exponent % 2 == 0 or exponent >= 1 << 64:
            raise _malformed(f"an RSA key of {key.key_size} bits with that exponent is not usable")
        self.spki = spki
        self.bits = key.key_size
        self._key = key

    def digest_of(self, algorithm: SignatureAlgorithm, message: bytes, *, sm2_id: bytes | None = None) -> bytes:
        """The digest that the algorithm names. See `PublicKey.digest_of`."""
        _check_algorithm(algorithm)
        if sm2_id is not None:
            raise RequestError(Reason.SM2_ID_INVALID, "sm2_id has no meaning with RSA", "Leave it out.")
        return hashlib.new(digest_name(algorithm), message).digest()

    def verify_digest(self, algorithm: SignatureAlgorithm, digest: bytes, signature: bytes) -> VerifiedSignature:
        """Evidence for a signature over a digest. See `PublicKey.verify_digest`."""
        _check_algorithm(algorithm)
        self.verify_hashed(digest_name(algorithm), digest, signature, pss=algorithm in _PSS)
        return VerifiedSignature(algorithm, self.spki)

    def verify(
        self, algorithm: SignatureAlgorithm, message: bytes, signature: bytes, *, sm2_id: bytes | None = None
    ) -> VerifiedSignature:
        """Evidence for a signature over a message. See `PublicKey.verify`."""
        return self.verify_digest(algorithm, self.digest_of(algorithm, message, sm2_id=sm2_id), signature)

    def verify_hashed(self, hash_name: str, digest: bytes, signature: bytes, *, pss: bool) -> None:
        """The mathematics for any digest that is met in certificates; evidence is that it returns.

        Raises:
            VerificationError: SIGNATURE_WRONG.
            RequestError: DIGEST_LENGTH.
        """
        algorithm = _HASHES[hash_name]
        if len(digest) != algorithm.digest_size:
            raise RequestError(
                Reason.DIGEST_LENGTH,
                f"the digest has {len(digest)} bytes, {hash_name} has {algorithm.digest_size}",
                "Send the digest that the algorithm names.",
            )
        scheme = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size) if pss else padding.PKCS1v15()
        try:
            self._key.verify(signature, digest, scheme, Prehashed(algorithm))
        except InvalidSignature:
            raise VerificationError(
                Reason.SIGNATURE_WRONG, FindingCode.SIGNATURE_WRONG, "the RSA signature is wrong"
            ) from None


def _check_algorithm(algorithm: SignatureAlgorithm) -> None:
    if algorithm in {SignatureAlgorithm.SM2_SM3, SignatureAlgorithm.UNSPECIFIED}:
        raise RequestError(
            Reason.ALGORITHM_NOT_ALLOWED, f"an RSA key does not do {algorithm.name}", "Use one of the RSA algorithms."
        )


def _malformed(what: str) -> RequestError:
    return RequestError(Reason.PUBLIC_KEY_MALFORMED, what, "Send SubjectPublicKeyInfo, DER.")
