"""Reading certificates: what is in them, and that one that is not strict DER in every part is none."""

from __future__ import annotations

import pytest
from asn1crypto import algos, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509

from signer.algorithms import SignatureAlgorithm
from signer.certificates import Certificate
from signer.certificates.certificate import MAX_CERTIFICATE_BYTES
from signer.errors import Reason, RequestError
from tests.conformance.path_cases import FROM, TO, Draft, authority, issued_chain, leaf, root


def _assert_malformed(der: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        Certificate.load(der)
    assert caught.value.reason is Reason.CERTIFICATE_MALFORMED


@pytest.mark.parametrize("algorithm", [SignatureAlgorithm.SM2_SM3, SignatureAlgorithm.RSA_PKCS1_SHA256])
def test_what_a_seal_certificate_says(algorithm: SignatureAlgorithm) -> None:
    seal, between, top = (Certificate.load(der) for der in issued_chain(algorithm))
    assert seal.subject_text == "CN=document-signer2,O=示例财产保险股份有限公司,C=CN"
    assert (seal.not_before, seal.not_after) == (FROM, TO)
    assert not seal.is_authority
    assert seal.path_length is None
    assert seal.key_usage == frozenset({"digital_signature", "content_commitment"})
    assert seal.extended_key_usage == frozenset({"1.3.6.1.5.5.7.3.36", "1.3.6.1.5.5.7.3.4"})
    assert seal.authority_key_identifier == between.key_identifier != b""
    assert seal.issuer == between.subject
    assert seal.unprocessed == ()
    assert (between.is_authority, between.path_length, top.path_length) == (True, 0, 1)
    assert between.key_usage == top.key_usage == frozenset({"key_cert_sign", "crl_sign"})
    assert top.subject == top.issuer
    assert len({seal.serial, between.serial, top.serial}) == 3


def test_absent_extensions_are_none_and_not_empty() -> None:
    plain = Certificate.load(root().issue(leaf()).certificate)
    assert plain.extended_key_usage is None
    assert plain.key_identifier == plain.authority_key_identifier == b""


def test_extensions_that_forbid_reliance_are_named() -> None:
    draft = Draft("Seal")
    draft.extensions += [
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.5"), b"\x05\x00"), False),
        (x509.NameConstraints([x509.DNSName("example.cn")], None), False),
    ]
    assert Certificate.load(root().issue(draft).certificate).unprocessed == ("1.2.3.4", "2.5.29.30")


def test_bytes_around_and_inside_are_refused() -> None:
    der = root().issue(leaf()).certificate
    indefinite = b"\x30\x80" + der[4:] + b"\x00\x00"
    long_length = b"\x30\x83\x00" + der[2:]
    for changed in (der + b"\x00", der[:-1], b"\x00" + der, der * 2, indefinite, long_length):
        _assert_malformed(changed)
    for garbage in (b"", b"\x30", b"\x30\x00", bytes(100)):
        _assert_malformed(garbage)


def test_a_certificate_has_a_limit() -> None:
    """One that is right but for its size."""
    for names, accepted in ((100, True), (2_000, False)):
        draft = Draft("Seal")
        crowd = x509.SubjectAlternativeName([x509.DNSName(f"host-{number}.example") for number in range(names)])
        draft.extensions.append((crowd, False))
        der = root().issue(draft).certificate
        assert (len(der) <= MAX_CERTIFICATE_BYTES) is accepted
        if accepted:
            assert Certificate.load(der).der == der
        else:
            _assert_malformed(der)


def test_an_extension_that_stands_twice_is_refused() -> None:
    certificate = asn1_x509.Certificate.load(root().issue(authority()).certificate)
    extensions = certificate["tbs_certificate"]["extensions"]
    extensions.append(extensions[0])
    _assert_malformed(certificate.dump(force=True))


def test_two_signature_algorithms_are_refused() -> None:
    """RFC 5280, 4.1.1.2: the one outside the signed part must be the one inside."""
    der = root().issue(leaf()).certificate
    inside = bytes.fromhex("06082a8648ce3d040302")  # ecdsa-with-SHA256
    outside = bytes.fromhex("06082a8648ce3d040303")
    assert der.count(inside) == 2
    at = der.rindex(inside)
    _assert_malformed(der[:at] + outside + der[at + len(inside) :])


def test_signature_parameters_that_mean_nothing_make_the_algorithm_unknown() -> None:
    """As with RSASSA-PSS, whose parameters nobody here reads, and with junk beside SM2; NULL is nothing."""
    for parameters, oid in ((core.Null(), "1.2.156.10197.1.501"), (core.Integer(5), "")):
        certificate = asn1_x509.Certificate.load(issued_chain(SignatureAlgorithm.SM2_SM3)[0])
        odd = algos.SignedDigestAlgorithm({"algorithm": "1.2.156.10197.1.501", "parameters": parameters})
        certificate["tbs_certificate"]["signature"] = odd
        certificate["signature_algorithm"] = odd
        assert Certificate.load(certificate.dump(force=True)).signature_oid == oid
