"""SubjectPublicKeyInfo from a token's attributes, as exactly as a certificate needs it. Not for using the keys."""

from __future__ import annotations

from asn1crypto import core, keys

from hsm.errors import HsmError, Reason

SM2_PARAMETERS = bytes.fromhex("06082a811ccf5501822d")  # OBJECT IDENTIFIER 1.2.156.10197.1.301
_SM2_SPKI_PREFIX = bytes.fromhex("3059301306072a8648ce3d0201") + SM2_PARAMETERS + bytes.fromhex("034200")
_POINT_BYTES = 65


def rsa(modulus: bytes, exponent: bytes) -> bytes:
    """SubjectPublicKeyInfo of an RSA key (RFC 8017 A.1.1), from CKA_MODULUS and CKA_PUBLIC_EXPONENT."""
    key = keys.RSAPublicKey(
        {"modulus": int.from_bytes(modulus, "big"), "public_exponent": int.from_bytes(exponent, "big")}
    )
    encoded: bytes = keys.PublicKeyInfo(
        {"algorithm": {"algorithm": "rsa", "parameters": core.Null()}, "public_key": key}
    ).dump()
    return encoded


def sm2(parameters: bytes, point: bytes) -> bytes:
    """SubjectPublicKeyInfo of an SM2 key, from CKA_EC_PARAMS and CKA_EC_POINT.

    PKCS#11 wants the point in an OCTET STRING; some tokens return it bare. The lengths tell the two apart, so no profile
    has to say which.

    Raises:
        HsmError: RESULT_MALFORMED.
    """
    if len(point) == _POINT_BYTES + 2 and point[:2] == bytes((0x04, _POINT_BYTES)):
        point = point[2:]
    if parameters != SM2_PARAMETERS or len(point) != _POINT_BYTES or point[0] != 0x04:
        raise HsmError(Reason.RESULT_MALFORMED, "the token's public key is not an SM2 point in uncompressed form")
    return _SM2_SPKI_PREFIX + point
