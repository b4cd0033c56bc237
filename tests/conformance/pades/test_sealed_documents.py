"""What the embedder makes, judged by programs that others wrote: qpdf, poppler, OpenSSL, pyHanko, pikepdf, GmSSL.

Threat: T5.
"""

from __future__ import annotations

import io
import re
import subprocess
from pathlib import Path

import pikepdf
import pytest
from asn1crypto import pem, x509
from PIL import Image
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext

from signer.algorithms import SignatureAlgorithm
from signer.pades.embed import BoxPlace
from signer.pades.pyhanko_sm2 import register_names
from signer.pades.shape import check_shape
from tests.conformance.pades.gmssl_validator import GmsslValidator
from tests.fuzz.rendered_documents import rendered
from tests.fuzz.sealed_documents import PLACES, RSA, SM2, own_pki, seal, sealed

BOTH = pytest.mark.parametrize("algorithm", [SM2, RSA], ids=["sm2", "rsa"])
_MANY_PLACES = tuple(BoxPlace(page, 30 + 10 * page, 60 + 15 * page, 30) for page in range(1, 13))


def _variants(algorithm: SignatureAlgorithm) -> dict[str, bytes]:
    pki = own_pki(algorithm)
    return {
        "two places": sealed(algorithm),
        "invisible": seal(rendered(), pki, ()),
        "with links": seal(rendered(2, link=True), pki),
        "a long one": seal(rendered(12), pki, _MANY_PLACES),
        "without attachment": seal(rendered(attachment=False), pki, PLACES[:1]),
    }


@BOTH
def test_qpdf_finds_nothing_wrong(algorithm: SignatureAlgorithm, tmp_path: Path) -> None:
    for name, data in _variants(algorithm).items():
        file = tmp_path / "sealed.pdf"
        file.write_bytes(data)
        checked = subprocess.run(["qpdf", "--check", file], capture_output=True, text=True)
        assert checked.returncode == 0, (name, checked.stdout, checked.stderr)
        assert "No syntax or stream encoding errors found" in checked.stdout


def test_poppler_says_valid_and_all_signed(tmp_path: Path) -> None:
    for name, data in _variants(RSA).items():
        file = tmp_path / "sealed.pdf"
        file.write_bytes(data)
        said = subprocess.run(["pdfsig", file], capture_output=True, text=True, check=True).stdout
        assert "Signature is Valid." in said, name
        assert "Total document signed" in said
        assert "Signature Type: ETSI.CAdES.detached" in said
        assert "Signing Hash Algorithm: SHA-256" in said
        assert "CN=Example Insurance Seal" in said


def test_poppler_sees_a_changed_copy(tmp_path: Path) -> None:
    data = bytearray(sealed(RSA))
    position = data.index(b"Motor policy")
    data[position : position + 1] = b"N"
    file = tmp_path / "changed.pdf"
    file.write_bytes(data)
    said = subprocess.run(["pdfsig", file], capture_output=True, text=True, check=True).stdout
    assert "Signature is Valid." not in said


def test_openssl_verifies_the_cms_against_the_root(tmp_path: Path) -> None:
    data = sealed(RSA)
    (shape,) = check_shape(data).signatures
    (tmp_path / "content").write_bytes(data[: shape.gap_start] + data[shape.gap_end :])
    (tmp_path / "cms").write_bytes(shape.content)
    (tmp_path / "root.pem").write_bytes(pem.armor("CERTIFICATE", own_pki(RSA).root))
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "cms", "-content", "content"]
    command += ["-CAfile", "root.pem", "-purpose", "any", "-cades", "-out", "out"]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    assert "successful" in checked.stderr


def _pyhanko(data: bytes, algorithm: SignatureAlgorithm) -> PdfSignatureStatus:
    register_names()
    root = x509.Certificate.load(own_pki(algorithm).root)
    context = ValidationContext(trust_roots=[root], allow_fetching=False, signature_validator=GmsslValidator())
    (signature,) = PdfFileReader(io.BytesIO(data)).embedded_signatures
    return validate_pdf_signature(signature, signer_validation_context=context)


@BOTH
def test_pyhanko_says_valid_intact_trusted(algorithm: SignatureAlgorithm) -> None:
    for name, data in _variants(algorithm).items():
        status = _pyhanko(data, algorithm)
        assert status.bottom_line, name
        assert status.intact
        assert status.valid
        assert status.trusted
        assert status.coverage is not None
        assert status.coverage.name == "ENTIRE_FILE"
        assert status.md_algorithm == ("sm3" if algorithm is SM2 else "sha256")


@BOTH
def test_pyhanko_sees_a_changed_copy(algorithm: SignatureAlgorithm) -> None:
    changed = sealed(algorithm).replace(b"Motor policy", b"Motor Policy")
    assert not _pyhanko(changed, algorithm).intact


def test_the_original_revision_is_the_rendered_document() -> None:
    shape = check_shape(sealed(SM2))
    assert sealed(SM2)[: shape.original_length] == rendered()


@BOTH
def test_annotations_are_as_pdf_a_wants_them(algorithm: SignatureAlgorithm) -> None:
    """ISO 19005-3, 6.3 and 6.4: printed, neither hidden nor without an appearance, no actions, none on demand."""
    for data in _variants(algorithm).values():
        with pikepdf.open(io.BytesIO(data)) as pdf:
            form = pdf.Root.AcroForm
            assert "/NeedAppearances" not in form
            assert int(form.SigFlags) == 3
            assert len(form.Fields) == 1
            for page in pdf.pages:
                for annotation in page.get("/Annots", []):
                    if annotation.Subtype in {"/Widget", "/Stamp"}:
                        _check_annotation(annotation, page)


def _check_annotation(annotation: pikepdf.Object, page: pikepdf.Page) -> None:
    flags = int(annotation.F)
    assert flags & 4, "Print"
    assert not flags & (1 | 2 | 32), "Invisible, Hidden, NoView"
    assert list(annotation.AP.keys()) == ["/N"]
    assert annotation.AP.N.Subtype == "/Form"
    assert "/A" not in annotation
    assert "/AA" not in annotation
    assert annotation.P.objgen == page.objgen


def test_the_field_tells_a_reader_what_it_is() -> None:
    with pikepdf.open(io.BytesIO(sealed(SM2))) as pdf:
        field = pdf.Root.AcroForm.Fields[0]
        assert str(field.TU).startswith("电子签章")
        assert str(field.V.Name) == "示例财产保险股份有限公司"
        assert str(field.V.Reason) == "签发电子保单"
        stamp = next(item for item in pdf.pages[1].Annots if item.Subtype == "/Stamp")
        assert "电子签章" in str(stamp.Contents)


def test_metadata_and_attachment_survive(tmp_path: Path) -> None:
    with pikepdf.open(io.BytesIO(sealed(RSA))) as pdf, pdf.open_metadata() as metadata:
        assert metadata.pdfa_status == "3B"
        assert pdf.attachments["policy.json"].get_file().read_bytes() == b'{"policy": "P-1"}'
        assert len(pdf.Root.OutputIntents) == 1


def test_the_seal_can_be_seen_where_it_belongs(tmp_path: Path) -> None:
    """Red where the picture stands, on both pages and in print; nowhere else, and nothing in an invisible signature."""
    for name, data, red in (("seen", sealed(RSA), True), ("invisible", seal(rendered(), own_pki(RSA), ()), False)):
        (tmp_path / f"{name}.pdf").write_bytes(data)
        for page, place in enumerate(PLACES, 1):
            inside, outside = _reds(_draw(tmp_path / f"{name}.pdf", page), place)
            assert (inside > 200) == red
            assert outside == 0


def _draw(file: Path, page: int) -> Image.Image:
    command = ["pdftoppm", "-r", "50", "-png", "-f", str(page), "-l", str(page), str(file)]
    drawn = subprocess.run(command, capture_output=True, check=True).stdout
    return Image.open(io.BytesIO(drawn)).convert("RGB")


def _reds(picture: Image.Image, place: BoxPlace) -> tuple[int, int]:
    """Reddish pixels where the seal belongs, and elsewhere."""
    per_mm = picture.width / 210
    reach = place.width_mm / 2 + 1
    inside = outside = 0
    for index, (red, green, blue) in enumerate(re.findall(rb"(?s)(.)(.)(.)", picture.tobytes())):
        if red[0] > 150 and green[0] < 120 and blue[0] < 120:
            y, x = divmod(index, picture.width)
            near = abs(x / per_mm - place.x_mm) <= reach and abs(y / per_mm - place.y_mm) <= reach
            inside, outside = inside + near, outside + (not near)
    return inside, outside
