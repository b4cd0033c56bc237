"""Certificates that we make: what is in them, byte for byte where a standard says so, and who else can read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import gmssl_pyx
import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from signer.algorithms import SignatureAlgorithm, SignMessage
from signer.certificates import Certificate
from signer.certificates.issue import CertificateFacts, CertificateKind, Issuer, issue_certificate
from signer.errors import Reason, RequestError
from tests.conformance.path_cases import issued_key

_FROM, _TO = datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC), datetime(2051, 1, 1, tzinfo=UTC)
SM2, RSA = SignatureAlgorithm.SM2_SM3, SignatureAlgorithm.RSA_PKCS1_SHA256


def _facts(public_key: bytes, kind: CertificateKind, name: str = "甲") -> CertificateFacts:
    return CertificateFacts((("country_name", "CN"), ("common_name", name)), public_key, kind, _FROM, _TO)


def _root(algorithm: SignatureAlgorithm) -> tuple[bytes, bytes, SignMessage]:
    """Certificate, SubjectPublicKeyInfo, what signs."""
    public_key, sign = issued_key(algorithm)
    facts = _facts(public_key, CertificateKind.AUTHORITY, "根")
    return issue_certificate(facts, Issuer(None, algorithm, sign)), public_key, sign


@pytest.mark.parametrize("kind", CertificateKind)
def test_extensions_and_their_criticality(kind: CertificateKind) -> None:
    root, _, sign = _root(RSA)
    public_key, _ = issued_key(RSA)
    made = x509.load_der_x509_certificate(issue_certificate(_facts(public_key, kind), Issuer(root, RSA, sign)))
    authority = kind is CertificateKind.AUTHORITY
    stamping = kind is CertificateKind.TIMESTAMP_AUTHORITY  # RFC 3161, 2.3: its extended key usage is critical
    critical = {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE}
    critical |= {ExtensionOID.EXTENDED_KEY_USAGE} if stamping else set()
    assert {item.oid for item in made.extensions if item.critical} == critical
    constraints = made.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert constraints == x509.BasicConstraints(authority, 0 if authority else None)
    usage = made.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.key_cert_sign, usage.crl_sign) == (authority, authority)
    handshakes = kind in {CertificateKind.TLS_SERVER, CertificateKind.TLS_CLIENT}
    assert (usage.digital_signature, usage.content_commitment) == (not authority, not authority and not handshakes)
    assert not usage.key_encipherment
    assert not usage.key_agreement
    own = made.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert own == x509.SubjectKeyIdentifier.from_public_key(made.public_key())
    extended = [item for item in made.extensions if item.oid == ExtensionOID.EXTENDED_KEY_USAGE]
    assert len(extended) == (kind is CertificateKind.DOCUMENT_SIGNER or handshakes or stamping)


def test_times_are_whole_seconds_in_the_form_of_their_year() -> None:
    """RFC 5280, 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050."""
    validity = asn1_x509.Certificate.load(_root(SM2)[0])["tbs_certificate"]["validity"]
    assert validity["not_before"].chosen.dump() == b"\x17\x0d260102030405Z"
    assert validity["not_after"].chosen.dump() == b"\x18\x0f20510101000000Z"


def test_names_are_utf8_but_for_the_country() -> None:
    subject = asn1_x509.Certificate.load(_root(SM2)[0]).subject.dump()
    assert b"\x13\x02CN" in subject  # PrintableString, as X.520 has it
    assert b"\x0c\x03" + "根".encode() in subject


def test_serial_numbers_are_random_and_positive() -> None:
    public_key, sign = issued_key(SM2)
    facts = _facts(public_key, CertificateKind.AUTHORITY)
    serials = {Certificate.load(issue_certificate(facts, Issuer(None, SM2, sign))).serial for _ in range(20)}
    assert len(serials) == 20
    assert all(1 << 126 <= serial < 1 << 127 for serial in serials)


def test_sm2_certificates_are_signed_with_the_default_id_and_no_parameters() -> None:
    root, public_key, _ = _root(SM2)
    parsed = asn1_x509.Certificate.load(root)
    assert parsed["signature_algorithm"].dump() == bytes.fromhex("300a06082a811ccf55018375")
    tbs, signature = parsed["tbs_certificate"].dump(), parsed["signature_value"].native
    assert gmssl_pyx.sm2_verify(public_key[-64:], tbs, signature, b"1234567812345678")
    assert not gmssl_pyx.sm2_verify(public_key[-64:], tbs, signature, b"1")


def test_the_issuers_own_key_identifier_is_taken_over() -> None:
    root, _, sign = _root(SM2)
    public_key, _ = issued_key(SM2)
    made = issue_certificate(_facts(public_key, CertificateKind.MESSAGE_SIGNER), Issuer(root, SM2, sign))
    assert Certificate.load(made).authority_key_identifier == Certificate.load(root).key_identifier


def test_an_issuer_without_a_key_identifier_gets_the_usual_one() -> None:
    root, _, sign = _root(RSA)
    bare = asn1_x509.Certificate.load(root)
    kept = [item for item in bare["tbs_certificate"]["extensions"] if item["extn_id"].native != "key_identifier"]
    bare["tbs_certificate"]["extensions"] = asn1_x509.Extensions(kept)
    public_key, _ = issued_key(RSA)
    facts = _facts(public_key, CertificateKind.MESSAGE_SIGNER)
    made = issue_certificate(facts, Issuer(bare.dump(force=True), RSA, sign))
    assert Certificate.load(made).authority_key_identifier == Certificate.load(root).key_identifier


@pytest.mark.parametrize("algorithm", [SignatureAlgorithm.RSA_PSS_SHA256, SignatureAlgorithm.UNSPECIFIED])
def test_algorithms_that_sign_no_certificates_are_refused_before_signing(algorithm: SignatureAlgorithm) -> None:
    public_key, _ = issued_key(SM2)

    def never(message: bytes) -> bytes:
        raise AssertionError(message)

    with pytest.raises(RequestError) as caught:
        issue_certificate(_facts(public_key, CertificateKind.AUTHORITY), Issuer(None, algorithm, never))
    assert caught.value.reason is Reason.ALGORITHM_NOT_ALLOWED


def test_what_the_signing_callable_raises_comes_through() -> None:
    public_key, _ = issued_key(SM2)

    def lost(message: bytes) -> bytes:
        raise TimeoutError("the token is gone")

    with pytest.raises(TimeoutError):
        issue_certificate(_facts(public_key, CertificateKind.AUTHORITY), Issuer(None, SM2, lost))


def test_validity_is_what_was_asked_for() -> None:
    made = Certificate.load(_root(RSA)[0])
    assert (made.not_before, made.not_after) == (_FROM.replace(microsecond=0), _TO)
    assert made.not_after - made.not_before > timedelta(days=9_000)
