"""A witness's own key: in the log token of an appliance that is one, or in a file for a party without a token.

A file key is software; whoever makes one is told. In the token it is apart from the log's own key. Not for judging heads: `audit.witness`.
"""

from __future__ import annotations

from pathlib import Path

from asn1crypto import pem

from hsm.keys import Sm2KeySpec
from hsm.mechanisms import Mechanism
from hsm.token import Pkcs11Token
from signer.algorithms import SignatureAlgorithm, SignMessage, load_public_key, sm2
from signer.algorithms.sm2_software_key import Sm2SoftwareKey
from signer.app.token_opening import refuse_development_token
from signer.audit.cosignature import WitnessKey
from signer.config import ApplianceConfig
from signer.errors import ConfigurationError, Reason

_KEY_ID = b"log-witness"  # CKA_ID
_TIMEOUT_S = 5.0


def make_file_key(file: Path) -> Path:
    """Makes a key file (PKCS#8, mode 0600) and, beside it, FILE.pub with the public key; returns the latter.

    Raises:
        ConfigurationError: START_FAILED, it is there already, or can't be written.
    """
    key = Sm2SoftwareKey.generate()
    public = file.with_name(file.name + ".pub")
    try:
        file.touch(mode=0o600, exist_ok=False)
        file.write_bytes(key.reveal_pem())
        public.write_bytes(pem.armor("PUBLIC KEY", key.public_key.spki))
    except OSError as problem:
        raise ConfigurationError(
            Reason.START_FAILED, f"{file}: can't be made ({problem.strerror})", "Give the name of a new file."
        ) from None
    return public


def open_file_key(file: Path, name: str) -> tuple[WitnessKey, SignMessage]:
    """The key in a file. Raises ConfigurationError (START_FAILED)."""
    try:
        key = Sm2SoftwareKey.load_pem(file.read_bytes())
    except OSError as problem:
        raise ConfigurationError(
            Reason.START_FAILED, f"{file}: can't be read ({problem.strerror})", "Make it: signer audit witness --init."
        ) from None
    return WitnessKey(name, key.public_key), key.sign


def make_token_key(config: ApplianceConfig) -> bytes:
    """Makes the witness key in the log's token; returns its public half, PEM. Raises HsmError, ConfigurationError."""
    token = _open(config)
    try:
        spki = token.generate_key_pair(_KEY_ID, "log-witness", Sm2KeySpec(), timeout=_TIMEOUT_S)
    finally:
        token.close()
    text: bytes = pem.armor("PUBLIC KEY", spki)
    return text


def open_token_key(config: ApplianceConfig, name: str) -> tuple[WitnessKey, SignMessage]:
    """The key in the log's token. Raises HsmError, ConfigurationError."""
    token = _open(config)
    handle = token.open_key(_KEY_ID)
    public_key = load_public_key(token.public_key(handle))

    def sign(message: bytes) -> bytes:
        e = public_key.digest_of(SignatureAlgorithm.SM2_SM3, message)
        return sm2.encode_signature(token.sign(handle, Mechanism.SM2, e, timeout=_TIMEOUT_S))

    return WitnessKey(name, public_key), sign


def _open(config: ApplianceConfig) -> Pkcs11Token:
    token = Pkcs11Token.from_config(config.log_token)
    refuse_development_token(config, token)
    return token
