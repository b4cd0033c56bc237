"""SM2 keys in memory for tests, signed with by gmssl: what a token does elsewhere."""

from __future__ import annotations

import gmssl_pyx

from signer.algorithms import SignMessage

_SM2_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")


def new_sm2_key() -> tuple[bytes, SignMessage]:
    """SubjectPublicKeyInfo, and what signs messages with the key."""
    point, private = gmssl_pyx.sm2_key_generate()

    def sign(message: bytes) -> bytes:
        return bytes(gmssl_pyx.sm2_sign(private, point, message))

    return _SM2_PREFIX + point, sign
