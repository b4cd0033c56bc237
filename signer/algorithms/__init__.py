"""Signature algorithms in software: digests, encodings, verification. Never a private key: those sign inside the HSM."""

from signer.algorithms.base import (
    KeyType,
    PublicKey,
    SignatureAlgorithm,
    SignMessage,
    VerifiedSignature,
    digest_name,
)
from signer.algorithms.registry import (
    check_digest_length,
    content_digest,
    load_public_key,
    message_digest,
    verify_x509_signature,
)

__all__ = [
    "KeyType",
    "PublicKey",
    "SignMessage",
    "SignatureAlgorithm",
    "VerifiedSignature",
    "check_digest_length",
    "content_digest",
    "digest_name",
    "load_public_key",
    "message_digest",
    "verify_x509_signature",
]
