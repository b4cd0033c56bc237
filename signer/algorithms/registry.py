"""Finds the algorithm that a public key or a certificate's signature is of. One line here for each kind of key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from signer.algorithms.base import KeyType, PublicKey, SignatureAlgorithm, digest_name
from signer.algorithms.ecdsa_p256 import P256PublicKey
from signer.algorithms.rsa import RsaPublicKey
from signer.algorithms.sm2 import Sm2PublicKey
from signer.errors import Reason, RequestError, VerificationError
from signer.findings import FindingCode

MAX_SPKI_BYTES = 4096

# the encoded AlgorithmIdentifier contents that tell kinds apart: (object identifiers in SubjectPublicKeyInfo, loader)
_LOADERS: tuple[tuple[bytes, Callable[[bytes], PublicKey]], ...] = (
    (bytes.fromhex("06082a811ccf5501822d"), Sm2PublicKey),  # 1.2.156.10197.1.301
    (bytes.fromhex("06092a864886f70d010101"), RsaPublicKey),  # rsaEncryption
    (bytes.fromhex("06082a8648ce3d030107"), P256PublicKey),  # secp256r1
)


def load_public_key(spki: bytes) -> PublicKey:
    """A key that verifies, from SubjectPublicKeyInfo, DER.

    Raises:
        RequestError: PUBLIC_KEY_MALFORMED, for anything else and for kinds that are not known.
    """
    if len(spki) <= MAX_SPKI_BYTES:
        for mark, loader in _LOADERS:
            if mark in spki[:40]:
                return loader(spki)
    raise RequestError(
        Reason.PUBLIC_KEY_MALFORMED, "not a SubjectPublicKeyInfo of an SM2, RSA or P-256 key", "Send SubjectPublicKeyInfo, DER."
    )


def message_digest(
    algorithm: SignatureAlgorithm, key: PublicKey, message: bytes, *, sm2_id: bytes | None = None
) -> bytes:
    """What the token signs for a message: its digest (RSA), or e = SM3(Z ‖ M) (SM2). Raises as `PublicKey.digest_of`."""
    return key.digest_of(algorithm, message, sm2_id=sm2_id)


def content_digest(algorithm: SignatureAlgorithm, content: bytes) -> bytes:
    """The plain digest of content that goes with an algorithm, as CMS message-digest attributes hold it (no Z)."""
    return hashlib.new(digest_name(algorithm), content).digest()


def check_digest_length(algorithm: SignatureAlgorithm, digest: bytes) -> None:
    """Raises RequestError (DIGEST_LENGTH) unless a digest has the length that the algorithm names."""
    wanted = hashlib.new(digest_name(algorithm)).digest_size
    if len(digest) != wanted:
        raise RequestError(
            Reason.DIGEST_LENGTH,
            f"the digest has {len(digest)} bytes, {algorithm.name} needs {wanted}",
            "Send e = SM3(Z ‖ M)." if algorithm is SignatureAlgorithm.SM2_SM3 else "Send the digest that the algorithm names.",
        )


# X.509 and CMS signature algorithms that are verified: object identifier → (kind of key, digest)
X509_SIGNATURES: dict[str, tuple[KeyType, str]] = {
    "1.2.156.10197.1.501": (KeyType.SM2, "sm3"),
    "1.2.840.113549.1.1.5": (KeyType.RSA, "sha1"),
    "1.2.840.113549.1.1.11": (KeyType.RSA, "sha256"),
    "1.2.840.113549.1.1.12": (KeyType.RSA, "sha384"),
    "1.2.840.113549.1.1.13": (KeyType.RSA, "sha512"),
    "1.2.840.10045.4.3.2": (KeyType.P256, "sha256"),
    "1.2.840.10045.4.3.3": (KeyType.P256, "sha384"),
    "1.2.840.10045.4.3.4": (KeyType.P256, "sha512"),
}


def verify_x509_signature(oid: str, key: PublicKey, message: bytes, signature: bytes) -> str:
    """Evidence for a certificate's signature: the name of the digest that was used.

    Raises:
        VerificationError: PATH_NOT_TRUSTED (unknown algorithm, another kind of key) or SIGNATURE_WRONG.
    """
    kind, hash_name = X509_SIGNATURES.get(oid, (None, ""))
    if kind is None or kind is not key.key_type:
        raise VerificationError(
            Reason.PATH_NOT_TRUSTED,
            FindingCode.CERTIFICATE_PATH_INVALID,
            f"the signature algorithm {oid} does not fit the issuer's key",
        )
    if isinstance(key, Sm2PublicKey):
        key.verify(SignatureAlgorithm.SM2_SM3, message, signature)
    elif isinstance(key, RsaPublicKey):
        key.verify_hashed(hash_name, hashlib.new(hash_name, message).digest(), signature, pss=False)
    elif isinstance(key, P256PublicKey):
        key.verify_hashed(hash_name, hashlib.new(hash_name, message).digest(), signature)
    return hash_name
