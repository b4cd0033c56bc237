"""The signature example of GB/T 32918.5-2017: the numbers hold together, and the product agrees with each of them."""

from __future__ import annotations

import json
from pathlib import Path

import gmssl_pyx
import pytest

from signer.algorithms import SignatureAlgorithm, load_public_key, message_digest, sm2, sm3
from signer.errors import VerificationError
from signer.findings import FindingCode
from tests.conformance import sm2_reference as reference

_TEXT = json.loads(Path("tests/vectors/sm2_gbt32918/example.json").read_text())
MESSAGE, IDENTITY = _TEXT["message"].encode(), _TEXT["identity"].encode()
NUMBERS = {name: int(_TEXT[name], 16) for name in _TEXT if name not in {"message", "identity"}}
PUBLIC = (NUMBERS["public_x"], NUMBERS["public_y"])
SPKI = reference.spki(PUBLIC)
RAW = reference.bytes32(NUMBERS["r"]) + reference.bytes32(NUMBERS["s"])
SM2 = SignatureAlgorithm.SM2_SM3


def test_the_numbers_hold_together() -> None:
    """So that a mistyped vector can't hide a fault: every number follows from the private key, k, ID and message."""
    assert reference.multiply(NUMBERS["private_key"], reference.G) == PUBLIC
    assert int.from_bytes(reference.z_value(PUBLIC, IDENTITY), "big") == NUMBERS["z"]
    assert reference.e_value(PUBLIC, IDENTITY, MESSAGE) == NUMBERS["e"]
    assert reference.sign(NUMBERS["private_key"], NUMBERS["e"], NUMBERS["k"]) == (NUMBERS["r"], NUMBERS["s"])
    assert reference.verifies(PUBLIC, NUMBERS["e"], NUMBERS["r"], NUMBERS["s"])


def test_the_product_computes_e() -> None:
    key = load_public_key(SPKI)
    assert message_digest(SM2, key, MESSAGE) == reference.bytes32(NUMBERS["e"])
    assert message_digest(SM2, key, MESSAGE, sm2_id=IDENTITY) == reference.bytes32(NUMBERS["e"])


def test_the_product_accepts_the_signature() -> None:
    key = load_public_key(SPKI)
    signature = sm2.encode_signature(RAW)
    assert signature == reference.der(NUMBERS["r"], NUMBERS["s"])
    assert sm2.decode_signature(signature) == RAW
    evidence = key.verify(SM2, MESSAGE, signature)
    assert evidence.algorithm is SM2
    assert evidence.public_key == SPKI
    key.verify_digest(SM2, reference.bytes32(NUMBERS["e"]), signature)


def test_the_other_library_accepts_the_signature() -> None:
    assert gmssl_pyx.sm2_verify(SPKI[-64:], MESSAGE, sm2.encode_signature(RAW), IDENTITY)


@pytest.mark.parametrize("identity", [b"1234567812345679", b"", b"ALICE123@YAHOO.COM"])
def test_under_another_id_it_is_wrong(identity: bytes) -> None:
    with pytest.raises(VerificationError) as caught:
        load_public_key(SPKI).verify(SM2, MESSAGE, sm2.encode_signature(RAW), sm2_id=identity)
    assert caught.value.finding_code == FindingCode.SIGNATURE_WRONG


def test_the_curve_is_the_standards() -> None:
    assert (sm2.P, sm2.A, sm2.B, sm2.N) == (reference.P, reference.A, reference.B, reference.N)
    assert (sm2.GX, sm2.GY) == reference.G
    assert reference.multiply(reference.N - 1, reference.G) == reference.negative(reference.G)


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        # GB/T 32905-2016, annex A: the two examples
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3_examples(message: bytes, digest: str) -> None:
    assert sm3.digest(message).hex() == digest
    assert sm3.digest(message[:2], memoryview(message)[2:]).hex() == digest
    assert bytes(gmssl_pyx.sm3_hash(message)).hex() == digest
