"""OCSP: read strictly, believed from the issuer or from whom it named for this, never from anybody else."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.x509 import ocsp

from signer.algorithms import SignatureAlgorithm
from signer.certificates import Certificate
from signer.certificates.ocsp import OcspResponse, build_request
from signer.errors import Reason, RequestError
from tests.fuzz.authorities import DAY, NOW, Authority
from tests.fuzz.sealed_documents import RSA, SM2

BOTH = pytest.mark.parametrize("algorithm", [SM2, RSA], ids=["sm2", "rsa"])


def _pair(authority: Authority) -> tuple[Certificate, Certificate]:
    return Certificate.load(authority.signer().certificate), Certificate.load(authority.certificate)


@BOTH
@pytest.mark.parametrize("hash_name", ["sha1", "sha256", "sm3"])
def test_the_issuer_is_believed(algorithm: SignatureAlgorithm, hash_name: str) -> None:
    authority = Authority.new(algorithm)
    leaf, root = _pair(authority)
    answer = OcspResponse.load(authority.ocsp(leaf.der, hash_name=hash_name)).find(leaf, root)
    assert answer is not None
    assert (answer.good, answer.revoked_at) == (True, None)
    assert (answer.this_update, answer.next_update) == (NOW - DAY, NOW + DAY)
    revoked = OcspResponse.load(authority.ocsp(leaf.der, revoked_at=NOW - 3 * DAY)).find(leaf, root)
    assert revoked is not None
    assert (revoked.good, revoked.revoked_at) == (False, NOW - 3 * DAY)
    unknown = OcspResponse.load(authority.ocsp(leaf.der, unknown=True)).find(leaf, root)
    assert unknown is not None
    assert (unknown.good, unknown.revoked_at) == (False, None)


@BOTH
def test_whom_the_issuer_named_is_believed(algorithm: SignatureAlgorithm) -> None:
    authority = Authority.new(algorithm)
    leaf, root = _pair(authority)
    response = OcspResponse.load(authority.ocsp(leaf.der, by=authority.responder()))
    assert response.find(leaf, root) is not None


@BOTH
def test_nobody_else_is_believed(algorithm: SignatureAlgorithm) -> None:
    authority, other = Authority.new(algorithm), Authority.new(algorithm)
    leaf, root = _pair(authority)
    for by in (authority.signer("not for this"), authority.timestamps(), other.responder()):
        assert OcspResponse.load(authority.ocsp(leaf.der, by=by)).find(leaf, root) is None
    stranger = Certificate.load(other.signer().certificate)
    assert OcspResponse.load(authority.ocsp(leaf.der)).find(stranger, root) is None
    assert OcspResponse.load(other.ocsp(leaf.der)).find(leaf, root) is None, "the same name is not the same authority"


def test_without_a_next_update_an_answer_is_good_for_minutes() -> None:
    authority = Authority.new(SM2)
    leaf, root = _pair(authority)
    answer = OcspResponse.load(authority.ocsp(leaf.der, next_update=None)).find(leaf, root)
    assert answer is not None
    assert answer.next_update - answer.this_update == timedelta(minutes=10)


def test_changed_responses_say_nothing() -> None:
    authority = Authority.new(RSA)
    leaf, root = _pair(authority)
    data = authority.ocsp(leaf.der)
    chance = random.Random(1)
    for _ in range(150):
        changed = bytearray(data)
        changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        try:
            answer = OcspResponse.load(bytes(changed)).find(leaf, root)
        except RequestError:
            continue
        assert answer is None


def test_what_is_no_response_is_refused() -> None:
    refused = bytes(asn1_ocsp.OCSPResponse({"response_status": "try_later"}).dump())
    for data in (b"", b"0", b"\0" * 100, refused, bytes(300_000)):
        with pytest.raises(RequestError) as caught:
            OcspResponse.load(data)
        assert caught.value.reason is Reason.INPUT_MALFORMED


def test_others_read_our_request() -> None:
    authority = Authority.new(RSA)
    leaf, root = _pair(authority)
    request = ocsp.load_der_ocsp_request(build_request(leaf, root))
    assert request.serial_number == leaf.serial
    asked = ocsp.OCSPRequestBuilder().add_certificate(
        x509.load_der_x509_certificate(leaf.der),
        x509.load_der_x509_certificate(root.der),
        request.hash_algorithm,
    )
    assert asked.build().issuer_key_hash == request.issuer_key_hash
    assert asked.build().issuer_name_hash == request.issuer_name_hash
