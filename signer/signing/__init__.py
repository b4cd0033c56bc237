"""The one way to a private key: authorise → sign → verify own result → record → release. And the verification of others' work."""

from signer.signing.key_ring import KeyRing, UsableKey
from signer.signing.request import ReleasedSignature, SigningRequest
from signer.signing.signer import DocumentSigner, Signer
from signer.signing.verifier import SignatureVerifier, VerificationRequest

__all__ = [
    "DocumentSigner",
    "KeyRing",
    "ReleasedSignature",
    "SignatureVerifier",
    "Signer",
    "SigningRequest",
    "UsableKey",
    "VerificationRequest",
]
