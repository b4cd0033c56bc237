"""Signature algorithms in software: digests, encodings, verification. No private key: those sign inside the HSM."""

from signer.algorithms.base import (
    KeyType,
    PathKey,
    PublicKey,
    SignatureAlgorithm,
    SignMessage,
    VerifiedSignature,
    digest_name,
    key_type,
)
from signer.algorithms.registry import (
    check_digest_length,
    content_digest,
    load_path_key,
    load_public_key,
    message_digest,
    verify_x509_signature,
)

__all__ = [
    "KeyType",
    "PathKey",
    "PublicKey",
    "SignMessage",
    "SignatureAlgorithm",
    "VerifiedSignature",
    "check_digest_length",
    "content_digest",
    "digest_name",
    "key_type",
    "load_path_key",
    "load_public_key",
    "message_digest",
    "verify_x509_signature",
]
