"""What may come after a signature, and what not: each allowed change by name, everything else a change of the document.

Threat: T32.
"""

# mypy: disallow-untyped-calls = False
# pyHanko's writers have no types.
from __future__ import annotations

import io
import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm

from signer.cms.signed_data import Identifiers, SignedDataBuilder
from signer.findings import FindingCode
from signer.pades.evidence import Integrity, Verdict
from signer.pades.inspection import InspectionReport
from tests.fuzz import strangers
from tests.fuzz.foreign_formats import sm3, with_contents
from tests.fuzz.form_documents import (
    FIELD_BOX,
    filled,
    form_document,
    with_button_kids,
    with_button_set,
    with_further_text_field,
)
from tests.fuzz.hostile_pdfs import append_revision, find_object
from tests.fuzz.rendered_documents import rendered
from tests.fuzz.sealed_documents import RSA, SM2, Pki, new_pki
from tests.fuzz.strangers import SigningOptions, signed_by
from tests.unit.pades.inspecting import codes, inspect

FURTHER, FILLED, DATA = FindingCode.FURTHER_SIGNATURES, FindingCode.FORM_FILLED, FindingCode.VALIDATION_DATA_ADDED
CHANGED = FindingCode.CHANGED_AFTER_SIGNING


@cache
def _first() -> Pki:
    return new_pki(RSA, "First")


@cache
def _second() -> Pki:
    return new_pki(SM2, "Second")


@cache
def _packed() -> bytes:
    """The rendered document with object streams and cross-reference streams."""
    with tempfile.TemporaryDirectory() as directory:
        source, target = Path(directory, "plain.pdf"), Path(directory, "packed.pdf")
        source.write_bytes(rendered())
        subprocess.run(["qpdf", "--object-streams=generate", source, target], check=True)
        return target.read_bytes()


def _signed(pdf: bytes, *, permission: MDPPerm | None = None, lock: FieldMDPSpec | None = None) -> bytes:
    """Signed by the first signer; `permission`: certified at that level."""
    metadata = signers.PdfSignatureMetadata(
        field_name="Sig1",
        md_algorithm="sha256",
        subfilter=strangers.PADES,
        certify=permission is not None,
        docmdp_permissions=permission or MDPPerm.FILL_FORMS,
    )
    field = fields.SigFieldSpec("Sig1", on_page=0, box=(100, 100, 200, 150), field_mdp_spec=lock)
    signer = signers.PdfSigner(metadata, strangers._signer(_first()), new_field_spec=field)
    return bytes(signer.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), in_place=False).getvalue())


def _judged(data: bytes, *trusted: Pki) -> tuple[InspectionReport, set[FindingCode]]:
    """The report, its signatures in the order of time, and what was found about the first one."""
    report = inspect(data, *(trusted or (_first(), _second())))
    ordered = sorted(report.signatures, key=lambda item: (item.covered or (0, 0, 0))[2])
    report = replace(report, signatures=tuple(ordered))
    return report, codes(report.signatures[0]) - {FindingCode.REVOCATION_NOT_CHECKED}


def _allowed(data: bytes, *wanted: FindingCode) -> None:
    report, found = _judged(data)
    assert report.integrity is Integrity.WHOLE
    assert all(item.verdict is Verdict.PASSED for item in report.signatures)
    assert found == set(wanted)


def _refused(data: bytes) -> None:
    report, found = _judged(data)
    assert report.integrity is Integrity.CHANGED
    assert report.signatures[0].verdict is Verdict.FAILED
    assert CHANGED in found


# ---- further signatures


@pytest.mark.parametrize("pdf", [rendered, _packed], ids=["tables", "streams"])
@pytest.mark.parametrize("box", [None, (300, 100, 400, 150)], ids=["invisible", "visible"])
def test_a_further_signature_is_allowed(pdf: Callable[[], bytes], box: tuple[int, int, int, int] | None) -> None:
    for pki in (_first(), _second()):
        twice = signed_by(_signed(pdf()), pki, SigningOptions(field="Sig2", box=box))
        _allowed(twice, FURTHER)
        report, _ = _judged(twice)
        assert [item.covers_whole_file for item in report.signatures] == [False, True]
        assert codes(report.signatures[1]) == {FindingCode.REVOCATION_NOT_CHECKED}


def test_three_signatures_and_validation_data() -> None:
    twice = signed_by(_signed(rendered()), _second(), SigningOptions(field="Sig2", box=None))
    with_data = strangers.with_validation_data(twice, _first())
    thrice = signed_by(with_data, _first(), SigningOptions(field="Sig3", box=(300, 300, 350, 350)))
    _allowed(thrice, FURTHER, DATA)
    report, _ = _judged(thrice)
    assert codes(report.signatures[1]) >= {FURTHER, DATA}
    assert FURTHER not in codes(report.signatures[2])


def test_into_a_field_that_was_prepared_anybody_may_sign() -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(rendered()))
    fields.append_signature_field(writer, fields.SigFieldSpec("Sig2", on_page=0, box=(300, 100, 400, 150)))
    output = io.BytesIO()
    writer.write(output)
    twice = _signed_into(_signed(output.getvalue()), "Sig2")
    report, found = _judged(twice, _first())
    assert report.integrity is Integrity.WHOLE
    assert found == {FURTHER}
    assert [item.trusted for item in report.signatures] == [True, False]


def _signed_into(pdf: bytes, name: str) -> bytes:
    metadata = signers.PdfSignatureMetadata(field_name=name, md_algorithm="sm3", subfilter=strangers.PADES)
    signer = signers.PdfSigner(metadata, strangers._signer(_second()))
    return bytes(signer.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), in_place=False).getvalue())


def test_what_somebody_unknown_draws_on_a_page_leaves_it_open() -> None:
    """A signature overlay: the later signer's picture may hide anything."""
    twice = signed_by(_signed(rendered()), _second(), SigningOptions(field="Sig2", box=(50, 50, 500, 800)))
    report, found = _judged(twice, _first())
    assert report.integrity is Integrity.UNREADABLE
    assert found == {FURTHER, FindingCode.DRAWN_OVER}
    assert report.signatures[0].verdict is Verdict.INDETERMINATE
    assert report.signatures[0].mathematics_right
    invisible = signed_by(_signed(rendered()), _second(), SigningOptions(field="Sig2", box=None))
    report, found = _judged(invisible, _first())
    assert (report.integrity, report.signatures[0].verdict) == (Integrity.WHOLE, Verdict.PASSED)
    assert found == {FURTHER}


def test_a_further_signature_that_is_wrong_is_found() -> None:
    twice = signed_by(_signed(rendered()), _second(), SigningOptions(field="Sig2", box=None))
    start = twice.rindex(b"/Contents <30") + 2_400
    broken = bytearray(twice)
    broken[start] = ord("1") if broken[start] != ord("1") else ord("2")
    report, _ = _judged(bytes(broken))
    assert report.integrity is not Integrity.WHOLE


def test_certification_says_what_may_follow() -> None:
    for permission, box, allowed in (
        (MDPPerm.NO_CHANGES, None, False),
        (MDPPerm.NO_CHANGES, (300, 100, 400, 150), False),
        (MDPPerm.FILL_FORMS, None, True),
        (MDPPerm.FILL_FORMS, (300, 100, 400, 150), False),
        (MDPPerm.ANNOTATE, None, True),
    ):
        data = _signed_regardless(_signed(rendered(), permission=permission), box)
        if allowed:
            _allowed(data, FURTHER)
        else:
            _refused(data)
    _allowed(strangers.with_validation_data(_signed(rendered(), permission=MDPPerm.NO_CHANGES), _first()), DATA)


def _signed_regardless(pdf: bytes, box: tuple[int, int, int, int] | None) -> bytes:
    """By the second signer, with tools that ask nobody."""
    pki = _second()
    builder = SignedDataBuilder.for_certificate(
        pki.certificate, pki.chain, pki.algorithm, identifiers=Identifiers.RFC_5652
    )
    return with_contents(
        pdf,
        "/ETSI.CAdES.detached",
        lambda covered: builder.build(sm3(covered), pki.key.sign, content=None),
        field="Sig2",
        box=box,
    )


# ---- forms


def test_forms_that_were_left_open_may_be_filled_in() -> None:
    form = form_document(rendered())
    _allowed(filled(_signed(form), "text"), FILLED)
    _allowed(filled(_signed(form), "text", picture=b"/Tx BMC q BT /Helv 10 Tf 2 2 Td (a \\) b) Tj ET Q EMC"), FILLED)
    _allowed(filled(_signed(form, permission=MDPPerm.FILL_FORMS), "text"), FILLED)
    _allowed(filled(_signed(form), "check"), FILLED)
    _allowed(filled(filled(_signed(form), "text"), "check"), FILLED)
    _allowed(_signed(filled(form, "text")))


def test_a_group_of_buttons_may_be_set() -> None:
    signed = _signed(with_button_kids(rendered()))
    _allowed(with_button_set(signed, "/one"), FILLED)
    _refused(with_button_set(signed, "/unknown"))


def test_a_filled_form_may_be_signed_by_the_next() -> None:
    data = signed_by(
        filled(_signed(form_document(rendered())), "text"), _second(), SigningOptions(field="Sig2", box=None)
    )
    _allowed(data, FURTHER, FILLED)
    report, _ = _judged(
        filled(data, "text", value="again")
    )  # the first signer left it open, the second signed the value
    assert FILLED in codes(report.signatures[0])
    assert CHANGED in codes(report.signatures[1])
    assert report.integrity is Integrity.CHANGED


@pytest.mark.parametrize("pdf", [rendered, _packed], ids=["tables", "streams"])
def test_what_was_filled_in_before_signing_stays(pdf: Callable[[], bytes]) -> None:
    """The shadow attack by form filling: a signed sum becomes another, by a picture that only writes."""
    form = form_document(pdf())
    writes = b"BT /Helv 10 Tf 2 2 Td (9000) Tj ET"
    signed = _signed(filled(filled(form, "text", value="1000", picture=writes), "check"))
    _refused(filled(signed, "text", value="9000", picture=writes))
    _refused(filled(signed, "text", value=""))
    unticked = _signed(with_button_set(with_button_kids(pdf()), "/one"))
    _refused(with_button_set(unticked, "/Off"))


def test_titles_stay_and_dates_may_change() -> None:
    """No page shows them, but they are what a window's title and an archive's list say."""
    signed = _signed(rendered())
    number, packet = find_object(signed, b"</x:xmpmeta>")
    for old, new in (
        (b"Motor policy", b"Motor permit"),
        (b"Example Insurance", b"Example Assurance"),
        (b"2026-01-02", b"2026-03-04"),
    ):
        assert len(old) == len(new)
        assert old in packet
        _refused(append_revision(signed, {number: packet.replace(old, new)}))
    reference = re.search(rb"/Info (\d+) 0 R", signed)
    assert reference is not None
    _refused(append_revision(signed, {int(reference[1]): b"<</Title(Another)>>"}))
    twice = signed_by(signed, _second(), SigningOptions(field="Sig2", box=None))
    assert twice.count(b"/ModDate") > signed.count(b"/ModDate")  # pyHanko dates what it appends
    _allowed(twice, FURTHER)


def test_a_signature_as_large_as_a_page_is_believed_of_nobody() -> None:
    twice = signed_by(_signed(rendered()), _second(), SigningOptions(field="Sig2", box=(0, 0, 595, 842)))
    report, found = _judged(twice)
    assert report.integrity is Integrity.UNREADABLE
    assert found == {FURTHER, FindingCode.DRAWN_OVER}


def test_what_was_locked_or_forbidden_stays() -> None:
    form = form_document(rendered())
    _refused(filled(_signed(form, permission=MDPPerm.NO_CHANGES), "text"))
    _refused(filled(_signed(form, lock=FieldMDPSpec(FieldMDPAction.ALL)), "text"))
    _refused(filled(_signed(form, lock=FieldMDPSpec(FieldMDPAction.INCLUDE, ["Remark"])), "text"))
    _allowed(filled(_signed(form, lock=FieldMDPSpec(FieldMDPAction.INCLUDE, ["Other"])), "text"), FILLED)


@pytest.mark.parametrize(
    "picture",
    [
        b"1 1 1 rg 0 0 200 20 re f",
        b"q 0 0 200 20 re W n /Im0 Do Q",
        b"BI /W 1 /H 1 ID x EI",
        b"BT /Helv 10 Tf (unclosed Tj ET",
        b"/P sh",
    ],
)
def test_a_text_fields_picture_writes_text_and_nothing_else(picture: bytes) -> None:
    _refused(filled(_signed(form_document(rendered())), "text", picture=picture))


def test_a_field_as_large_as_a_page_is_no_form() -> None:
    form = form_document(rendered(), box=(0, 0, 595, 842))
    _refused(filled(_signed(form), "text", picture=b"BT /Helv 800 Tf (X) Tj ET"))
    _refused(strangers.with_text_filled_in(_signed(strangers.with_text_field(rendered()))))


def test_nothing_but_its_value_may_change_of_a_field() -> None:
    signed = _signed(form_document(rendered()))
    number, field = find_object(signed, b"(Remark)")
    box = b"[ %d %d %d %d ]" % FIELD_BOX
    assert box in field
    for changed in (
        field.replace(box, b"[ 0 0 595 842 ]"),
        field.replace(b"/FT /Tx", b"/FT /Btn"),
        field.replace(b"(Remark)", b"(Remarks)"),
        field.replace(b"/Subtype /Widget", b"/Subtype /Stamp"),
        field.replace(b"/F 4", b"/F 4\n/MK << /BG [ 1 1 1 ] >>"),
    ):
        assert changed != field
        _refused(append_revision(signed, {number: changed}))


# ---- what is never allowed


def test_annotations_are_changes_where_no_certification_allows_comments() -> None:
    for permission in (None, MDPPerm.NO_CHANGES, MDPPerm.FILL_FORMS):
        signed = _signed(rendered(), permission=permission)
        number, page = find_object(signed, b"/Annots")
        note = b"<</Type/Annot/Subtype/FreeText/Rect[50 50 500 800]/F 4/Contents(x)/DA(/Helv 40 Tf)>>"
        with_note = page.replace(b"/Annots [ ", b"/Annots [ 9100 0 R ")
        assert with_note != page
        _refused(append_revision(signed, {number: with_note, 9_100: note}))


def test_an_empty_field_for_more_text_is_a_change() -> None:
    signed = _signed(rendered())
    report, _ = _judged(with_further_text_field(signed))
    assert report.integrity is Integrity.CHANGED


def test_fonts_of_the_form_are_not_replaced() -> None:
    signed = _signed(form_document(rendered()))
    number, form = find_object(signed, b"/BaseFont /Helvetica")
    _refused(append_revision(signed, {number: form.replace(b"/Helvetica", b"/ZapfDingbats")}))


def test_the_same_objects_once_more_are_a_change() -> None:
    signed = _signed(rendered())
    number, page = (
        find_object(signed, b"/Type /Page\n") if b"/Type /Page\n" in signed else find_object(signed, b"/Annots")
    )
    _refused(append_revision(signed, {number: page}))


def test_a_document_saved_anew_is_not_whole(tmp_path: Path) -> None:
    source, target = tmp_path / "signed.pdf", tmp_path / "saved.pdf"
    source.write_bytes(_signed(rendered()))
    subprocess.run(["qpdf", source, target], check=True)
    report, _ = _judged(target.read_bytes())
    assert report.integrity is Integrity.CHANGED
