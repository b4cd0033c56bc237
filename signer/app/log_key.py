"""The key that signs checkpoints: in a token (partition) of its own, which only the log writer logs into.

Not among the keys that anybody can ask to sign with. Its uses are counted, not logged one by one: an entry for each checkpoint
would want a checkpoint again.
"""

from __future__ import annotations

from asn1crypto import pem

from hsm.keys import Sm2KeySpec
from hsm.mechanisms import Mechanism
from hsm.token import Pkcs11Token, Token
from monitoring import metrics
from signer.algorithms import SignatureAlgorithm, SignMessage, sm2
from signer.app.token_opening import refuse_development_token
from signer.audit.checkpoint import NoteKey, load_note_key
from signer.config import ApplianceConfig
from signer.errors import ConfigurationError, Reason
from signer.keys import Purpose

_KEY_ID = b"log-checkpoint"  # CKA_ID
_TIMEOUT_S = 5.0


def open_log_key(config: ApplianceConfig) -> tuple[NoteKey, SignMessage]:
    """The key as it is on record, and what signs with it.

    Raises:
        HsmError: the token or the key is not there.
        ConfigurationError: the token holds another key than the one on record, or is a development token in production.
    """
    token = Pkcs11Token.from_config(config.log_token)
    refuse_development_token(config, token)
    key = load_note_key(config.log.public_key_file, config.log.log_id)
    handle = token.open_key(_KEY_ID)
    if token.public_key(handle) != key.public_key.spki:
        raise ConfigurationError(
            Reason.START_FAILED,
            "the log's key in the token is not the one on record",
            "Restore the token or the public key file so that both belong together.",
        )

    def sign(message: bytes) -> bytes:
        e = key.public_key.digest_of(SignatureAlgorithm.SM2_SM3, message)
        raw = token.sign(handle, Mechanism.SM2, e, timeout=_TIMEOUT_S)
        metrics.labelled(metrics.signatures, Purpose.LOG.value, SignatureAlgorithm.SM2_SM3.name).inc()
        return sm2.encode_signature(raw)

    return key, sign


def make_log_key(config: ApplianceConfig) -> None:
    """Makes the key where it is missing, and writes its public half. Raises HsmError."""
    if config.log.public_key_file.exists():
        return
    token: Token = Pkcs11Token.from_config(config.log_token)
    try:
        spki = token.generate_key_pair(_KEY_ID, "log", Sm2KeySpec(), timeout=_TIMEOUT_S)
    finally:
        token.close()
    config.log.public_key_file.write_bytes(pem.armor("PUBLIC KEY", spki))
