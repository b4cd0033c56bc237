"""The CMS that we build: its bytes are DER, in the order that DER wants, the same each time but for what was signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from asn1crypto import cms as asn1_cms

from signer.algorithms import SignatureAlgorithm as Algorithm
from signer.algorithms import content_digest
from signer.certificates import Certificate
from signer.cms import object_identifiers as oid
from signer.cms.der import Element, read
from signer.cms.signed_data import Identifiers, SignedDataBuilder
from signer.cms.signer_info import read_signed_data
from signer.errors import Reason, RequestError
from tests.conformance.message_signers import ALGORITHMS, signer
from tests.conformance.path_cases import NOW

EVERY = pytest.mark.parametrize("algorithm", ALGORITHMS, ids=[item.name for item in ALGORITHMS])
CONTENT = b"content"


def _assert_der(element: Element) -> None:
    """Every constructed element is DER inside; every SET OF stands in DER order (X.690 clause 11.6)."""
    if element.tag & 0x20:
        children = element.children()
        if element.tag == 0x31 or (element.tag == 0xA0 and len(children) > 1):
            assert [child.whole for child in children] == sorted(child.whole for child in children)
        for child in children:
            _assert_der(child)


@EVERY
@pytest.mark.parametrize("identifiers", Identifiers)
@pytest.mark.parametrize("signing_time", [None, NOW])
def test_every_set_is_in_der_order(
    algorithm: Algorithm, identifiers: Identifiers, signing_time: datetime | None
) -> None:
    who = signer(algorithm)
    digest = content_digest(algorithm, CONTENT)
    cms = who.builder(identifiers).build(digest, who.sign, content=CONTENT, signing_time=signing_time)
    signed = read(cms).children()[1].children()[0]
    info = signed.children()[-1].children()[0]
    for element in (signed.children()[1], signed.children()[3], signed.children()[-1], info.children()[3]):
        _assert_der(element)
    attributes = read_signed_data(cms).signer.attributes
    assert attributes is not None
    names = {oid.CONTENT_TYPE, oid.MESSAGE_DIGEST, oid.SIGNING_CERTIFICATE_V2}
    assert set(attributes) == (names if signing_time is None else {*names, oid.SIGNING_TIME})


@EVERY
def test_what_is_signed_is_the_set_of_attributes(algorithm: Algorithm) -> None:
    seen: list[bytes] = []

    def sign(message: bytes) -> bytes:
        seen.append(message)
        return b"signature"

    cms = signer(algorithm).builder().build(content_digest(algorithm, CONTENT), sign, content=None)
    info = read_signed_data(cms).signer
    assert seen == [info.signed_attributes]
    assert seen[0][0] == 0x31
    assert info.signature == b"signature"


def test_the_same_input_gives_the_same_bytes() -> None:
    who = signer(Algorithm.RSA_PKCS1_SHA256)
    assert who.cms(CONTENT) == who.cms(CONTENT)
    assert who.cms(CONTENT) != who.cms(CONTENT + b".")


def test_a_document_s_cms_has_no_signing_time() -> None:
    """ETSI EN 319 142-1 clause 6.3: the time stands in the signature dictionary's M, not in the CMS."""
    cms = signer(Algorithm.SM2_SM3).cms(CONTENT, attached=False)
    assert oid.SIGNING_TIME not in cms


def test_versions_and_signer_identifier() -> None:
    """RFC 5652 clauses 5.1 and 5.3: data, certificates of X.509 alone and issuerAndSerialNumber make version 1 of both."""
    who = signer(Algorithm.RSA_PKCS1_SHA256)
    parsed = asn1_cms.ContentInfo.load(who.cms(CONTENT), strict=True)["content"]
    assert parsed["version"].native == "v1"
    assert parsed["signer_infos"][0]["version"].native == "v1"
    serial = parsed["signer_infos"][0]["sid"].chosen["serial_number"].native
    assert serial == Certificate.load(who.certificate).serial
    assert {item.chosen.dump() for item in parsed["certificates"]} == {who.certificate, who.root}


def test_the_chain_is_left_out_where_it_is_not_wanted() -> None:
    who = signer(Algorithm.SM2_SM3)
    digest = content_digest(Algorithm.SM2_SM3, CONTENT)
    cms = who.builder(chain=False).build(digest, who.sign, content=None)
    assert read_signed_data(cms).certificates == (who.certificate,)


@pytest.mark.parametrize("offset", [0, 8, -5])
def test_signing_times_are_utc(offset: int) -> None:
    """RFC 5652 clause 11.3: UTCTime through 2049, GeneralizedTime from 2050, always Z."""
    who = signer(Algorithm.SM2_SM3)
    zone = timezone(timedelta(hours=offset))
    for moment, encoded in (
        (datetime(2049, 12, 31, 12, 0, 1, 999, UTC), b"\x17\x0d491231120001Z"),
        (datetime(2050, 1, 1, 12, tzinfo=UTC), b"\x18\x0f20500101120000Z"),
    ):
        cms = who.builder().build(bytes(32), who.sign, content=None, signing_time=moment.astimezone(zone))
        attributes = read_signed_data(cms).signer.attributes
        assert attributes is not None
        assert attributes[oid.SIGNING_TIME].whole == encoded


def test_algorithm_identifiers() -> None:
    """RFC 5754 (digests without parameters), RFC 4055 (NULL beside RSA; PSS with its own), GB/T 33560 (SM2 without)."""
    assert oid.signature_algorithm(Algorithm.SM2_SM3).hex() == "300a06082a811ccf55018375"
    assert oid.signature_algorithm(Algorithm.RSA_PKCS1_SHA256).hex() == "300d06092a864886f70d01010b0500"
    assert oid.digest_algorithm("sha256").hex() == "300b0609608648016503040201"
    parsed = asn1_cms.SignedDigestAlgorithm.load(oid.signature_algorithm(Algorithm.RSA_PSS_SHA384), strict=True)
    parameters = parsed["parameters"].native
    assert parsed["algorithm"].native == "rsassa_pss"
    assert parameters["hash_algorithm"]["algorithm"] == "sha384"
    assert parameters["mask_gen_algorithm"]["parameters"]["algorithm"] == "sha384"
    assert (parameters["salt_length"], parameters["trailer_field"]) == (48, "trailer_field_bc")


def test_what_is_no_certificate_makes_no_builder() -> None:
    with pytest.raises(RequestError) as caught:
        SignedDataBuilder.for_certificate(b"garbage", (), Algorithm.SM2_SM3, identifiers=Identifiers.RFC_5652)
    assert caught.value.reason is Reason.CERTIFICATE_MALFORMED


def test_what_the_signing_callable_raises_comes_through() -> None:
    def lost(message: bytes) -> bytes:
        raise TimeoutError("the token is gone")

    with pytest.raises(TimeoutError):
        signer(Algorithm.SM2_SM3).builder().build(bytes(32), lost, content=None)
