"""Formats beside PAdES: electronic seals, GM CMS, weak and unknown ones; each judged, refused by name, never skipped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache, partial

import pytest

from signer.algorithms import SignatureAlgorithm
from signer.cms import object_identifiers as oid
from signer.findings import FindingCode
from signer.pades.evidence import Integrity, SignatureProfile, Verdict
from signer.pades.inspection import InspectionReport
from signer.pades.signature_formats import SUBFILTERS
from tests.conformance.electronic_seal_asn1 import VALID, Draft, seal_maker, sealer
from tests.fuzz import strangers
from tests.fuzz.foreign_formats import bare_signed_data, sm3, with_contents
from tests.fuzz.hostile_pdfs import append_revision, find_object
from tests.fuzz.rendered_documents import rendered
from tests.fuzz.sealed_documents import RSA, SM2, Pki, new_pki
from tests.unit.pades.inspecting import codes, inspect, only

GM_NAMES = [name for name in SUBFILTERS if name.startswith("/GM")]
KNOWN = {FindingCode.REVOCATION_NOT_CHECKED}


@cache
def _pki(algorithm: SignatureAlgorithm) -> Pki:
    return new_pki(algorithm, "Vendor")


def _sealed(draft: Draft, subfilter: str = "/GM.sm2seal") -> bytes:
    return with_contents(rendered(), subfilter, lambda covered: draft.made_signature(sm3(covered)))


def _always(content: bytes) -> Callable[[bytes], bytes]:
    return lambda _: content


def _with_seal_trusted(data: bytes) -> InspectionReport:
    return inspect(data, seal_maker(), sealer())


@pytest.mark.parametrize("version", [1, 4, 5])
def test_an_electronic_seal_is_judged_under_every_vendors_name(version: int) -> None:
    for name in GM_NAMES if version == 4 else ["/GM.sm2seal"]:
        report = _with_seal_trusted(_sealed(Draft(version=version), name))
        assert report.integrity is Integrity.WHOLE
        seal = only(report)
        assert (seal.verdict, seal.trusted, seal.mathematics_right) == (Verdict.PASSED, True, True)
        assert (seal.profile, seal.algorithm) == (SignatureProfile.GBT_38540, SM2)
        assert seal.signer == "CN=Sealing Insurer Seal,C=CN"
        assert seal.certificate == sealer().certificate
        assert seal.chain == (sealer().certificate, sealer().root)
        assert seal.signed_at == Draft().signed_at
        assert codes(seal) == KNOWN


def test_who_made_the_seal_must_be_trusted_too() -> None:
    data = _sealed(Draft())
    for trusted, code in (
        ((sealer(),), FindingCode.SEAL_MAKER_NOT_TRUSTED),
        ((seal_maker(),), FindingCode.CERTIFICATE_PATH_NOT_FOUND),
        ((), FindingCode.CERTIFICATE_PATH_NOT_FOUND),
    ):
        report = inspect(data, *trusted)
        assert (report.integrity, only(report).verdict) == (Integrity.WHOLE, Verdict.INDETERMINATE)
        assert not only(report).trusted
        assert code in codes(only(report))


@pytest.mark.parametrize(
    ("draft", "code"),
    [
        (Draft(listed=[]), FindingCode.SEAL_NOT_FOR_SIGNER),
        (Draft(seal=Draft().made_seal().replace(b"51010000000001", b"51010000000002")), FindingCode.SEAL_FORGED),
    ],
    ids=["not for the signer", "forged"],
)
def test_a_seal_that_is_not_what_it_says_makes_the_document_a_changed_one(draft: Draft, code: FindingCode) -> None:
    report = _with_seal_trusted(_sealed(draft))
    assert (report.integrity, only(report).verdict) == (Integrity.CHANGED, Verdict.FAILED)
    assert codes(only(report)) == {code}


def test_a_seal_that_had_run_out_is_told() -> None:
    late = Draft(signed_at=VALID[0] - timedelta(days=1))
    report = _with_seal_trusted(_sealed(late))
    assert (report.integrity, only(report).verdict) == (Integrity.WHOLE, Verdict.INDETERMINATE)
    assert FindingCode.SEAL_NOT_VALID in codes(only(report))


def test_a_sealed_document_that_was_changed_is_found() -> None:
    data = _sealed(Draft())
    start = data.index(b"%PDF") + 200
    for changed in (
        data[:start] + bytes([data[start] ^ 1]) + data[start + 1 :],
        strangers.with_page_changed(data),
        data + b"\n",
    ):
        report = _with_seal_trusted(changed)
        assert report.integrity is not Integrity.WHOLE
        assert not any(item.verdict is Verdict.PASSED for item in report.signatures)


@pytest.mark.parametrize("identifier", oid.SM2_SIGNATURES)
@pytest.mark.parametrize("name", GM_NAMES)
def test_gm_cms_over_the_digest(name: str, identifier: bytes) -> None:
    """SignedData whose content is SM3 of the covered bytes, without signed attributes."""
    pki = _pki(SM2)

    def make(covered: bytes) -> bytes:
        return bare_signed_data(pki, sm3(covered), sm3(covered), sm2_identifier=identifier)

    data = with_contents(rendered(), name, make)
    report = inspect(data, pki)
    assert (report.integrity, only(report).verdict) == (Integrity.WHOLE, Verdict.PASSED)
    assert (only(report).profile, only(report).algorithm) == (SignatureProfile.UNSPECIFIED, SM2)
    assert codes(only(report)) == KNOWN
    assert inspect(data, sealer()).signatures[0].trusted is False
    assert inspect(data + b"%", pki).integrity is Integrity.CHANGED


def test_gm_cms_over_another_digest_is_found() -> None:
    pki = _pki(SM2)
    for content, signed in ((bytes(32), bytes(32)), (None, b"something else")):
        data = with_contents(rendered(), "/GM.sm2cms.detached", _always(bare_signed_data(pki, content, signed)))
        report = inspect(data, pki)
        assert (report.integrity, only(report).verdict) == (Integrity.CHANGED, Verdict.FAILED)
    data = with_contents(
        rendered(), "/GM.sm2cms.detached", lambda covered: bare_signed_data(pki, sm3(covered), b"something else")
    )
    assert codes(only(inspect(data, pki))) == {FindingCode.SIGNATURE_WRONG}


def test_detached_sm2_without_signed_attributes_is_judged() -> None:
    pki = _pki(SM2)
    for name in ("/adbe.pkcs7.detached", "/GM.SM2", "/Unknown.Vendor"):
        data = with_contents(rendered(), name, lambda covered: bare_signed_data(pki, None, covered))
        assert only(inspect(data, pki)).verdict is Verdict.PASSED


def test_content_that_does_not_belong_under_a_name_is_not_judged() -> None:
    pki = _pki(SM2)
    for name in ("/ETSI.CAdES.detached", "/adbe.pkcs7.detached"):
        for data in (
            _sealed(Draft(), name),
            with_contents(rendered(), name, lambda covered: bare_signed_data(pki, sm3(covered), sm3(covered))),
        ):
            report = inspect(data, pki, seal_maker(), sealer())
            assert (report.integrity, only(report).verdict) == (Integrity.UNREADABLE, Verdict.INDETERMINATE)
            assert codes(only(report)) == {FindingCode.SIGNATURE_UNSUPPORTED}
    junk = with_contents(rendered(), "/GM.sm2seal", lambda _: bytes.fromhex("30050c034553aa"))
    assert codes(only(inspect(junk))) == {FindingCode.SIGNATURE_UNSUPPORTED}


@pytest.mark.parametrize("name", ["/adbe.pkcs7.sha1", "/adbe.x509.rsa_sha1"])
def test_formats_over_sha1_are_refused_as_weak(name: str) -> None:
    pki = _pki(RSA)
    data = strangers.with_other_subfilter(rendered(), pki, name)
    report = inspect(data, pki)
    assert (report.integrity, only(report).verdict) == (Integrity.UNREADABLE, Verdict.INDETERMINATE)
    assert codes(only(report)) == {FindingCode.SIGNATURE_WEAK}
    assert inspect(data + b"\n", pki).integrity is Integrity.CHANGED


def test_weak_algorithms_are_told() -> None:
    """MD5, SHA-1, and SM2 beside another digest than SM3."""
    for pki, digest, code in (
        (_pki(RSA), "06082a864886f70d0205", FindingCode.SIGNATURE_WEAK),
        (_pki(RSA), "06052b0e03021a", FindingCode.SIGNATURE_WEAK),
        (_pki(SM2), "0609608648016503040201", FindingCode.ALGORITHM_MISMATCH),
    ):
        element = bytes.fromhex(digest)
        algorithm = b"\x30" + bytes([len(element)]) + element
        make = partial(bare_signed_data, pki, None, digest=algorithm)
        data = with_contents(rendered(), "/adbe.pkcs7.detached", make)
        report = inspect(data, pki)
        assert (report.integrity, only(report).verdict) == (Integrity.UNREADABLE, Verdict.INDETERMINATE)
        assert codes(only(report)) == {code}


def test_a_seal_that_no_field_leads_to_is_found() -> None:
    data = _sealed(Draft())
    number, catalog = find_object(data, b"/AcroForm")
    without = append_revision(data, {number: catalog.replace(b"/AcroForm", b"/AcroFrom")})
    assert _with_seal_trusted(without).integrity is Integrity.CHANGED
