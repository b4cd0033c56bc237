"""What tokens return for an SM2 signature, as r ‖ s: one form for all above, strict about what came. Verifies nothing."""

from __future__ import annotations

from hsm.errors import HsmError, Reason

# order of the curve's base point (GB/T 32918.5)
_N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_COORDINATE_BYTES = 32
_INTEGER_MAX_BYTES = 33  # a leading zero keeps it positive


def from_raw(signature: bytes) -> bytes:
    """r ‖ s as it came, when it is 64 bytes with 0 < r, s < n. Raises HsmError (RESULT_MALFORMED)."""
    if len(signature) != 2 * _COORDINATE_BYTES:
        raise _malformed(f"{len(signature)} bytes instead of r ‖ s in 64")
    for half in (signature[:_COORDINATE_BYTES], signature[_COORDINATE_BYTES:]):
        if not 0 < int.from_bytes(half, "big") < _N:
            raise _malformed("r or s out of range")
    return signature


def from_der(signature: bytes) -> bytes:
    """SEQUENCE { r INTEGER, s INTEGER } in DER (GB/T 35276, 7.3) as r ‖ s. Raises HsmError (RESULT_MALFORMED)."""
    if len(signature) < 2 or signature[0] != 0x30 or signature[1] != len(signature) - 2:
        raise _malformed("not one DER SEQUENCE")
    r, rest = _integer(signature[2:])
    s, rest = _integer(rest)
    if rest:
        raise _malformed("more than r and s")
    return from_raw(r + s)


def _integer(data: bytes) -> tuple[bytes, bytes]:
    """A positive INTEGER in its shortest form (X.690, 8.3.2), as 32 bytes; and what follows."""
    if len(data) < 2 or data[0] != 0x02 or not 1 <= data[1] <= _INTEGER_MAX_BYTES or len(data) < 2 + data[1]:
        raise _malformed("r or s is no INTEGER of that size")
    value, rest = data[2 : 2 + data[1]], data[2 + data[1] :]
    if value[0] & 0x80 or (value[0] == 0 and (len(value) == 1 or not value[1] & 0x80)):
        raise _malformed("r or s is negative, zero or longer than need be")
    value = value.removeprefix(b"\0")
    if len(value) > _COORDINATE_BYTES:
        raise _malformed("r or s out of range")
    return value.rjust(_COORDINATE_BYTES, b"\0"), rest


def _malformed(what: str) -> HsmError:
    return HsmError(
        Reason.RESULT_MALFORMED, f"the token returned an SM2 signature of another form than its profile says: {what}"
    )
