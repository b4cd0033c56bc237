"""Finds the kind of a public key and the algorithm of a certificate's signature. One line for each kind of key.

Not for the mathematics: each kind of key has its own module.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from signer.algorithms.base import KeyType, PathKey, PublicKey, SignatureAlgorithm, digest_name
from signer.algorithms.ecdsa_p256 import P256PublicKey
from signer.algorithms.rsa import RsaPublicKey
from signer.algorithms.sm2 import Sm2PublicKey
from signer.errors import Reason, RequestError, VerificationError
from signer.findings import FindingCode

MAX_SPKI_BYTES = 4096
_REMEMBERED_KEYS = 512
_EC_PUBLIC_KEY = "301306072a8648ce3d0201"  # AlgorithmIdentifier { id-ecPublicKey, … up to the curve

AnyKey = TypeVar("AnyKey", bound=PathKey)
_Loaders = dict[bytes, Callable[[bytes], AnyKey]]

# The whole AlgorithmIdentifier of a SubjectPublicKeyInfo → what reads the key
_API_KEYS: _Loaders[PublicKey] = {
    bytes.fromhex(_EC_PUBLIC_KEY + "06082a811ccf5501822d"): Sm2PublicKey,  # curve 1.2.156.10197.1.301
    bytes.fromhex("300d06092a864886f70d0101010500"): RsaPublicKey,  # rsaEncryption, NULL
}
_PATH_KEYS: _Loaders[PathKey] = {
    **_API_KEYS,
    bytes.fromhex(_EC_PUBLIC_KEY + "06082a8648ce3d030107"): P256PublicKey,  # curve secp256r1
}


@lru_cache(maxsize=_REMEMBERED_KEYS)
def load_public_key(spki: bytes) -> PublicKey:
    """A key that verifies by the API's algorithms, from SubjectPublicKeyInfo, DER. The last ones are remembered.

    Raises:
        RequestError: PUBLIC_KEY_MALFORMED, for anything else and for kinds that the API does not know.
    """
    return _load(spki, _API_KEYS)


@lru_cache(maxsize=_REMEMBERED_KEYS)
def load_path_key(spki: bytes) -> PathKey:
    """A key that verifies certificates: also P-256. Otherwise as `load_public_key`."""
    return _load(spki, _PATH_KEYS)


def _load(spki: bytes, loaders: _Loaders[AnyKey]) -> AnyKey:
    if len(spki) <= MAX_SPKI_BYTES and spki[:1] == b"\x30":
        # the outer SEQUENCE's length has one byte, or 0x81 and one, or 0x82 and two
        start = {0x81: 3, 0x82: 4}.get(spki[1] if len(spki) > 1 else 0, 2)
        for identifier, loader in loaders.items():
            if spki.startswith(identifier, start):
                return loader(spki)
    raise RequestError(
        Reason.PUBLIC_KEY_MALFORMED,
        "not a SubjectPublicKeyInfo of a known kind of key",
        "Send SubjectPublicKeyInfo, DER.",
    )


def message_digest(
    algorithm: SignatureAlgorithm, key: PublicKey, message: bytes, *, sm2_id: bytes | None = None
) -> bytes:
    """What the token signs for a message: its digest (RSA), or e = SM3(Z ‖ M) (SM2).

    Raises:
        RequestError: as `PublicKey.digest_of`.
    """
    return key.digest_of(algorithm, message, sm2_id=sm2_id)


def content_digest(algorithm: SignatureAlgorithm, content: bytes) -> bytes:
    """The plain digest of content that goes with an algorithm, as CMS message-digest attributes hold it (no Z)."""
    return hashlib.new(digest_name(algorithm), content).digest()


def check_digest_length(algorithm: SignatureAlgorithm, digest: bytes) -> None:
    """Raises RequestError (DIGEST_LENGTH) unless a digest has the length that the algorithm names."""
    wanted = hashlib.new(digest_name(algorithm)).digest_size
    if len(digest) != wanted:
        sm2 = algorithm is SignatureAlgorithm.SM2_SM3
        raise RequestError(
            Reason.DIGEST_LENGTH,
            f"the digest has {len(digest)} bytes, {algorithm.name} needs {wanted}",
            "Send e = SM3(Z ‖ M)." if sm2 else "Send the digest that the algorithm names.",
        )


# Signature algorithms of certificates that are verified: object identifier → (kind of key, digest)
_X509_SIGNATURES: dict[str, tuple[KeyType, str]] = {
    "1.2.156.10197.1.501": (KeyType.SM2, "sm3"),
    "1.2.840.113549.1.1.11": (KeyType.RSA, "sha256"),
    "1.2.840.113549.1.1.12": (KeyType.RSA, "sha384"),
    "1.2.840.113549.1.1.13": (KeyType.RSA, "sha512"),
    "1.2.840.10045.4.3.2": (KeyType.P256, "sha256"),
    "1.2.840.10045.4.3.3": (KeyType.P256, "sha384"),
    "1.2.840.10045.4.3.4": (KeyType.P256, "sha512"),
}
# RSA with MD2, MD4, MD5, SHA-1 (RFC 3279), SHA-1 in OIW's number, ECDSA with SHA-1: anybody may have made these
_X509_WEAK = frozenset(
    {
        "1.2.840.113549.1.1.2",
        "1.2.840.113549.1.1.3",
        "1.2.840.113549.1.1.4",
        "1.2.840.113549.1.1.5",
        "1.3.14.3.2.29",
        "1.2.840.10045.4.1",
    }
)


def verify_x509_signature(oid: str, key: PathKey, message: bytes, signature: bytes) -> None:
    """The mathematics of a certificate's signature; it holds, or:

    Raises:
        VerificationError: PATH_NOT_TRUSTED (weak or unknown algorithm, another kind of key) or SIGNATURE_WRONG.
    """
    if oid in _X509_WEAK:
        raise VerificationError(
            Reason.PATH_NOT_TRUSTED, FindingCode.CERTIFICATE_WEAK, "a digest as weak as SHA-1 signs a certificate"
        )
    kind, hash_name = _X509_SIGNATURES.get(oid, (None, ""))
    if kind is None or kind is not key.key_type:
        raise VerificationError(
            Reason.PATH_NOT_TRUSTED,
            FindingCode.CERTIFICATE_PATH_INVALID,
            f"the signature algorithm {oid} is not known or does not fit the issuer's key",
        )
    key.verify_x509(hash_name, message, signature)
