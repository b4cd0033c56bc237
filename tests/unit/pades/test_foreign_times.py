"""Times and revocation of strangers' signatures: proven times count; what a file brings along is believed if signed."""

# mypy: disallow-untyped-calls = False
# pyHanko's writers have no types.
from __future__ import annotations

import io
from datetime import datetime, timedelta
from functools import cache

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.validation import DocumentSecurityStore

from signer.algorithms import SignatureAlgorithm
from signer.findings import FindingCode
from signer.pades.evidence import Integrity, SignatureProfile, Verdict
from tests.conformance.electronic_seal_asn1 import Draft, Signature4, seal_maker, sealer
from tests.fuzz import strangers
from tests.fuzz.authorities import DAY, NOW, Authority
from tests.fuzz.foreign_formats import Stamper, sm3, with_archive_timestamp, with_contents
from tests.fuzz.rendered_documents import rendered
from tests.fuzz.sealed_documents import RSA, SM2, Pki
from tests.unit.pades.inspecting import codes, inspect, only

BOTH = pytest.mark.parametrize("algorithm", [SM2, RSA], ids=["sm2", "rsa"])
HOUR = timedelta(hours=1)
STAMPED = NOW - 40 * DAY
NOT_CHECKED, REVOKED = FindingCode.REVOCATION_NOT_CHECKED, FindingCode.CERTIFICATE_REVOKED


@cache
def _authority(algorithm: SignatureAlgorithm) -> Authority:
    return Authority.new(algorithm)


@cache
def _signer(algorithm: SignatureAlgorithm) -> Pki:
    return _authority(algorithm).signer()


@cache
def _expired(algorithm: SignatureAlgorithm) -> Pki:
    return _authority(algorithm).signer("Expired", valid=(NOW - 90 * DAY, NOW - 5 * DAY))


@cache
def _clock(algorithm: SignatureAlgorithm) -> Pki:
    return _authority(algorithm).timestamps()


def _signed(pki: Pki, stamper: Stamper | None = None) -> bytes:
    metadata = signers.PdfSignatureMetadata(
        field_name="Sig1", md_algorithm="sm3" if pki.algorithm is SM2 else "sha256", subfilter=strangers.PADES
    )
    field = fields.SigFieldSpec("Sig1", on_page=0, box=None)
    signer = signers.PdfSigner(metadata, strangers._signer(pki), timestamper=stamper, new_field_spec=field)
    return bytes(signer.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(rendered())), in_place=False).getvalue())


def _with_store(
    pdf: bytes, authority: Authority, *, crls: tuple[bytes, ...] = (), ocsps: tuple[bytes, ...] = ()
) -> bytes:
    output = io.BytesIO(pdf)
    DocumentSecurityStore.add_dss(
        output_stream=output,
        sig_contents=None,
        certs=[x509.Certificate.load(authority.certificate)],
        crls=[asn1_crl.CertificateList.load(der) for der in crls],
        ocsps=[asn1_ocsp.OCSPResponse.load(der) for der in ocsps],
    )
    return output.getvalue()


@BOTH
def test_a_timestamp_beside_the_signature_proves_its_time(algorithm: SignatureAlgorithm) -> None:
    authority = _authority(algorithm)
    data = _signed(_signer(algorithm), Stamper(_clock(algorithm), STAMPED))
    signature = only(inspect(data, authority.certificate))
    assert (signature.verdict, signature.proven_at) == (Verdict.PASSED, STAMPED)
    assert signature.profile is SignatureProfile.PADES_T
    assert codes(signature) == {NOT_CHECKED}
    plain = only(inspect(_signed(_signer(algorithm)), authority.certificate))
    assert (plain.proven_at, plain.profile) == (None, SignatureProfile.PADES_B)


@BOTH
def test_a_signature_outlives_its_certificate_only_with_a_proven_time(algorithm: SignatureAlgorithm) -> None:
    authority, pki = _authority(algorithm), _expired(algorithm)
    stamped = only(inspect(_signed(pki, Stamper(_clock(algorithm), STAMPED)), authority.certificate))
    assert (stamped.verdict, stamped.trusted) == (Verdict.PASSED, True)
    for data in (_signed(pki), _signed(pki, Stamper(_clock(algorithm), NOW - 2 * DAY))):
        signature = only(inspect(data, authority.certificate))
        assert (signature.verdict, signature.trusted) == (Verdict.INDETERMINATE, False)
        assert FindingCode.CERTIFICATE_EXPIRED in codes(signature)


def test_timestamps_that_nobody_vouches_for_prove_nothing() -> None:
    authority, pki = _authority(SM2), _expired(SM2)
    other = Authority.new(SM2, "Somebody else")
    for clock in (other.timestamps(), authority.signer("Not for timestamps")):
        signature = only(inspect(_signed(pki, Stamper(clock, STAMPED)), authority.certificate))
        assert (signature.verdict, signature.proven_at) == (Verdict.INDETERMINATE, None)
        assert codes(signature) >= {FindingCode.TIMESTAMP_NOT_TRUSTED, FindingCode.CERTIFICATE_EXPIRED}
        assert signature.mathematics_right


def test_a_timestamp_of_another_signature_is_wrong() -> None:
    def make(covered: bytes) -> bytes:
        draft = Draft()
        return draft.but(timestamp=Stamper(_clock(SM2), STAMPED).token(b"another value")).made_signature(sm3(covered))

    sealed = with_contents(rendered(), "/GM.sm2seal", make)
    signature = only(inspect(sealed, seal_maker(), sealer(), _authority(SM2).certificate))
    assert FindingCode.TIMESTAMP_WRONG in codes(signature)
    assert signature.proven_at is None
    assert signature.verdict is Verdict.PASSED


def test_junk_where_a_timestamp_belongs_spoils_nothing_else() -> None:
    sealed = with_contents(
        rendered(), "/GM.sm2seal", lambda covered: Draft(timestamp=b"no token").made_signature(sm3(covered))
    )
    signature = only(inspect(sealed, seal_maker(), sealer()))
    assert signature.verdict is Verdict.PASSED
    assert FindingCode.TIMESTAMP_WRONG in codes(signature)


@BOTH
def test_an_archive_timestamp_proves_everything_before_it(algorithm: SignatureAlgorithm) -> None:
    authority, pki, clock = _authority(algorithm), _expired(algorithm), _clock(algorithm)
    archived = with_archive_timestamp(_signed(pki), clock, STAMPED)
    report = inspect(archived, authority.certificate)
    assert report.integrity is Integrity.WHOLE
    signature, stamp = report.signatures
    assert (signature.verdict, signature.proven_at) == (Verdict.PASSED, STAMPED)
    assert (stamp.verdict, stamp.proven_at, stamp.signed_at) == (Verdict.PASSED, STAMPED, STAMPED)
    assert FindingCode.TIMESTAMP_ADDED in codes(signature)
    changed = archived.replace(b"/Title", b"/Titel", 1)
    assert inspect(changed, authority.certificate).integrity is not Integrity.WHOLE


def test_a_chain_of_archive_timestamps_outlives_each_of_them() -> None:
    authority, pki = _authority(RSA), _expired(RSA)
    first = authority.timestamps("First", valid=(NOW - 90 * DAY, NOW - 20 * DAY))
    once = with_archive_timestamp(_signed(pki), first, STAMPED)
    signature = inspect(once, authority.certificate).signatures[0]
    assert signature.proven_at is None, "the first authority's certificate has run out, and nothing says it was in time"
    twice = with_archive_timestamp(once, _clock(RSA), NOW - 30 * DAY)
    signature, earlier, later = inspect(twice, authority.certificate).signatures
    assert (earlier.proven_at, later.proven_at) == (STAMPED, NOW - 30 * DAY)
    assert (signature.verdict, signature.proven_at) == (Verdict.PASSED, STAMPED)


@BOTH
def test_long_term_profiles_are_told(algorithm: SignatureAlgorithm) -> None:
    authority, clock = _authority(algorithm), _clock(algorithm)
    stamped = _signed(_signer(algorithm), Stamper(clock, NOW - 3 * HOUR))
    lt = _with_store(stamped, authority, crls=(authority.crl({}),))
    signature = only(inspect(lt, authority.certificate))
    assert signature.profile is SignatureProfile.PADES_LT
    assert codes(signature) == {FindingCode.VALIDATION_DATA_ADDED}
    lta = with_archive_timestamp(lt, clock, NOW - 2 * HOUR)
    report = inspect(lta, authority.certificate)
    assert report.integrity is Integrity.WHOLE
    assert report.signatures[0].profile is SignatureProfile.PADES_LTA
    assert all(item.verdict is Verdict.PASSED for item in report.signatures)


@BOTH
def test_revocation_by_the_files_own_lists(algorithm: SignatureAlgorithm) -> None:
    authority, pki = _authority(algorithm), _signer(algorithm)
    unstamped, stamped = _signed(pki), _signed(pki, Stamper(_clock(algorithm), STAMPED))
    for revoked_at, data, revoked in (
        (STAMPED - HOUR, unstamped, True),
        (NOW - HOUR, unstamped, True),
        (STAMPED - HOUR, stamped, True),
        (STAMPED + HOUR, stamped, False),
    ):
        crl = authority.crl({pki.certificate: revoked_at})
        response = authority.ocsp(pki.certificate, revoked_at=revoked_at, by=authority.responder())
        for store in ({"crls": (crl,)}, {"ocsps": (response,)}):
            signature = only(inspect(_with_store(data, authority, **store), authority.certificate))
            assert (REVOKED in codes(signature)) is revoked
            assert (signature.verdict is Verdict.PASSED) is not revoked
            assert signature.trusted is not revoked
            assert signature.mathematics_right


def test_lists_that_the_authority_did_not_sign_say_nothing() -> None:
    authority, pki = _authority(RSA), _signer(RSA)
    other = Authority.new(RSA)
    for store in (other.crl({pki.certificate: NOW - DAY}), other.crl({})):
        signature = only(inspect(_with_store(_signed(pki), authority, crls=(store,)), authority.certificate))
        assert signature.verdict is Verdict.PASSED
        assert NOT_CHECKED in codes(signature)


def test_an_electronic_seals_timestamp_proves_its_time() -> None:
    authority, moment = _authority(SM2), NOW - HOUR

    def make(covered: bytes) -> bytes:
        draft = Draft()
        plain = draft.made_signature(sm3(covered))
        return with_seal_timestamp(plain, moment)

    sealed = with_contents(rendered(), "/GM.sm2seal", make)
    signature = only(inspect(sealed, seal_maker(), sealer(), authority.certificate))
    assert (signature.verdict, signature.proven_at) == (Verdict.PASSED, moment)
    assert signature.profile is SignatureProfile.GBT_38540


def with_seal_timestamp(signature: bytes, moment: datetime) -> bytes:
    """A SES_Signature with a token over its signature value."""
    read = Signature4.load(signature)
    read["timestamp"] = Stamper(_clock(SM2), moment).token(read["value"].native)
    return bytes(read.dump(force=True))
