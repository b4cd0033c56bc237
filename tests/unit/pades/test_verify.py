"""The judgement of files of our own shape: what makes it PASSED, and that no changed byte anywhere leaves it so."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from signer.algorithms import SignatureAlgorithm, digest_name, sm3
from signer.certificates import Certificate, TrustStore
from signer.cms.signed_data import Identifiers, SignedDataBuilder
from signer.findings import FindingCode
from signer.pades.embed import prepare
from signer.pades.evidence import SignatureEvidence, Verdict
from signer.pades.shape import ShapeMismatch, check_shape
from signer.pades.verify import SealVerifier
from tests.fuzz.rendered_documents import rendered
from tests.fuzz.sealed_documents import RSA, SIGNED_AT, SM2, Pki, new_pki, own_pki, sealed

_NOW = datetime.now(UTC)
BOTH = pytest.mark.parametrize("algorithm", [SM2, RSA], ids=["sm2", "rsa"])


def _verify(data: bytes, trust: TrustStore, at: datetime = _NOW) -> SignatureEvidence:
    return SealVerifier(trust).verify(data, check_shape(data).signatures[0], at)


def _codes(evidence: SignatureEvidence) -> set[FindingCode]:
    return {item.code for item in evidence.findings}


@BOTH
def test_an_own_document_passes(algorithm: SignatureAlgorithm) -> None:
    pki, data = own_pki(algorithm), sealed(algorithm)
    evidence = _verify(data, pki.trust)
    assert evidence.verdict is Verdict.PASSED
    assert evidence.mathematics_right
    assert evidence.trusted
    assert evidence.pades_b
    assert evidence.covers_whole_file
    assert evidence.algorithm is algorithm
    assert evidence.certificate == pki.certificate
    assert evidence.signer == "CN=Example Insurance Seal,C=CN"
    assert evidence.signed_at == SIGNED_AT
    assert _codes(evidence) == {FindingCode.REVOCATION_NOT_CHECKED}
    start, end, length = evidence.covered or (0, 0, 0)
    assert length == len(data)
    assert evidence.signed_sm3 == sm3.digest(data[:start] + data[end:])


@BOTH
def test_under_other_anchors_it_is_whole_but_nobody_vouches(algorithm: SignatureAlgorithm) -> None:
    evidence = _verify(sealed(algorithm), new_pki(algorithm, "Somebody Else").trust)
    assert evidence.verdict is Verdict.INDETERMINATE
    assert evidence.mathematics_right
    assert not evidence.trusted
    assert FindingCode.CERTIFICATE_PATH_NOT_FOUND in _codes(evidence)


def test_the_path_is_judged_at_the_time_that_is_asked_for() -> None:
    pki = own_pki(RSA)
    for at, code in (
        (_NOW + timedelta(days=400), FindingCode.CERTIFICATE_EXPIRED),
        (_NOW - timedelta(days=400), FindingCode.CERTIFICATE_NOT_YET_VALID),
    ):
        evidence = _verify(sealed(RSA), pki.trust, at)
        assert not evidence.trusted
        assert evidence.mathematics_right
        assert code in _codes(evidence)


@BOTH
def test_no_single_changed_byte_leaves_it_passed(algorithm: SignatureAlgorithm) -> None:
    """Every byte of the CMS and of the update beside it; samples of the document and the padding."""
    pki, data = own_pki(algorithm), sealed(algorithm)
    original_length = check_shape(data).original_length
    (shape,) = check_shape(data).signatures
    verifier = SealVerifier(pki.trust)
    chance = random.Random(42)
    cms_end = shape.gap_start + 1 + 2 * len(shape.content)
    positions = {
        *range(shape.gap_start - 2, cms_end + 10),
        *chance.sample(range(cms_end, shape.gap_end), 100),
        *chance.sample(range(original_length), 200),
        *chance.sample(range(original_length, shape.gap_start), 100),
        *range(shape.gap_end - 5, len(data), 3),
    }
    for position in positions:
        # Another digit within the CMS: most other bytes would never reach the mathematics.
        values = b"0123456789abcdef" if shape.gap_start < position < cms_end else bytes(range(256))
        value = chance.choice([value for value in values if value != data[position]])
        _expect_refusal(verifier, data, position, value)


@pytest.mark.soak
@BOTH
def test_no_single_changed_byte_anywhere_leaves_it_passed(algorithm: SignatureAlgorithm) -> None:
    data, verifier = sealed(algorithm), SealVerifier(own_pki(algorithm).trust)
    chance = random.Random(43)
    for position, old in enumerate(data):
        for value in {chance.randrange(256), ord("0"), old ^ 0x20} - {old}:
            _expect_refusal(verifier, data, position, value)


def _expect_refusal(verifier: SealVerifier, data: bytes, position: int, value: int) -> None:
    changed = data[:position] + bytes([value]) + data[position + 1 :]
    try:
        evidence = verifier.verify(changed, check_shape(changed).signatures[0], _NOW)
    except ShapeMismatch:
        return
    assert evidence.verdict is not Verdict.PASSED, position
    assert not evidence.mathematics_right, position
    assert not evidence.trusted, position


def test_the_content_of_another_document_is_told() -> None:
    data = sealed(SM2)
    other = bytearray(data)
    other[100:101] = b"x" if data[100:101] != b"x" else b"y"
    assert _codes(_verify(bytes(other), own_pki(SM2).trust)) == {FindingCode.CONTENT_MODIFIED}


def test_certificates_that_the_path_does_not_need_are_junk() -> None:
    pki = own_pki(RSA)
    stranger = new_pki(RSA, "Stranger")
    data = _sealed_with(pki, (*pki.chain, stranger.certificate))
    evidence = _verify(data, pki.trust)
    assert evidence.verdict is Verdict.FAILED
    assert not evidence.mathematics_right
    assert FindingCode.JUNK_IN_SIGNATURE in _codes(evidence)


def test_a_cms_that_says_the_same_in_another_way_is_refused() -> None:
    pki = own_pki(RSA)
    prepared = prepare(rendered(), signer_name="x", signed_at=SIGNED_AT)
    digest = prepared.digest(digest_name(RSA))
    with_time = _builder(pki, pki.chain).build(digest, pki.key.sign, content=None, signing_time=SIGNED_AT)
    gbt = SignedDataBuilder.for_certificate(pki.certificate, pki.chain, RSA, identifiers=Identifiers.GBT_35275)
    for cms in (with_time, gbt.build(digest, pki.key.sign, content=None)):
        evidence = _verify(prepared.fill(cms), pki.trust)
        assert evidence.verdict is Verdict.FAILED
        assert not evidence.mathematics_right
        assert _codes(evidence) == {FindingCode.JUNK_IN_SIGNATURE}


@pytest.mark.parametrize("cms", [b"\x30\x00", b"\x30\x03\x02\x01\x07", b"\x30\x82\x01\x00" + bytes(256)])
def test_what_is_no_cms_is_malformed(cms: bytes) -> None:
    data = prepare(rendered(), signer_name="x", signed_at=SIGNED_AT).fill(cms)
    evidence = _verify(data, own_pki(RSA).trust)
    assert evidence.verdict is Verdict.FAILED
    assert _codes(evidence) == {FindingCode.SIGNATURE_MALFORMED}


def test_another_key_than_the_certificate_names_is_wrong() -> None:
    pki, other = own_pki(SM2), new_pki(SM2)
    prepared = prepare(rendered(), signer_name="x", signed_at=SIGNED_AT)
    cms = _builder(pki, pki.chain).build(prepared.digest("sm3"), other.key.sign, content=None)
    evidence = _verify(prepared.fill(cms), TrustStore((Certificate.load(pki.root),)))
    assert evidence.verdict is Verdict.FAILED
    assert _codes(evidence) == {FindingCode.SIGNATURE_WRONG}


def _builder(pki: Pki, chain: tuple[bytes, ...]) -> SignedDataBuilder:
    return SignedDataBuilder.for_certificate(pki.certificate, chain, pki.algorithm, identifiers=Identifiers.RFC_5652)


def _sealed_with(pki: Pki, chain: tuple[bytes, ...]) -> bytes:
    prepared = prepare(rendered(), signer_name="x", signed_at=SIGNED_AT)
    digest = prepared.digest(digest_name(pki.algorithm))
    return prepared.fill(_builder(pki, chain).build(digest, pki.key.sign, content=None))
