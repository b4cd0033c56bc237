"""What is asked of the signer and what it releases. Plain values; nothing here decides or signs."""

from __future__ import annotations

from dataclasses import dataclass

from signer.algorithms import SignatureAlgorithm
from signer.audit import Receipt
from signer.keys import KeyVersion


@dataclass(frozen=True)
class SigningRequest:
    """Exactly one of `message` and `digest` is given.

    `digest`: RSA: the digest that the algorithm names; SM2: e = SM3(Z ‖ M), 32 bytes. `sm2_id`: the signer's
    distinguishing ID for Z; None: the default ID of GB/T 35276.
    """

    key: str
    algorithm: SignatureAlgorithm = SignatureAlgorithm.UNSPECIFIED
    message: bytes | None = None
    digest: bytes | None = None
    sm2_id: bytes | None = None


@dataclass(frozen=True)
class ReleasedSignature:
    """A signature that was verified and recorded. `signature`: SM2: DER SEQUENCE {r, s}; RSA: octets."""

    signature: bytes
    key: KeyVersion
    algorithm: SignatureAlgorithm
    receipt: Receipt
