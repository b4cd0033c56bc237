"""SM2 signatures word by word from GB/T 32918.2-2016, in plain integers: the yardstick for constructed vectors.

Slow, not constant-time, for tests alone. Shares nothing with the product but the standard: the curve is written out
again (GB/T 32918.5-2017), and SM3 is gmssl-pyx's.
"""

from __future__ import annotations

import gmssl_pyx

P = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_00000000_FFFFFFFF_FFFFFFFF
A = P - 3
B = 0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7_F39789F5_15AB8F92_DDBCBD41_4D940E93
N = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_7203DF6B_21C6052B_53BBF409_39D54123
G = (
    0x32C4AE2C_1F198119_5F990446_6A39C994_8FE30BBF_F2660BE1_715A4589_334C74C7,
    0xBC3736A2_F4F6779C_59BDCEE3_6B692153_D0A9877C_C62A4740_02DF32E5_2139F0A0,
)

Point = tuple[int, int] | None  # None: the point at infinity
_SPKI_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")


def add(first: Point, second: Point) -> Point:
    """The sum of two points (GB/T 32918.1 clause 3.2.3.1)."""
    if first is None or second is None:
        return second if first is None else first
    (x1, y1), (x2, y2) = first, second
    if x1 == x2:
        if (y1 + y2) % P == 0:
            return None
        slope = (3 * x1 * x1 + A) * pow(2 * y1, -1, P)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, P)
    x3 = (slope * slope - x1 - x2) % P
    return x3, (slope * (x1 - x3) - y1) % P


def negative(point: Point) -> Point:
    """The point on the other side of the x axis."""
    return None if point is None else (point[0], -point[1] % P)


def multiply(factor: int, point: Point) -> Point:
    """factor times the point."""
    total: Point = None
    for bit in bin(factor % N)[2:]:
        total = add(total, total)
        if bit == "1":
            total = add(total, point)
    return total


def point_with_x(x: int) -> Point:
    """A point with that x, None where there is none. P mod 4 is 3, so a square root is one power."""
    square = (x * x * x + A * x + B) % P
    y = pow(square, (P + 1) // 4, P)
    return (x, y) if y * y % P == square else None


def bytes32(value: int) -> bytes:
    """32 bytes, big-endian."""
    return value.to_bytes(32, "big")


def spki(point: Point) -> bytes:
    """SubjectPublicKeyInfo, DER."""
    assert point is not None
    return _SPKI_PREFIX + bytes32(point[0]) + bytes32(point[1])


def z_value(point: Point, identity: bytes) -> bytes:
    """Z (clause 5.5)."""
    assert point is not None
    fields = (A, B, *G, *point)
    text = (len(identity) * 8).to_bytes(2, "big") + identity + b"".join(bytes32(field) for field in fields)
    return bytes(gmssl_pyx.sm3_hash(text))


def e_value(point: Point, identity: bytes, message: bytes) -> int:
    """e (clause 6.1, A1 and A2)."""
    return int.from_bytes(gmssl_pyx.sm3_hash(z_value(point, identity) + message), "big")


def sign(private: int, e: int, k: int) -> tuple[int, int]:
    """r and s with a given k (clause 6.1, A4 to A7)."""
    point = multiply(k, G)
    assert point is not None
    r = (e + point[0]) % N
    s = pow(1 + private, -1, N) * (k - r * private) % N
    assert r not in {0, N - k}
    assert s != 0
    return r, s


def verifies(public: Point, e: int, r: int, s: int) -> bool:
    """Whether a signature is right (clause 7.1, B1 to B7)."""
    if not 1 <= r < N or not 1 <= s < N:
        return False
    t = (r + s) % N
    if t == 0:
        return False
    point = add(multiply(s, G), multiply(t, public))
    return point is not None and (e + point[0]) % N == r


def der(r: int, s: int) -> bytes:
    """DER SEQUENCE { r, s }, whatever their values: also negative or too large."""

    def integer(value: int) -> bytes:
        length = (value if value >= 0 else ~value).bit_length() // 8 + 1
        return bytes((0x02, length)) + value.to_bytes(length, "big", signed=True)

    body = integer(r) + integer(s)
    return bytes((0x30, len(body))) + body
