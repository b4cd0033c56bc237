"""SM2 signatures (GB/T 32918.2-2016, usage GB/T 35276-2017): Z, e, the strict DER form, verification in software.

Private keys are never here; the HSM signs e. Default distinguishing ID: 1234567812345678.
"""

from __future__ import annotations

from typing import NoReturn

from signer.algorithms import libcrypto, sm3
from signer.algorithms.base import KeyType, SignatureAlgorithm, VerifiedSignature, check_key_fits
from signer.errors import Reason, RequestError, VerificationError
from signer.findings import FindingCode

DEFAULT_ID = b"1234567812345678"
MAX_ID_BYTES = 8191  # the ID's length in bits must fit ENTL's 16 bits (GB/T 32918.2, 5.5)

# GB/T 32918.5-2017: the recommended curve
P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
GX = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
GY = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123

_COORDINATE = 32
_PARAMETERS = b"".join(value.to_bytes(_COORDINATE, "big") for value in (A, B, GX, GY))
# SubjectPublicKeyInfo of an SM2 key with an uncompressed point: everything before the 64 bytes of x and y
_SPKI_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")


class Sm2PublicKey:
    """An SM2 public key, its point checked to be on the curve."""

    key_type = KeyType.SM2
    bits = 256

    def __init__(self, spki: bytes) -> None:
        """Takes a SubjectPublicKeyInfo with an uncompressed point, the only form that GB/T 35276 knows.

        Raises:
            RequestError: PUBLIC_KEY_MALFORMED.
        """
        point = spki[len(_SPKI_PREFIX) :]
        if not spki.startswith(_SPKI_PREFIX) or len(point) != 2 * _COORDINATE:
            raise _malformed("not a SubjectPublicKeyInfo of an SM2 key with an uncompressed point")
        x, y = (int.from_bytes(half, "big") for half in (point[:_COORDINATE], point[_COORDINATE:]))
        if x >= P or y >= P or (y * y - (x * x * x + A * x + B)) % P != 0:
            raise _malformed("the point is not on the SM2 curve")
        key = libcrypto.load_public_key(spki)
        if key is None:
            raise _malformed("the SM2 public key can't be used")
        self.spki = spki
        self._point = point
        self._key = key
        self._default_z = self._z(DEFAULT_ID)

    def _z(self, sm2_id: bytes) -> bytes:
        """Z = SM3(ENTL ‖ ID ‖ a ‖ b ‖ xG ‖ yG ‖ xA ‖ yA), GB/T 32918.2 clause 5.5."""
        return sm3.digest((len(sm2_id) * 8).to_bytes(2, "big"), sm2_id, _PARAMETERS, self._point)

    def digest_of(self, algorithm: SignatureAlgorithm, message: bytes, *, sm2_id: bytes | None = None) -> bytes:
        """e = SM3(Z ‖ M), 32 bytes. See `PublicKey.digest_of`."""
        check_key_fits(self.key_type, algorithm)
        if sm2_id is None or sm2_id == DEFAULT_ID:
            return sm3.digest(self._default_z, message)
        if len(sm2_id) > MAX_ID_BYTES:
            raise RequestError(
                Reason.SM2_ID_INVALID, f"sm2_id has {len(sm2_id)} bytes", f"Use at most {MAX_ID_BYTES} bytes."
            )
        return sm3.digest(self._z(sm2_id), message)

    def verify_digest(self, algorithm: SignatureAlgorithm, digest: bytes, signature: bytes) -> VerifiedSignature:
        """Evidence for a DER signature over e. See `PublicKey.verify_digest`."""
        check_key_fits(self.key_type, algorithm)
        if len(digest) != sm3.DIGEST_BYTES:
            raise RequestError(Reason.DIGEST_LENGTH, f"e has {len(digest)} bytes, not 32", "Send e = SM3(Z ‖ M).")
        decode_signature(signature)
        if not libcrypto.verify_prehashed(self._key, digest, signature):
            raise VerificationError(Reason.SIGNATURE_WRONG, FindingCode.SIGNATURE_WRONG, "the SM2 signature is wrong")
        return VerifiedSignature(algorithm, self.spki)

    def verify_x509(self, hash_name: str, message: bytes, signature: bytes) -> None:
        """The mathematics of a certificate's signature, with the default ID. See `PathKey.verify_x509`."""
        assert hash_name == "sm3"
        self.verify(SignatureAlgorithm.SM2_SM3, message, signature)

    def verify(
        self, algorithm: SignatureAlgorithm, message: bytes, signature: bytes, *, sm2_id: bytes | None = None
    ) -> VerifiedSignature:
        """Evidence for a signature over a message. See `PublicKey.verify`."""
        return self.verify_digest(algorithm, self.digest_of(algorithm, message, sm2_id=sm2_id), signature)


def encode_signature(raw: bytes) -> bytes:
    """r ‖ s (64 bytes) as DER SEQUENCE { r INTEGER, s INTEGER } (GB/T 35276 clause 7.3).

    Raises:
        VerificationError: r or s is out of range; such a signature is never right.
    """
    if len(raw) != 2 * _COORDINATE:
        _bad_signature("an SM2 signature has 64 bytes r ‖ s")
    r, s = int.from_bytes(raw[:_COORDINATE], "big"), int.from_bytes(raw[_COORDINATE:], "big")
    _check_range(r, s)
    body = _encode_integer(r) + _encode_integer(s)
    return bytes((0x30, len(body))) + body


def decode_signature(signature: bytes) -> bytes:
    """DER SEQUENCE { r, s } as r ‖ s (64 bytes); minimal lengths and integers, no trailing bytes, r and s in range.

    Raises:
        VerificationError: SIGNATURE_WRONG with the finding signature-malformed.
    """
    if len(signature) < 2 or signature[0] != 0x30 or signature[1] != len(signature) - 2:
        _bad_signature("not one DER SEQUENCE")
    r, rest = _decode_integer(signature[2:])
    s, rest = _decode_integer(rest)
    if rest:
        _bad_signature("bytes after s")
    _check_range(r, s)
    return r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")


def _encode_integer(value: int) -> bytes:
    body = value.to_bytes(value.bit_length() // 8 + 1, "big")  # one bit more: DER INTEGERs are signed
    return bytes((0x02, len(body))) + body


def _decode_integer(data: bytes) -> tuple[int, bytes]:
    if len(data) < 3 or data[0] != 0x02 or not 1 <= data[1] <= _COORDINATE + 1 or len(data) < 2 + data[1]:
        _bad_signature("not a DER INTEGER")
    body = data[2 : 2 + data[1]]
    if body[0] & 0x80:
        _bad_signature("a negative INTEGER")
    if len(body) > 1 and body[0] == 0 and not body[1] & 0x80:
        _bad_signature("an INTEGER that is not minimal")
    return int.from_bytes(body, "big"), data[2 + data[1] :]


def _check_range(r: int, s: int) -> None:
    # GB/T 32918.2 clause 7.1 B1, B2, B5: r and s in [1, n-1], t = r + s mod n not 0
    if not 1 <= r < N or not 1 <= s < N:
        _bad_signature("r or s is out of range")
    if r + s == N:
        _bad_signature("r + s = n")


def _bad_signature(what: str) -> NoReturn:
    raise VerificationError(Reason.SIGNATURE_WRONG, FindingCode.SIGNATURE_MALFORMED, what)


def _malformed(what: str) -> RequestError:
    return RequestError(Reason.PUBLIC_KEY_MALFORMED, what, "Send SubjectPublicKeyInfo, DER.")
