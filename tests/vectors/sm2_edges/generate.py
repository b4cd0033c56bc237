"""Makes the constructed SM2 vectors: `python -m tests.vectors.sm2_edges.generate` writes vectors.json anew, the same each time.

Random signatures never reach x1 ≥ n or the carries around n and 2^256. Here the point (x1, y1) = [s]G + [t]P_A comes first, then
e and s are chosen, and r, t and the public key P_A = t⁻¹·((x1, y1) − [s]G) follow. Nobody knows the private keys, so
nobody could sign these; but each valid one is a right signature by GB/T 32918.2 clause 7.1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conformance import sm2_reference as reference
from tests.conformance.sm2_reference import G, N, P, Point

FILE = Path(__file__).with_name("vectors.json")
_TOP = (1 << 256) - 1
_SOME = 0x6D5A_9C31_E40B_77F2_18D3_A5C6_904E_BB27_5F61_02DC_8A39_CE74_B1F8_263D_9E05_47AB


def _points_from(x: int, step: int, count: int) -> Iterator[Point]:
    while count:
        point = reference.point_with_x(x)
        if point is not None:
            count -= 1
            yield point
        x += step


def _vector(name: str, target: Point, e: int, s: int) -> dict[str, Any]:
    """A right signature whose verification meets that point."""
    assert target is not None
    r = (e + target[0]) % N
    t = (r + s) % N
    assert r
    assert t
    public = reference.multiply(pow(t, -1, N), reference.add(target, reference.negative(reference.multiply(s, G))))
    return _entry(name, public, e, (r, s), valid=True)


def _entry(name: str, public: Point, e: int, signature: tuple[int, int], *, valid: bool) -> dict[str, Any]:
    r, s = signature
    assert reference.verifies(public, e, r, s) is valid, name
    return {
        "name": name,
        "public_key": reference.spki(public).hex(),
        "e": reference.bytes32(e).hex(),
        "signature": reference.der(r, s).hex(),
        "valid": valid,
    }


def _reaching_s(name: str, target: Point, e: int, t: int) -> dict[str, Any]:
    """The same with t chosen instead of s."""
    assert target is not None
    return _vector(name, target, e, (t - (e + target[0])) % N)


def _x_vectors() -> Iterator[dict[str, Any]]:
    for number, target in enumerate(_points_from(N, 1, 4)):
        yield _vector(f"x1 just above n, {number}", target, _SOME, _SOME >> 3)
    for number, target in enumerate(_points_from(P - 1, -1, 4)):
        yield _vector(f"x1 just below p, {number}", target, _SOME, _SOME >> 5)
    for number, target in enumerate(_points_from(N - 1, -1, 2)):
        yield _vector(f"x1 just below n, {number}", target, _SOME, _SOME >> 7)
    for number, target in enumerate(_points_from(0, 1, 3)):
        yield _vector(f"x1 tiny, {number}", target, _SOME, _SOME >> 9)


def _e_vectors() -> Iterator[dict[str, Any]]:
    high, low = next(_points_from(P - 1, -1, 1)), next(_points_from(2, 1, 1))
    middle = next(_points_from(_SOME, 1, 1))
    for name, e in (
        ("2^256-1", _TOP),
        ("n", N),
        ("n-1", N - 1),
        ("p", P),
        ("0", 0),
        ("1", 1),
        ("2^256-n", _TOP + 1 - N),
    ):
        for where, target in (("high", high), ("middle", middle), ("tiny", low)):
            if (e + (target or (0, 0))[0]) % N:
                yield _vector(f"e = {name}, x1 {where}", target, e, _SOME >> 11)
    assert middle is not None
    assert high is not None
    yield _vector("e + x1 = 2^256", middle, _TOP + 1 - middle[0], _SOME >> 13)
    yield _vector("e + x1 = 2^256 - 1", middle, _TOP - middle[0], _SOME >> 13)
    yield _vector("r = 1", middle, (1 - middle[0]) % N, _SOME >> 15)
    yield _vector("r = 1, x1 above n", high, (1 - high[0]) % N, _SOME >> 15)
    yield _vector("r = n - 1", middle, (N - 1 - middle[0]) % N, _SOME >> 15)
    yield _vector("r has 31 bytes", middle, ((1 << 240) - middle[0]) % N, _SOME >> 15)
    yield _vector("r has its top bit set", middle, ((1 << 255) - middle[0]) % N, _SOME >> 15)


def _s_vectors() -> Iterator[dict[str, Any]]:
    target = next(_points_from(_SOME, 1, 1))
    assert target is not None
    for name, s in (("1", 1), ("2", 2), ("n - 1", N - 1), ("n - 2", N - 2), ("2^255", 1 << 255), ("2^240", 1 << 240)):
        yield _vector(f"s = {name}", target, _SOME >> 1, s)
    for name, t in (("1", 1), ("2", 2), ("n - 1", N - 1), ("2^128", 1 << 128), ("2^255", 1 << 255)):
        yield _reaching_s(f"t = {name}", target, _SOME >> 1, t)
    # r + s passes 2^256: the carry that two libraries lost
    e = (N - 5 - target[0]) % N
    yield _vector("r + s passes 2^256", target, e, N - 7)
    yield _vector("r + s = 2^256", target, e, _TOP + 1 - (N - 5))
    yield _vector("r + s = 2^256 - 1", target, e, _TOP - (N - 5))
    yield _vector("r + s = n + 1", target, e, 6)


def _point_vectors() -> Iterator[dict[str, Any]]:
    """[s]G and [t]P_A are equal, or one is G: additions that careless formulas get wrong."""
    s, t = _SOME, _SOME >> 17
    same = reference.multiply(2 * s, G)
    assert same is not None
    e = ((t - s) % N - same[0]) % N
    yield _entry("[s]G = [t]P_A", reference.multiply(s * pow(t, -1, N), G), e, ((t - s) % N, s), valid=True)
    for name, public, private in (("G", G, 1), ("2G", reference.multiply(2, G), 2)):
        yield _entry(f"P_A = {name}", public, _SOME, reference.sign(private, _SOME, _SOME >> 19), valid=True)
    yield _entry("e = n + 1 counts as 1", G, N + 1, reference.sign(1, 1, _SOME >> 19), valid=True)
    nowhere = reference.multiply(-s * pow(t, -1, N), G)
    yield _entry("[s]G + [t]P_A is the point at infinity", nowhere, (t - s) % N, ((t - s) % N, s), valid=False)


def _invalid() -> Iterator[dict[str, Any]]:
    """Signatures that careless arithmetic takes for right. The public key is [d]G."""
    d, k = _SOME >> 21, _SOME >> 23
    public = reference.multiply(d, G)
    for number, target in enumerate(_points_from(N, 1, 2)):
        assert target is not None
        # reduced by p instead of n, or not at all: R = e + x1 with x1 ≥ n taken as it stands
        r = ((N - 1) + target[0]) % P % N
        s = _SOME >> 25
        key = reference.multiply(pow(r + s, -1, N), reference.add(target, reference.negative(reference.multiply(s, G))))
        yield _entry(f"r reduced by p, {number}", key, N - 1, (r, s), valid=False)
    r, s = reference.sign(d, _SOME, k)
    for name, signature in (
        ("r and s exchanged", (s, r)),
        ("n - s", (r, N - s)),
        ("n - r", (N - r, s)),
        ("r + 1", (r + 1, s)),
        ("s + 1", (r, s + 1)),
        ("r = 0", (0, s)),
        ("s = 0", (r, 0)),
        ("r = n", (N, s)),
        ("s = n", (r, N)),
        ("r = 0, s = 0", (0, 0)),
        ("r + n", (r + N, s)),
        ("s + n", (r, s + N)),
        ("r + s = n", (r, N - r)),
        ("r - n", (r - N, s)),
        ("s - n", (r, s - N)),
    ):
        yield _entry(name, public, _SOME, signature, valid=False)
    yield _entry("another e", public, _SOME ^ 1, (r, s), valid=False)


def vectors() -> list[dict[str, Any]]:
    """All of them."""
    return [*_x_vectors(), *_e_vectors(), *_s_vectors(), *_point_vectors(), *_invalid()]


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=1) + "\n")
