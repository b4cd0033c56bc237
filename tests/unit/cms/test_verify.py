"""Verification of CMS, rule by rule: what is accepted, what is refused, and how each refusal is told."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from signer.algorithms import SignatureAlgorithm as Algorithm
from signer.algorithms import content_digest
from signer.certificates import Certificate
from signer.cms import object_identifiers as oid
from signer.cms.der import NULL, SEQUENCE, SET, encode, integer, object_identifier
from signer.cms.signed_data import Identifiers
from signer.cms.verify import MAX_CMS_BYTES, verify_signed_data
from signer.errors import Reason, RequestError, VerificationError
from signer.findings import FindingCode
from tests.conformance.message_signers import ALGORITHMS, signer
from tests.conformance.path_cases import NOW, leaf, root
from tests.unit.cms.composed_messages import CONTENT, Message, attribute, octets

SM2, RSA = Algorithm.SM2_SM3, Algorithm.RSA_PKCS1_SHA256
BOTH = pytest.mark.parametrize("algorithm", [SM2, RSA], ids=["sm2", "rsa"])
_ID_DATA = "1.2.840.113549.1.7.1"


def _refused(message: Message | bytes, **given: bytes) -> str:
    with pytest.raises(VerificationError) as caught:
        verify_signed_data(message if isinstance(message, bytes) else message.encoded(), **given)
    return caught.value.finding_code


def _malformed(message: Message | bytes) -> str:
    with pytest.raises(RequestError) as caught:
        verify_signed_data(message if isinstance(message, bytes) else message.encoded())
    assert caught.value.reason is Reason.CMS_MALFORMED
    return caught.value.message


# ---- what is accepted


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=[item.name for item in ALGORITHMS])
@pytest.mark.parametrize("identifiers", Identifiers)
def test_our_own_messages(algorithm: Algorithm, identifiers: Identifiers) -> None:
    who = signer(algorithm)
    attached = verify_signed_data(who.cms(CONTENT, identifiers=identifiers))
    assert attached.content == CONTENT
    assert attached.algorithm is algorithm
    assert attached.signer_certificate == who.certificate
    assert set(attached.certificates) == {who.certificate, who.root}
    assert attached.names_its_certificate
    assert attached.signing_time is None
    gbt = identifiers is Identifiers.GBT_35275
    assert attached.uses_gbt_identifiers is gbt
    assert attached.content_type == ("1.2.156.10197.6.1.4.2.1" if gbt else _ID_DATA)
    detached = who.cms(CONTENT, attached=False, identifiers=identifiers)
    assert verify_signed_data(detached, detached_content=CONTENT).content is None
    verify_signed_data(detached, detached_digest=content_digest(algorithm, CONTENT))


@BOTH
def test_composed_messages_are_right_until_something_is_changed(algorithm: Algorithm) -> None:
    """So that every refusal below has one cause."""
    evidence = verify_signed_data(Message(algorithm).encoded())
    assert evidence.content == CONTENT
    assert not evidence.names_its_certificate


@BOTH
def test_without_signed_attributes(algorithm: Algorithm) -> None:
    message = Message(algorithm, without_attributes=True)
    assert not verify_signed_data(message.encoded()).names_its_certificate
    message.content = None
    verify_signed_data(message.encoded(), detached_content=CONTENT)
    assert _refused(message, detached_content=CONTENT + b".") == FindingCode.SIGNATURE_WRONG


def test_without_signed_attributes_a_digest_is_enough_for_rsa_and_never_for_sm2() -> None:
    for algorithm in (RSA, SM2):
        message = Message(algorithm, without_attributes=True, content=None)
        digest = content_digest(algorithm, CONTENT)
        if algorithm is RSA:
            verify_signed_data(message.encoded(), detached_digest=digest)
        else:
            assert _refused(message, detached_digest=digest) == FindingCode.SIGNATURE_UNSUPPORTED


@pytest.mark.parametrize("signature", oid.SM2_SIGNATURES)
@pytest.mark.parametrize("parameters", [b"", NULL])
@pytest.mark.parametrize("without_attributes", [True, False])
def test_sm2_as_vendors_write_it(signature: bytes, parameters: bytes, without_attributes: bool) -> None:
    message = Message(
        SM2,
        signed_data_type=oid.GBT_SIGNED_DATA,
        content_type=oid.GBT_DATA,
        signature_algorithm=encode(SEQUENCE, signature, parameters),
        digest=encode(SEQUENCE, oid.DIGESTS["sm3"], parameters),
        without_attributes=without_attributes,
    )
    assert verify_signed_data(message.encoded()).uses_gbt_identifiers


def test_rsa_named_by_its_key_alone() -> None:
    """RFC 3370 clause 3.2: rsaEncryption, the digest named beside it."""
    verify_signed_data(Message(RSA, signature_algorithm=encode(SEQUENCE, oid.RSA_ENCRYPTION, NULL)).encoded())


def test_a_signer_named_by_key_identifier() -> None:
    identifier = Certificate.load(signer(SM2).certificate).key_identifier
    message = Message(SM2, signer_id=encode(0x80, identifier), version=3, signer_version=3)
    verify_signed_data(message.encoded())
    message.signer_id = encode(0x80, identifier[:-1])
    assert "not inside" in _malformed(message)
    without_one = root().issue(leaf()).certificate
    assert Certificate.load(without_one).key_identifier == b""
    message.signer_id, message.certificates = encode(0x80, b""), [without_one]
    assert "not inside" in _malformed(message)


def test_what_nobody_signed_is_passed_over() -> None:
    """Unsigned attributes and revocation lists prove nothing and harm nothing."""
    stamp = encode(0xA1, attribute(object_identifier("1.2.3"), NULL))
    verify_signed_data(Message(behind_signer=stamp, crls=encode(0xA1, encode(SEQUENCE, NULL))).encoded())


def test_certificates_that_can_not_be_read_are_nobodys() -> None:
    right = signer(SM2).certificate
    evidence = verify_signed_data(Message(certificates=[encode(SEQUENCE, NULL), right]).encoded())
    assert evidence.signer_certificate == right


def test_the_signing_time_is_told_and_nothing_more() -> None:
    who = signer(SM2)
    for moment in (NOW, datetime(1999, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)):
        digest = content_digest(SM2, CONTENT)
        cms = who.builder().build(digest, who.sign, content=CONTENT, signing_time=moment)
        assert verify_signed_data(cms).signing_time == moment
    for odd in (
        NULL,
        encode(0x17, b"garbage"),
        encode(0x17, b"2601020304Z"),
        encode(0x18, b"20260102030405+0800"),
        encode(0x18, b"2026 1 2030405Z"),
    ):
        message = Message(SM2, extra=[attribute(oid.SIGNING_TIME, odd)])
        assert verify_signed_data(message.encoded()).signing_time is None


# ---- inputs that make no sense


def test_content_is_given_once() -> None:
    attached, detached = Message().encoded(), Message(content=None).encoded()
    for given in ({"detached_content": CONTENT}, {"detached_digest": bytes(32)}, {"detached_content": b""}):
        with pytest.raises(RequestError) as caught:
            verify_signed_data(attached, **given)
        assert caught.value.reason is Reason.INPUT_AMBIGUOUS
    with pytest.raises(RequestError) as caught:
        verify_signed_data(detached)
    assert caught.value.reason is Reason.INPUT_MISSING


# ---- signatures that are wrong


@BOTH
def test_another_content_signature_or_key(algorithm: Algorithm) -> None:
    assert _refused(Message(algorithm, content=CONTENT + b".")) == FindingCode.CONTENT_MODIFIED
    detached = Message(algorithm, content=None)
    assert _refused(detached, detached_content=b"") == FindingCode.CONTENT_MODIFIED
    assert _refused(detached, detached_digest=bytes(32)) == FindingCode.CONTENT_MODIFIED
    assert _refused(detached, detached_digest=b"") == FindingCode.CONTENT_MODIFIED
    other = signer(algorithm).sign(b"something else")
    assert _refused(Message(algorithm, signature=other)) == FindingCode.SIGNATURE_WRONG
    assert _refused(Message(algorithm, signature=b"")) == FindingCode.SIGNATURE_MALFORMED
    assert _refused(Message(algorithm, signature=b"garbage")) == FindingCode.SIGNATURE_MALFORMED


def test_signed_attributes_must_say_what_they_are_for() -> None:
    content_type, digest = Message().usual_attributes()
    assert _refused(Message(attributes=[content_type])) == FindingCode.SIGNATURE_MALFORMED
    assert _refused(Message(attributes=[digest])) == FindingCode.SIGNATURE_MALFORMED
    as_integer = attribute(oid.MESSAGE_DIGEST, integer(5))
    assert _refused(Message(attributes=[content_type, as_integer])) == FindingCode.SIGNATURE_MALFORMED
    another_type = attribute(oid.CONTENT_TYPE, oid.GBT_DATA)
    assert _refused(Message(attributes=[another_type, digest])) == FindingCode.CONTENT_MODIFIED


def test_typed_content_needs_signed_attributes() -> None:
    """RFC 5652 clause 5.3; a time-stamp's content type stands for any."""
    tst = object_identifier("1.2.840.113549.1.9.16.1.4")
    assert verify_signed_data(Message(content_type=tst).encoded()).content_type == "1.2.840.113549.1.9.16.1.4"
    assert _refused(Message(content_type=tst, without_attributes=True)) == FindingCode.SIGNATURE_MALFORMED


@BOTH
def test_somebodys_signed_attributes_do_not_become_content(algorithm: Algorithm) -> None:
    """The attributes of an honest message, presented as the content of another one without attributes."""
    honest = Message(algorithm)
    attributes = encode(SET, *sorted(honest.usual_attributes()))
    forged = Message(
        algorithm,
        content=attributes,
        without_attributes=True,
        signature=signer(algorithm).sign(attributes),
    )
    assert _refused(forged) == FindingCode.SIGNATURE_UNSUPPORTED
    forged.content = None
    assert _refused(forged, detached_content=attributes) == FindingCode.SIGNATURE_UNSUPPORTED


def test_digest_and_signature_algorithm_go_together() -> None:
    sha256, sm3 = (oid.digest_algorithm(name) for name in ("sha256", "sm3"))
    sha1 = encode(SEQUENCE, object_identifier("1.3.14.3.2.26"))
    rsa_with = {name: encode(SEQUENCE, value, NULL) for name, value in oid.RSA_WITH.items()}
    for message in (
        Message(SM2, digest=sha256),
        Message(SM2, digest=sha1),
        Message(RSA, digest=sm3),
        Message(RSA, digest=sha1),
        Message(RSA, signature_algorithm=rsa_with["sha384"]),
        Message(SM2, signature_algorithm=encode(SEQUENCE, object_identifier("1.2.840.10045.4.3.2"))),
        Message(SM2, signature_algorithm=encode(SEQUENCE, oid.SM2_SIGNATURES[0], integer(1))),
        Message(RSA, signature_algorithm=encode(SEQUENCE, oid.RSASSA_PSS)),
        Message(RSA, signature_algorithm=encode(SEQUENCE, oid.RSASSA_PSS, NULL)),
        Message(RSA, signature_algorithm=encode(SEQUENCE, oid.RSASSA_PSS, oid.pss_parameters("sha384"))),
    ):
        assert _refused(message) == FindingCode.SIGNATURE_UNSUPPORTED


def test_pss_parameters_are_the_contracts() -> None:
    """Both ways to write "no parameters" beside the hash (RFC 4055 clause 2.1); any other salt or mask is refused."""
    pss = Algorithm.RSA_PSS_SHA256
    usual = oid.pss_parameters("sha256")
    without_null = oid.pss_parameters("sha256", hash_null=False)
    for parameters in (usual, without_null):
        verify_signed_data(Message(pss, signature_algorithm=encode(SEQUENCE, oid.RSASSA_PSS, parameters)).encoded())
    salt_20 = usual[:-1] + b"\x14"
    assert _refused(Message(pss, signature_algorithm=encode(SEQUENCE, oid.RSASSA_PSS, salt_20))) == (
        FindingCode.SIGNATURE_UNSUPPORTED
    )


def test_the_key_must_do_the_algorithm() -> None:
    """An RSA certificate beside an SM2 signature, a P-256 certificate beside either."""
    stranger = root().issue(leaf()).certificate
    for certificate in (signer(RSA).certificate, stranger):
        facts = Certificate.load(certificate)
        named = encode(SEQUENCE, facts.issuer, integer(facts.serial))
        message = Message(SM2, certificates=[certificate], signer_id=named)
        assert _refused(message) == FindingCode.SIGNATURE_UNSUPPORTED


# ---- the signing-certificate attribute


def _ess_v2(certificate: bytes, name: str | None) -> bytes:
    digest = octets(hashlib.new(name or "sha256", certificate).digest())
    return encode(SEQUENCE, encode(SEQUENCE, encode(SEQUENCE, oid.digest_algorithm(name) if name else b"", digest)))


def _ess_v1(certificate: bytes) -> bytes:
    return encode(SEQUENCE, encode(SEQUENCE, encode(SEQUENCE, octets(hashlib.sha1(certificate).digest()))))


def test_the_signing_certificate_attribute_names_the_certificate() -> None:
    own, other = signer(SM2).certificate, signer(RSA).certificate
    for name in (None, "sha256", "sha384", "sha512", "sm3"):
        right = Message(extra=[attribute(oid.SIGNING_CERTIFICATE_V2, _ess_v2(own, name))])
        assert verify_signed_data(right.encoded()).names_its_certificate
        wrong = Message(extra=[attribute(oid.SIGNING_CERTIFICATE_V2, _ess_v2(other, name))])
        assert _refused(wrong) == FindingCode.SIGNATURE_WRONG
    first = attribute(oid.SIGNING_CERTIFICATE, _ess_v1(own))
    assert verify_signed_data(Message(extra=[first]).encoded()).names_its_certificate
    assert _refused(Message(extra=[attribute(oid.SIGNING_CERTIFICATE, _ess_v1(other))])) == FindingCode.SIGNATURE_WRONG
    both = [first, attribute(oid.SIGNING_CERTIFICATE_V2, _ess_v2(other, None))]
    assert _refused(Message(extra=both)) == FindingCode.SIGNATURE_WRONG


@pytest.mark.parametrize(
    "value",
    [
        NULL,
        encode(SEQUENCE),
        encode(SEQUENCE, encode(SEQUENCE)),
        encode(SEQUENCE, encode(SEQUENCE, encode(SEQUENCE))),
        encode(SEQUENCE, encode(SEQUENCE, encode(SEQUENCE, integer(1)))),
        encode(SEQUENCE, encode(SEQUENCE, encode(SEQUENCE, encode(SEQUENCE)))),
        encode(SEQUENCE, encode(SEQUENCE, encode(SEQUENCE, encode(SEQUENCE, object_identifier("1.2.3")), octets(b"")))),
    ],
)
def test_a_signing_certificate_attribute_that_says_nothing_is_wrong(value: bytes) -> None:
    for identifier in (oid.SIGNING_CERTIFICATE, oid.SIGNING_CERTIFICATE_V2):
        assert _refused(Message(extra=[attribute(identifier, value)])) == FindingCode.SIGNATURE_WRONG


# ---- structures that are none


def test_one_signer_no_more_no_less() -> None:
    assert "elements where 1 belong" in _malformed(Message(signers=0))
    assert "elements where 1 belong" in _malformed(Message(signers=2))


def test_attributes_stand_once_with_one_value() -> None:
    content_type, digest = Message().usual_attributes()
    assert "twice" in _malformed(Message(extra=[content_type]))
    _malformed(Message(attributes=[content_type, attribute(oid.MESSAGE_DIGEST, octets(b"1"), octets(b"2"))]))
    _malformed(Message(attributes=[content_type, digest, attribute(object_identifier("1.2.3"))]))
    _malformed(Message(attributes=[content_type, digest, NULL]))


def test_the_signers_certificate_must_be_inside() -> None:
    assert "not inside" in _malformed(Message(certificates=[]))
    assert "not inside" in _malformed(Message(certificates=[signer(RSA).certificate]))
    own, other = (Certificate.load(signer(algorithm).certificate) for algorithm in (SM2, RSA))
    for issuer, serial in ((own.subject, own.serial), (own.issuer, own.serial + 1), (own.issuer, other.serial)):
        assert "not inside" in _malformed(Message(signer_id=encode(SEQUENCE, issuer, integer(serial))))
    _malformed(Message(signer_id=encode(SEQUENCE, NULL)))
    _malformed(Message(signer_id=NULL))


@pytest.mark.parametrize("version", [0, 6, 1 << 40])
def test_versions_that_nobody_knows(version: int) -> None:
    _malformed(Message(version=version))
    _malformed(Message(signer_version=version))


def test_parts_that_do_not_belong() -> None:
    _malformed(Message(crls=NULL))
    _malformed(Message(behind_signer=NULL))
    _malformed(Message(digest=encode(SEQUENCE, oid.DIGESTS["sm3"], integer(1))))
    _malformed(Message(digest=encode(SEQUENCE)))
    _malformed(Message(signature_algorithm=encode(SEQUENCE, oid.SM2_SIGNATURES[0], NULL, NULL)))
    _malformed(Message(content_type=integer(1)))
    _malformed(Message(signed_data_type=oid.RFC_DATA))


def test_anything_but_der() -> None:
    right = Message().encoded()
    assert right[:2] == b"\x30\x82"
    body = right[4:]
    for changed in (
        b"",
        b"\x30",
        right[:-1],
        right + b"\x00",
        b"\x30\x80" + body + b"\x00\x00",
        b"\x30\x83\x00" + right[2:],
        b"\x31" + right[1:],
        b"\x30\x85\x00\x00\x00" + right[2:],
        b"\x1f\x82" + right[2:],
        b"-----BEGIN CMS-----",
    ):
        _malformed(changed)


def test_nesting_and_crowds_cost_nothing() -> None:
    deep = b""
    for _ in range(5_000):
        deep = encode(SEQUENCE, deep)
    _malformed(deep)
    assert "too many" in _malformed(encode(SEQUENCE, *[NULL] * 100_000))
    assert "too many" in _malformed(Message(certificates=[encode(SEQUENCE)] * 300))


def test_size_has_a_limit() -> None:
    assert "33 MiB" in _malformed(bytes(MAX_CMS_BYTES + 1))
