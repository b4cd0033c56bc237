"""What must never pass as an SM2 signature, or as an SM2 public key, however it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from signer.algorithms import SignatureAlgorithm, load_public_key, sm2
from signer.errors import Reason, RequestError, VerificationError
from signer.findings import FindingCode
from tests.conformance import sm2_reference as reference
from tests.conformance.sm2_reference import N, P

_PRIVATE, _K, _MESSAGE = 0x5EED << 200, 0xC0FFEE << 190, b"message"
_PUBLIC = reference.multiply(_PRIVATE, reference.G)
_SPKI = reference.spki(_PUBLIC)
_E = reference.e_value(_PUBLIC, sm2.DEFAULT_ID, _MESSAGE)
_R, _S = reference.sign(_PRIVATE, _E, _K)
_RIGHT = reference.der(_R, _S)
SM2 = SignatureAlgorithm.SM2_SM3


def _integer(content: bytes) -> bytes:
    return bytes((0x02, len(content))) + content


def _sequence(content: bytes) -> bytes:
    return bytes((0x30, len(content))) + content


def _minimal(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def _out_of_range() -> Iterator[tuple[str, bytes]]:
    extremes = {"0": 0, "n": N, "n+own": None, "2^256-1": (1 << 256) - 1, "-1": -1, "n-own, negative": None}
    for name, value in extremes.items():
        r = value if value is not None else (_R + N if name == "n+own" else _R - N)
        s = value if value is not None else (_S + N if name == "n+own" else _S - N)
        yield f"r = {name}", reference.der(r, _S)
        yield f"s = {name}", reference.der(_R, s)
        yield f"r = s = {name}", reference.der(r, s)
    yield "r + s = n", reference.der(_R, N - _R)


def _badly_encoded() -> Iterator[tuple[str, bytes]]:
    r, s = _minimal(_R), _minimal(_S)
    both = _integer(r) + _integer(s)
    yield "nothing", b""
    yield "raw r and s", reference.bytes32(_R) + reference.bytes32(_S)
    yield "r padded with a zero", _sequence(_integer(b"\x00" + r) + _integer(s))
    yield "s padded with a zero", _sequence(_integer(r) + _integer(b"\x00" + s))
    yield "r with an empty content", _sequence(_integer(b"") + _integer(s))
    yield "s without its sign octet", _sequence(_integer(r) + _integer(reference.bytes32(_S | 1 << 255)))
    yield "a byte behind", _RIGHT + b"\x00"
    yield "a byte behind s, inside", _sequence(both + b"\x00")
    yield "a third INTEGER", _sequence(both + _integer(b"\x01"))
    yield "r alone", _sequence(_integer(r))
    yield "length in long form", b"\x30\x81" + bytes((len(both),)) + both
    yield "indefinite length", b"\x30\x80" + both + b"\x00\x00"
    yield "INTEGER length in long form", _sequence(b"\x02\x81" + bytes((len(r),)) + r + _integer(s))
    yield "a SET", b"\x31" + _RIGHT[1:]
    yield "OCTET STRINGs", _sequence(b"\x04" + _integer(r)[1:] + _integer(s))
    yield "cut short", _RIGHT[:-1]
    yield "outer length too short", bytes((0x30, len(both) - 1)) + both
    yield "outer length too long", bytes((0x30, len(both) + 1)) + both
    yield "s reaches past the end", _sequence(_integer(r) + bytes((0x02, len(s) + 1)) + s)
    yield "an INTEGER of 100 bytes", _sequence(_integer(b"\x01" * 100) + _integer(s))


def _named(cases: Iterator[tuple[str, bytes]]) -> pytest.MarkDecorator:
    listed = list(cases)
    return pytest.mark.parametrize("signature", [case[1] for case in listed], ids=[case[0] for case in listed])


def test_the_right_one_is_accepted() -> None:
    """So that the refusals below have one cause each."""
    assert load_public_key(_SPKI).verify(SM2, _MESSAGE, _RIGHT).public_key == _SPKI


@_named(_out_of_range())
def test_r_and_s_out_of_range(signature: bytes) -> None:
    _assert_malformed(signature)


@_named(_badly_encoded())
def test_anything_but_der(signature: bytes) -> None:
    _assert_malformed(signature)


def _assert_malformed(signature: bytes) -> None:
    with pytest.raises(VerificationError) as caught:
        load_public_key(_SPKI).verify(SM2, _MESSAGE, signature)
    assert caught.value.reason is Reason.SIGNATURE_WRONG
    assert caught.value.finding_code == FindingCode.SIGNATURE_MALFORMED


@pytest.mark.parametrize("raw", [b"", bytes(63), bytes(64), bytes(65), reference.bytes32(_R) + bytes(32), b"\xff" * 64])
def test_a_token_result_out_of_range_is_not_encoded(raw: bytes) -> None:
    with pytest.raises(VerificationError):
        sm2.encode_signature(raw)


def test_wrong_id_message_key_and_digest() -> None:
    key = load_public_key(_SPKI)
    other = load_public_key(reference.spki(reference.multiply(_PRIVATE + 1, reference.G)))
    attempts: tuple[Callable[[], object], ...] = (
        lambda: key.verify(SM2, _MESSAGE, _RIGHT, sm2_id=b"wrong"),
        lambda: key.verify(SM2, _MESSAGE, _RIGHT, sm2_id=b""),
        lambda: key.verify(SM2, _MESSAGE + b".", _RIGHT),
        lambda: other.verify(SM2, _MESSAGE, _RIGHT),
        lambda: key.verify_digest(SM2, reference.bytes32(_E ^ 1), _RIGHT),
        # e without Z: a signature over the bare SM3 digest is another signature
        lambda: key.verify_digest(SM2, bytes.fromhex("66c7f0f462eeedd9" * 4), _RIGHT),
    )
    for attempt in attempts:
        with pytest.raises(VerificationError) as caught:
            attempt()
        assert caught.value.finding_code == FindingCode.SIGNATURE_WRONG


def test_a_public_key_is_one_of_the_signature() -> None:
    """Ids: the empty one is not the default one; the longest that ENTL can say is 8,191 bytes."""
    key = load_public_key(_SPKI)
    for identity in (b"", b"x", b"x" * sm2.MAX_ID_BYTES):
        e = reference.e_value(_PUBLIC, identity, _MESSAGE)
        assert key.digest_of(SM2, _MESSAGE, sm2_id=identity) == reference.bytes32(e)
        key.verify(SM2, _MESSAGE, reference.der(*reference.sign(_PRIVATE, e, _K)), sm2_id=identity)
    with pytest.raises(RequestError) as caught:
        key.digest_of(SM2, _MESSAGE, sm2_id=b"x" * (sm2.MAX_ID_BYTES + 1))
    assert caught.value.reason is Reason.SM2_ID_INVALID


def _bad_keys() -> Iterator[tuple[str, bytes]]:
    assert _PUBLIC is not None
    x, y = (reference.bytes32(value) for value in _PUBLIC)
    prefix = _SPKI[:-64]
    start = prefix[:-4]  # up to the BIT STRING
    yield "y changed", prefix + x + reference.bytes32(_PUBLIC[1] ^ 1)
    yield "x and y exchanged", prefix + y + x
    yield "zero", prefix + bytes(64)
    yield "x not reduced", prefix + reference.bytes32(P) + bytes(32)
    at_zero = reference.point_with_x(0)
    assert at_zero is not None
    yield "x = p for x = 0", prefix + reference.bytes32(P) + reference.bytes32(at_zero[1])
    yield "a byte behind", _SPKI + b"\x00"
    yield "cut short", _SPKI[:-1]
    yield "the point at infinity", b"\x30\x17" + start[2:] + b"\x03\x02\x00\x00"
    yield "compressed", b"\x30\x39" + start[2:] + b"\x03\x22\x00" + bytes((2 + _PUBLIC[1] % 2,)) + x
    yield "hybrid", start + b"\x03\x42\x00" + bytes((6 + _PUBLIC[1] % 2,)) + x + y
    yield "unused bits", start + b"\x03\x42\x01\x04" + x + y
    yield "the point alone", b"\x04" + x + y
    yield (
        "another curve's name",
        _SPKI.replace(bytes.fromhex("06082a811ccf5501822d"), bytes.fromhex("06082a811ccf5501822e")),
    )
    yield "length in long form", b"\x30\x81" + _SPKI[1:]
    yield "nothing", b""
    yield "one byte", b"\x30"
    yield "garbage", b"\x30\x59" + bytes(89)


@_named(_bad_keys())
def test_public_keys_that_are_none(signature: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        load_public_key(signature)
    assert caught.value.reason is Reason.PUBLIC_KEY_MALFORMED
