"""Opaque names of keys in a token, what can be generated, and the attributes that every private key of ours has."""

from __future__ import annotations

from dataclasses import dataclass

from pkcs11 import Attribute

from hsm.errors import HsmError, Reason

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 4096


@dataclass(frozen=True)
class KeyHandle:
    """A key that was found in the token. Stays good across reconnections; PKCS#11's own handles don't."""

    key_id: bytes


@dataclass(frozen=True)
class RsaKeySpec:
    """An RSA key pair of 2048 to 4096 bits, exponent 65537."""

    bits: int

    def __post_init__(self) -> None:
        if not MIN_RSA_BITS <= self.bits <= MAX_RSA_BITS or self.bits % 8:
            raise HsmError(
                Reason.REQUEST_REFUSED,
                f"an RSA key of {self.bits} bits is not allowed",
                f"Use {MIN_RSA_BITS} to {MAX_RSA_BITS} bits.",
            )


@dataclass(frozen=True)
class Sm2KeySpec:
    """An SM2 key pair on the recommended curve."""


KeySpec = RsaKeySpec | Sm2KeySpec


def private_template(key_id: bytes, label: str) -> dict[Attribute, object]:
    """Signs, and nothing else; never leaves the token."""
    return {
        Attribute.ID: key_id,
        Attribute.LABEL: label,
        Attribute.TOKEN: True,
        Attribute.PRIVATE: True,
        Attribute.SENSITIVE: True,
        Attribute.EXTRACTABLE: False,
        Attribute.SIGN: True,
        Attribute.SIGN_RECOVER: False,
        Attribute.DECRYPT: False,
        Attribute.UNWRAP: False,
        Attribute.DERIVE: False,
    }


def public_template(key_id: bytes, label: str) -> dict[Attribute, object]:
    """Verifies, and nothing else."""
    return {
        Attribute.ID: key_id,
        Attribute.LABEL: label,
        Attribute.TOKEN: True,
        Attribute.VERIFY: True,
        Attribute.VERIFY_RECOVER: False,
        Attribute.ENCRYPT: False,
        Attribute.WRAP: False,
        Attribute.DERIVE: False,
    }
