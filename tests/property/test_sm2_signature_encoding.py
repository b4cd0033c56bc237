"""The SM2 signature codec: whatever is accepted has one encoding, and every pair in range has one."""

from __future__ import annotations

from asn1crypto import algos
from hypothesis import assume, example, given
from hypothesis import strategies as some

from signer.algorithms import sm2
from signer.errors import VerificationError
from tests.conformance.sm2_reference import N, bytes32, der

_SCALAR = some.one_of(some.integers(1, N - 1), some.integers(1, 300), some.integers(N - 300, N - 1))
_ANY = some.integers(-(1 << 270), 1 << 270)


@given(_SCALAR, _SCALAR)
@example(1, 1)
@example(0x7F, 0x80)
@example(N - 1, N - 1)
def test_every_pair_in_range_comes_back(r: int, s: int) -> None:
    assume(r + s != N)
    raw = bytes32(r) + bytes32(s)
    encoded = sm2.encode_signature(raw)
    assert sm2.decode_signature(encoded) == raw
    assert encoded == der(r, s) == algos.DSASignature({"r": r, "s": s}).dump()


@given(_ANY, _ANY)
def test_a_pair_out_of_range_does_not(r: int, s: int) -> None:
    in_range = 1 <= r < N and 1 <= s < N and r + s != N
    try:
        sm2.decode_signature(der(r, s))
    except VerificationError:
        assert not in_range
    else:
        assert in_range


@given(some.binary(max_size=80))
def test_garbage_raises_nothing_else(garbage: bytes) -> None:
    _assert_one_encoding(garbage)


@given(_SCALAR, _SCALAR, some.data())
def test_a_changed_encoding_is_refused_or_is_the_one_of_another_pair(r: int, s: int, data: some.DataObject) -> None:
    assume(r + s != N)
    changed = bytearray(der(r, s))
    for _ in range(data.draw(some.integers(1, 3))):
        position = data.draw(some.integers(0, len(changed) - 1))
        kind = data.draw(some.sampled_from(["replace", "insert", "delete"]))
        if kind == "replace":
            changed[position] = data.draw(some.integers(0, 255))
        elif kind == "insert":
            changed.insert(position, data.draw(some.integers(0, 255)))
        elif len(changed) > 1:
            del changed[position]
    _assert_one_encoding(bytes(changed))


def _assert_one_encoding(signature: bytes) -> None:
    try:
        raw = sm2.decode_signature(signature)
    except VerificationError:
        return
    assert sm2.encode_signature(raw) == signature
