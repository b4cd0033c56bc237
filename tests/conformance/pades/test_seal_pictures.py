"""Documents sealed with pictures from files, judged by programs that others wrote: qpdf, poppler, PDFium, pikepdf, pyHanko.

No full PDF/A validator was at hand: what is looked at is what PDF/A-3 (ISO 19005-3, 6.2) says about images, colours and transparency.
"""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from asn1crypto import x509
from PIL import Image, ImageChops, ImageStat
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from policy_render.picture_drawing import draw_picture
from policy_render.seal_appearance import SealAppearance, round_seal
from signer.algorithms import digest_name
from signer.cms.signed_data import Identifiers, SignedDataBuilder
from signer.pades.embed import BoxPlace, CrossPagePlace, prepare
from signer.pades.shape import check_shape
from tests.fuzz.rendered_documents import rendered
from tests.fuzz.sealed_documents import RSA, SIGNED_AT, own_pki
from tests.seal_picture_files import OVAL_ASPECT, drawn_svg, oval_svg, png, ring

_WIDTH_MM, _CENTRE_MM = 60.0, (105.0, 150.0)
_DOTS_PER_MM = 4
_FILES = {
    "png-rgba": png(ring()),
    "png-rgb": png(ring("RGB")),
    "png-grey-alpha": png(ring("LA")),
    "png-grey": png(ring("L")),
    "png-palette": png(ring("P")),
    "png-palette-alpha": png(ring().quantize(32, method=Image.Quantize.FASTOCTREE)),
    "svg-drawn": drawn_svg(),
    "svg-oval": oval_svg(),
}
every_file = pytest.mark.parametrize("name", _FILES)


def _sealed(content: bytes, *places: BoxPlace | CrossPagePlace) -> bytes:
    return _sealed_with(draw_picture(content), *places)


def _sealed_with(picture: SealAppearance, *places: BoxPlace | CrossPagePlace) -> bytes:
    prepared = prepare(
        rendered(2),
        appearance=picture,
        places=places or (BoxPlace(1, *_CENTRE_MM, _WIDTH_MM),),
        signer_name="示例财产保险股份有限公司",
        signed_at=SIGNED_AT,
        certification=1,
    )
    pki = own_pki(RSA)
    builder = SignedDataBuilder.for_certificate(pki.certificate, pki.chain, RSA, identifiers=Identifiers.RFC_5652)
    return prepared.fill(builder.build(prepared.digest(digest_name(RSA)), pki.key.sign, content=None))


@every_file
def test_qpdf_poppler_pyhanko_and_our_gate_agree_on_it(name: str, tmp_path: Path) -> None:
    data = _sealed(_FILES[name])
    assert len(check_shape(data).signatures) == 1
    file = tmp_path / "sealed.pdf"
    file.write_bytes(data)
    checked = subprocess.run(["qpdf", "--check", file], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    said = subprocess.run(["pdfsig", file], capture_output=True, text=True, check=True).stdout
    assert "Signature is Valid." in said
    assert "Total document signed" in said
    context = ValidationContext(trust_roots=[x509.Certificate.load(own_pki(RSA).root)], allow_fetching=False)
    (signature,) = PdfFileReader(io.BytesIO(data)).embedded_signatures
    assert validate_pdf_signature(signature, signer_validation_context=context).bottom_line


def _poppler(data: bytes, folder: Path, page: int = 1) -> Image.Image:
    (folder / "page.pdf").write_bytes(data)
    command = ["pdftoppm", "-r", f"{_DOTS_PER_MM * 25.4}", "-f", str(page), "-l", str(page), "-png", "-singlefile"]
    subprocess.run([*command, folder / "page.pdf", folder / "page"], check=True, capture_output=True)
    return Image.open(folder / "page.png").convert("RGB")


def _pdfium(data: bytes, page: int = 1) -> Image.Image:
    document = pypdfium2.PdfDocument(data)
    document.init_forms()  # without them PDFium shows no widgets
    picture: Image.Image = document[page - 1].render(scale=_DOTS_PER_MM * 25.4 / 72, may_draw_forms=True).to_pil()
    return picture.convert("RGB")


def _cut(page: Image.Image, aspect: float) -> Image.Image:
    """The place of the seal, brought to one size."""
    x, y = (value * _DOTS_PER_MM for value in _CENTRE_MM)
    half = _WIDTH_MM * _DOTS_PER_MM / 2
    box = (round(x - half), round(y - half * aspect), round(x + half), round(y + half * aspect))
    return page.crop(box).resize((360, round(360 * aspect)))


def _expected(name: str) -> Image.Image:
    """The picture of a PNG on white paper."""
    white = Image.new("RGBA", (400, 400), "white")
    white.alpha_composite(Image.open(io.BytesIO(_FILES[name])).convert("RGBA"))
    return white.convert("RGB").resize((360, 360))


def _difference(one: Image.Image, other: Image.Image) -> float:
    """The mean over all pixels and channels, of 255. Edges differ between engines, so no single pixel counts."""
    return float(sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3)


@every_file
def test_poppler_and_pdfium_show_the_picture_in_its_place(name: str, tmp_path: Path) -> None:
    data = _sealed(_FILES[name])
    aspect = OVAL_ASPECT if name == "svg-oval" else 1.0
    shown = [_cut(_poppler(data, tmp_path), aspect), _cut(_pdfium(data), aspect)]
    assert _difference(*shown) < 8
    white = Image.new("RGB", shown[0].size, "white")
    assert all(_difference(each, white) > 15 for each in shown)
    if name.startswith("png"):
        assert all(_difference(each, _expected(name)) < 4 for each in shown)
    if name == "svg-drawn":
        drawn = round_seal("示例财产保险股份有限公司理赔中心", caption="理赔专用章")
        assert _difference(shown[0], _cut(_poppler(_sealed_with(drawn), tmp_path), aspect)) < 4


def test_the_ground_shows_through_where_a_picture_is_transparent(tmp_path: Path) -> None:
    at_the_title = BoxPlace(1, 30, 28, 24)
    for content, darkens in ((png(ring()), False), (png(ring("RGB")), True)):
        covered = _poppler(_sealed(content, at_the_title), tmp_path)
        plain = _poppler(rendered(2), tmp_path)
        box = (23 * _DOTS_PER_MM, 25 * _DOTS_PER_MM, 26 * _DOTS_PER_MM, 29 * _DOTS_PER_MM)
        ground, seen = plain.crop(box), covered.crop(box)
        assert ImageStat.Stat(ground.convert("L")).extrema[0][0] < 100  # the title's letters
        assert (_difference(ground, seen) > 5) == darkens


@pytest.mark.parametrize("name", ["png-rgba", "svg-oval"])
def test_strips_put_side_by_side_are_the_picture(name: str, tmp_path: Path) -> None:
    aspect = OVAL_ASPECT if name == "svg-oval" else 1.0
    whole = _cut(_poppler(_sealed(_FILES[name]), tmp_path), aspect)
    data = _sealed(_FILES[name], CrossPagePlace(150, _WIDTH_MM))
    joined = Image.new("RGB", (round(_WIDTH_MM * _DOTS_PER_MM), round(_WIDTH_MM * aspect * _DOTS_PER_MM)))
    for page in (1, 2):
        picture = _poppler(data, tmp_path, page)
        half, top = joined.width // 2, round(150 * _DOTS_PER_MM - joined.height / 2)
        strip = picture.crop((picture.width - half, top, picture.width, top + joined.height))
        joined.paste(strip, ((page - 1) * half, 0))
    assert _difference(joined.resize(whole.size), whole) < 6


def _streams(data: bytes) -> Iterator[pikepdf.Stream]:
    """Of the update alone: the picture's."""
    with pikepdf.open(io.BytesIO(data)) as pdf, pikepdf.open(io.BytesIO(rendered(2))) as before:
        for item in list(pdf.objects)[len(before.objects) :]:
            if isinstance(item, pikepdf.Stream):
                yield item


def _is_tied_to_a_profile(space: Any) -> bool:
    """ICCBased, or grey, which the output intent covers."""
    if isinstance(space, pikepdf.Array):
        return str(space[0]) == "/ICCBased" and int(space[1].N) in {1, 3}
    return str(space) == "/DeviceGray"


def _entry(dictionary: Any, name: str) -> Any:
    return dictionary[name] if name in dictionary else pikepdf.Dictionary()


@every_file
def test_images_and_colours_are_as_pdf_a_has_them(name: str) -> None:
    kinds = []
    for stream in _streams(_sealed(_FILES[name])):
        kind = str(_entry(stream, "/Subtype"))
        kinds.append(kind)
        assert kind != "/PS"
        assert not {"/OPI", "/Ref", "/Alternates", "/Interpolate"} & set(stream.keys())
        if kind == "/Image":
            assert int(stream.BitsPerComponent) == 8
            assert _is_tied_to_a_profile(stream.ColorSpace)
        group = _entry(stream, "/Group")
        assert "/CS" not in group or _is_tied_to_a_profile(group.CS)
        resources = _entry(stream, "/Resources")
        assert "/Font" not in resources
        spaces = _entry(resources, "/ColorSpace")
        assert all(_is_tied_to_a_profile(spaces[key]) for key in spaces.keys())  # noqa: SIM118 - no mapping of Python's
    assert "/Form" in kinds
    assert ("/Image" in kinds) == name.startswith("png")
