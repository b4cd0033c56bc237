"""SM2 keys in software, for TLS: a handshake's key is a file, as BoringSSL's and OpenSSL's keys are.

Not for signatures on documents and messages, whose keys never leave the HSM; `signer.signing` can't reach this.
"""

from __future__ import annotations

from typing import Any

from asn1crypto import pem

from signer.algorithms import libcrypto
from signer.algorithms.base import SignatureAlgorithm
from signer.algorithms.sm2 import Sm2PublicKey
from signer.errors import ConfigurationError, Reason


class Sm2SoftwareKey:
    """A key pair; its repr says nothing about it."""

    def __init__(self, key: Any) -> None:
        self._key = key
        self.public_key = Sm2PublicKey(libcrypto.encode_public_key(key))

    @classmethod
    def generate(cls) -> Sm2SoftwareKey:
        """A new one."""
        return cls(libcrypto.generate_sm2_key())

    @classmethod
    def load_pem(cls, text: bytes) -> Sm2SoftwareKey:
        """From PKCS#8, PEM, not encrypted.

        Raises:
            ConfigurationError: START_FAILED; what is wrong, never what is in it.
        """
        try:
            return cls(libcrypto.load_private_key(pem.unarmor(text)[2]))
        except Exception:  # noqa: BLE001 - parsers and checks raise many kinds; none may quote the key
            raise ConfigurationError(
                Reason.START_FAILED, "not an SM2 key in PEM", "Give an unencrypted PKCS#8 file with an SM2 key."
            ) from None

    def sign(self, message: bytes, *, sm2_id: bytes | None = None) -> bytes:
        """A signature over a message with an ID (the default one: 1234567812345678), DER SEQUENCE { r, s }."""
        digest = self.public_key.digest_of(SignatureAlgorithm.SM2_SM3, message, sm2_id=sm2_id)
        return libcrypto.sign_prehashed(self._key, digest)

    def reveal_pem(self) -> bytes:
        """PKCS#8, PEM, not encrypted: for a file of mode 0600."""
        text: bytes = pem.armor("PRIVATE KEY", libcrypto.encode_private_key(self._key))
        return text
