"""A token that returns a wrong signature: nothing is released, the error says so, and the counter that wakes people goes up.

Threat: T4.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import gmssl_pyx
import pytest

from hsm.keys import KeyHandle
from hsm.token import Token
from monitoring import metrics
from signer.algorithms import SignatureAlgorithm, load_public_key, sm2
from signer.errors import ApplianceError, Reason
from signer.keys import KeyState, KeyVersion, Purpose
from signer.signing import KeyRing, Signer
from signer.signing.key_ring import UsableKey
from tests.sm2_keys import new_sm2_key


class TokenOfAnotherKey:
    """Signs well, with a key that is not the one asked for: what a mixed-up or tampered HSM would do."""

    def __init__(self) -> None:
        self._point, self._private = gmssl_pyx.sm2_key_generate()

    def sign(self, *_: object, **__: object) -> bytes:
        """64 bytes that are a signature of something by somebody."""
        der = bytes(gmssl_pyx.sm2_sign(self._private, self._point, b"m"))
        return sm2.decode_signature(der)


def _signer(token: object) -> Signer:
    spki, _ = new_sm2_key()
    version = KeyVersion(
        "message-sm2",
        1,
        Purpose.MESSAGE,
        (SignatureAlgorithm.SM2_SM3,),
        b"k",
        spki,
        (),
        KeyState.ACTIVE,
        datetime.now(UTC),
    )
    usable = UsableKey(version, KeyHandle(b"k"), load_public_key(spki))
    missing = cast(Any, None)  # a probe asks no grants, reads no registry and writes no log
    return Signer(
        grants=missing,
        registry=missing,
        keys=KeyRing({("message-sm2", 1): usable}),
        token=cast(Token, token),
        log=missing,
        keyed_digest=missing,
        clock=None,
    )


def test_a_wrong_signature_is_not_released_and_is_counted() -> None:
    counted = metrics.own_signatures_wrong.labels("SM2_SM3")._value
    before = counted.get()
    with pytest.raises(ApplianceError) as caught:
        _signer(TokenOfAnotherKey()).probe(5.0)
    assert caught.value.reason is Reason.OWN_SIGNATURE_WRONG
    assert counted.get() == before + 1
