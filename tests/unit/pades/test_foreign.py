"""The judgement of strangers' PDFs: what is right is found right, and what was done to a file is found out."""

from __future__ import annotations

import random
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from signer.algorithms import SignatureAlgorithm, sm3
from signer.findings import FindingCode
from signer.pades.evidence import Integrity, Verdict
from tests.fuzz import strangers
from tests.fuzz.hostile_pdfs import append_revision, build_pdf, find_object, forged_copies, lies, pages, with_pages
from tests.fuzz.rendered_documents import rendered
from tests.fuzz.sealed_documents import RSA, SM2, Pki, new_pki, own_pki, sealed
from tests.fuzz.strangers import PKCS7, SigningOptions, signed_by
from tests.unit.pades.inspecting import codes, inspect, only

BOTH = pytest.mark.parametrize("algorithm", [SM2, RSA], ids=["sm2", "rsa"])


@cache
def _stranger(algorithm: SignatureAlgorithm) -> Pki:
    return new_pki(algorithm, "Stranger")


@cache
def _signed(algorithm: SignatureAlgorithm) -> bytes:
    return signed_by(rendered(), _stranger(algorithm))


@BOTH
@pytest.mark.parametrize("options", [SigningOptions(), SigningOptions(PKCS7), SigningOptions(box=None, certify=True)])
def test_a_strangers_signature_under_a_known_anchor_is_trusted(
    algorithm: SignatureAlgorithm, options: SigningOptions
) -> None:
    pki = _stranger(algorithm)
    data = signed_by(rendered(), pki, options)
    report = inspect(data, pki)
    assert (report.integrity, report.pages, report.findings) == (Integrity.WHOLE, 2, ())
    signature = only(report)
    assert signature.verdict is Verdict.PASSED
    assert signature.trusted
    assert signature.mathematics_right
    assert signature.covers_whole_file
    assert signature.algorithm is algorithm
    assert signature.certificate == pki.certificate
    assert signature.signer == "CN=Stranger Seal,C=CN"
    assert signature.signed_at is not None
    assert signature.pades_b == (options.subfilter is strangers.PADES)
    assert codes(signature) == {FindingCode.REVOCATION_NOT_CHECKED}


@BOTH
def test_under_unknown_anchors_it_is_whole_but_nobody_vouches(algorithm: SignatureAlgorithm) -> None:
    for trusted in ((), (own_pki(RSA), own_pki(SM2)), (new_pki(algorithm, "Stranger"),)):
        report = inspect(_signed(algorithm), *trusted)
        assert report.integrity is Integrity.WHOLE
        assert only(report).verdict is Verdict.INDETERMINATE
        assert not only(report).trusted
        assert codes(only(report)) & {FindingCode.CERTIFICATE_PATH_NOT_FOUND, FindingCode.CERTIFICATE_PATH_INVALID}


def test_an_expired_certificate_is_not_trusted() -> None:
    pki = new_pki(RSA, "Late", days=(-30, -10))
    signature = only(inspect(_resigned_late(pki), pki))
    assert signature.mathematics_right
    assert not signature.trusted
    assert codes(signature) & {FindingCode.CERTIFICATE_EXPIRED, FindingCode.CERTIFICATE_PATH_INVALID}


@BOTH
def test_our_own_documents_are_whole_for_pyhanko_too(algorithm: SignatureAlgorithm) -> None:
    report = inspect(sealed(algorithm), own_pki(algorithm))
    assert report.integrity is Integrity.WHOLE
    assert only(report).verdict is Verdict.PASSED
    assert only(report).pades_b


@BOTH
def test_a_changed_byte_of_our_own_documents_is_always_found(algorithm: SignatureAlgorithm) -> None:
    data, pki = sealed(algorithm), own_pki(algorithm)
    chance = random.Random(9)
    start = data.index(b"/Contents<30")
    regions = [
        range(len(data)),
        range(len(rendered()), start),
        range(start, start + 3000),
        range(len(data) - 400, len(data)),
    ]
    for region in regions:
        for position in chance.sample(region, 40):
            changed = bytearray(data)
            changed[position] ^= 1 << chance.randrange(8)
            assert inspect(bytes(changed), pki).integrity is Integrity.CHANGED, position


def test_digits_in_the_other_case_are_a_change_of_our_documents_alone() -> None:
    """Other embedders write them; ours does not, and nothing signs them."""
    for data, pki, integrity in (
        (sealed(RSA), own_pki(RSA), Integrity.CHANGED),
        (_signed(RSA), _stranger(RSA), Integrity.WHOLE),
    ):
        match = re.search(rb"/Contents ?<30", data)
        assert match is not None
        start = match.end()
        position = next(at for at in range(start, start + 500) if data[at : at + 1] in b"abcdefABCDEF")
        swapped = data[:position] + data[position : position + 1].swapcase() + data[position + 1 :]
        assert inspect(swapped, pki).integrity is integrity


@BOTH
def test_a_changed_byte_that_a_strangers_signature_covers_is_always_found(algorithm: SignatureAlgorithm) -> None:
    data, pki = _signed(algorithm), _stranger(algorithm)
    start, end, length = only(inspect(data, pki)).covered or (0, 0, 0)
    assert length == len(data)
    chance = random.Random(10)
    for position in [*chance.sample(range(start), 80), *chance.sample(range(end, length), 40)]:
        changed = bytearray(data)
        changed[position] ^= 1 << chance.randrange(8)
        report = inspect(bytes(changed), pki)
        assert report.integrity in {Integrity.CHANGED, Integrity.UNREADABLE}, position
        assert not any(item.mathematics_right for item in report.signatures), position


_KINDS = [name for name, _ in forged_copies(sealed(RSA))]


@pytest.mark.parametrize("kind", _KINDS)
def test_forged_copies_are_found(kind: str) -> None:
    with_data = strangers.with_validation_data(_signed(RSA), _stranger(RSA))
    for data in (sealed(SM2), sealed(RSA), _signed(RSA), _signed(SM2), with_data):
        report = inspect(dict(forged_copies(data))[kind], own_pki(RSA), own_pki(SM2), _stranger(RSA), _stranger(SM2))
        assert report.integrity is Integrity.CHANGED
        assert not any(item.verdict is Verdict.PASSED for item in report.signatures)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("body appended with an empty table", FindingCode.CHANGED_AFTER_SIGNING),
        ("page replaced in a listed revision", FindingCode.CHANGED_AFTER_SIGNING),
        ("appearance replaced", FindingCode.CHANGED_AFTER_SIGNING),
        ("a comment after the end", FindingCode.BYTES_AFTER_END),
        ("junk at the end of the padding", FindingCode.JUNK_IN_SIGNATURE),
        ("white space in the padding", FindingCode.NOT_WHOLLY_COVERED),
    ],
)
def test_the_finding_says_what_was_done(kind: str, code: FindingCode) -> None:
    report = inspect(dict(forged_copies(_signed(RSA)))[kind], _stranger(RSA))
    assert code in codes(only(report))


def test_a_page_that_a_stranger_changed_later_is_found() -> None:
    for data in (_signed(RSA), _signed(SM2), sealed(RSA)):
        report = inspect(strangers.with_page_changed(data), _stranger(RSA), _stranger(SM2), own_pki(RSA))
        assert report.integrity is Integrity.CHANGED
        assert FindingCode.CHANGED_AFTER_SIGNING in codes(only(report))


def test_long_term_validation_data_is_no_change() -> None:
    pki = _stranger(RSA)
    with_data = strangers.with_validation_data(_signed(RSA), pki)
    report = inspect(with_data, pki)
    assert report.integrity is Integrity.WHOLE
    assert not only(report).covers_whole_file
    report = inspect(strangers.with_document_timestamp(with_data, pki), pki)
    assert report.integrity is Integrity.WHOLE
    assert len(report.signatures) == 2


def test_what_hides_behind_long_term_validation_data_is_found() -> None:
    pki = _stranger(RSA)
    with_data = strangers.with_validation_data(_signed(RSA), pki)
    page, _ = find_object(with_data, b"/Type/Page/")
    hidden = append_revision(with_data, {page: b"<</Type/Page>>"}, listed=False)
    assert inspect(strangers.with_document_timestamp(hidden, pki), pki).integrity is Integrity.CHANGED
    orphan = append_revision(with_data, {9_500: b"<</Type/Page>>"})
    assert inspect(orphan, pki).integrity is Integrity.CHANGED
    broken = strangers.with_document_timestamp(with_data, pki).replace(b"/Rect [ 0 0 0 0 ]", b"/Rect [ 0 0 9 9 ]")
    assert inspect(broken, pki).integrity is Integrity.CHANGED


def test_the_digest_of_the_signed_revision_survives_what_is_appended() -> None:
    signed = only(inspect(_signed(RSA))).signed_sm3
    start, end, length = only(inspect(_signed(RSA))).covered or (0, 0, 0)
    assert signed == sm3.digest(_signed(RSA)[:start] + _signed(RSA)[end:length])
    assert only(inspect(strangers.with_page_changed(_signed(RSA)))).signed_sm3 == signed
    assert only(inspect(_signed(RSA) + b"\n")).signed_sm3 == signed


def test_cms_under_another_subfilter_is_judged() -> None:
    gm = strangers.with_other_subfilter(rendered(), _stranger(SM2), "/GM.sm2cms.detached")
    report = inspect(gm, _stranger(SM2))
    assert (report.integrity, only(report).verdict) == (Integrity.WHOLE, Verdict.PASSED)
    assert not only(report).pades_b


def test_a_signature_that_no_field_leads_to_is_found() -> None:
    for data in (_signed(RSA), sealed(RSA)):
        number, catalog = find_object(data, b"/AcroForm")
        start = catalog.index(b"/AcroForm")
        without = append_revision(data, {number: catalog[:start] + b"/AcroFrom" + catalog[start + 9 :]})
        report = inspect(without, _stranger(RSA))
        assert report.integrity is Integrity.CHANGED
        assert report.signatures == ()
        assert codes(report) == {FindingCode.CHANGED_AFTER_SIGNING}


def test_documents_without_signatures_are_unsigned() -> None:
    empty_field = with_pages(
        b"3 0 R",
        1,
        {3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>", 4: b"<</FT/Sig/T(empty)>>"},
        b"/AcroForm<</Fields[4 0 R]/SigFlags 1>>",
    )
    for data, count in ((rendered(), 2), (pages(1), 1), (pages(2_000), 2_000), (empty_field, 1)):
        report = inspect(data)
        assert (report.integrity, report.pages) == (Integrity.UNSIGNED, count)
        assert codes(report) == {FindingCode.UNSIGNED}


def test_too_many_pages_are_not_judged() -> None:
    report = inspect(pages(2_001))
    assert report.integrity is Integrity.UNREADABLE
    assert codes(report) == {FindingCode.TOO_MANY_PAGES}


def test_what_is_no_pdf_is_said_to_be_none() -> None:
    chance = random.Random(3)
    for data in (b"", b"\0", b"PK\3\4" + bytes(100), chance.randbytes(50_000)):
        report = inspect(data)
        assert report.integrity is Integrity.UNREADABLE
        assert codes(report) == {FindingCode.NOT_A_PDF}
    for data in (b"%PDF-1.7", b"%PDF-1.7\n" + chance.randbytes(50_000), b"%PDF-1.7\n%%EOF", rendered()[:-200]):
        report = inspect(data)
        assert report.integrity is Integrity.UNREADABLE
        assert codes(report) == {FindingCode.DAMAGED}


def test_encrypted_files_are_not_judged(tmp_path: Path) -> None:
    for index, data in enumerate((rendered(), sealed(RSA))):
        plain, locked = tmp_path / f"plain-{index}.pdf", tmp_path / f"locked-{index}.pdf"
        plain.write_bytes(data)
        subprocess.run(["qpdf", "--encrypt", "", "owner", "256", "--", plain, locked], check=True)
        report = inspect(locked.read_bytes(), own_pki(RSA))
        assert report.integrity is Integrity.UNREADABLE
        assert codes(report) == {FindingCode.ENCRYPTED}


def test_cut_files_are_never_whole() -> None:
    for data in (sealed(RSA), _signed(RSA)):
        chance = random.Random(4)
        for length in [*chance.sample(range(len(data)), 60), *range(len(data) - 30, len(data))]:
            assert inspect(data[:length], own_pki(RSA), _stranger(RSA)).integrity is not Integrity.WHOLE


def test_our_documents_saved_anew_are_changed(tmp_path: Path) -> None:
    source, target = tmp_path / "sealed.pdf", tmp_path / "saved.pdf"
    source.write_bytes(sealed(RSA))
    for options in (["--linearize"], ["--object-streams=generate"], ["--qdf"]):
        subprocess.run(["qpdf", *options, source, target], check=True)
        assert inspect(target.read_bytes(), own_pki(RSA)).integrity is Integrity.CHANGED


@pytest.mark.parametrize("name", [name for name, _ in lies()])
def test_files_that_lie_about_their_structure_get_an_answer(name: str) -> None:
    report = inspect(dict(lies())[name])
    assert report.integrity is not Integrity.WHOLE
    assert report.findings or report.signatures


def test_an_object_stream_may_hold_the_document(tmp_path: Path) -> None:
    source, target = tmp_path / "plain.pdf", tmp_path / "packed.pdf"
    source.write_bytes(build_pdf({1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Count 0/Kids[]>>"}))
    source.write_bytes(rendered())
    subprocess.run(["qpdf", "--object-streams=generate", source, target], check=True)
    assert inspect(target.read_bytes()).integrity is Integrity.UNSIGNED
    pki = _stranger(SM2)
    assert inspect(signed_by(target.read_bytes(), pki), pki).integrity is Integrity.WHOLE


def _resigned_late(pki: Pki) -> bytes:
    return strangers.with_other_subfilter(rendered(), pki, "/ETSI.CAdES.detached")
