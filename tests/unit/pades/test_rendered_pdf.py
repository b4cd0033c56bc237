"""The embedder's reader: finds pages in what Typst writes, and refuses what is laid out in any other way."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from signer.errors import Reason
from signer.pades.rendered_pdf import PdfLayoutError, RenderedPdf
from tests.fuzz.hostile_pdfs import append_revision
from tests.fuzz.rendered_documents import rendered


def test_finds_every_page_and_no_other() -> None:
    pdf = RenderedPdf.read(rendered(30))
    numbers = [pdf.page_object(page) for page in range(1, 31)]
    assert len(set(numbers)) == 30
    assert [pdf.page_object(page) for page in (-1, 0, 31, 10**9)] == [None] * 4


def test_pages_are_found_in_their_order() -> None:
    data = rendered(3)
    pdf = RenderedPdf.read(data)
    (kids,) = re.findall(rb"/Kids\[([0-9 R]+)\]", data)
    order = [int(number) for number in kids.split(b" 0 R") if number]
    assert [pdf.page_object(page) for page in (1, 2, 3)] == order


def test_finds_pages_in_a_nested_tree() -> None:
    pdf = RenderedPdf.read(_nested())
    assert [pdf.page_object(page) for page in range(1, 7)] == [4, 5, 6, 8, 9, None]


def test_a_tree_whose_counts_do_not_add_up_is_refused() -> None:
    pdf = RenderedPdf.read(_nested().replace(b"/Count 5", b"/Count 7"))
    with pytest.raises(PdfLayoutError):
        pdf.page_object(6)


def test_a_tree_in_a_circle_is_refused() -> None:
    pdf = RenderedPdf.read(_nested().replace(b"7 0 R 10 0 R", b"2 0 R 10 0 R"))
    with pytest.raises(PdfLayoutError):
        pdf.page_object(5)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda pdf: b"",
        lambda pdf: pdf[:-1],
        lambda pdf: pdf + b"\n",
        lambda pdf: b"\n" + pdf,
        lambda pdf: pdf.replace(b"%PDF-1.7", b"%PDF-2.0"),
        lambda pdf: append_revision(pdf, {1: b"<<>>"}),
        lambda pdf: re.sub(rb"startxref\n\d+", b"startxref\n17", pdf),
        lambda pdf: re.sub(rb"/Size \d+", b"/Size 3", pdf),
        lambda pdf: pdf.replace(b"/Title(Motor policy)", b"/Title(/ByteRange [])"),
        lambda pdf: pdf.replace(b"/StructTreeRoot", b"/AcroForm 1 0 R"),
    ],
)
def test_other_layouts_are_refused(spoil: Callable[[bytes], bytes]) -> None:
    spoiled = spoil(rendered())
    assert spoiled != rendered()
    with pytest.raises(PdfLayoutError) as caught:
        RenderedPdf.read(spoiled)
    assert caught.value.reason is Reason.LAYOUT_UNKNOWN
    assert caught.value.remedy


def test_turned_and_cropped_pages_are_refused() -> None:
    for word in (b"/Rotate 90", b"/CropBox[0 0 1 1]", b"/UserUnit 2"):
        pdf = RenderedPdf.read(_replace_same_length(rendered(), b"/Type/Page/Resources", b"/Type/Page", word))
        page = pdf.page_object(1)
        assert page is not None
        with pytest.raises(PdfLayoutError):
            pdf.media_box(page)


def _replace_same_length(data: bytes, old: bytes, kept: bytes, word: bytes) -> bytes:
    """Puts a word behind `kept` and takes as many bytes from what follows, so that the table still holds."""
    start = data.index(old) + len(kept)
    return data[:start] + word + data[start + len(word) :]


def _nested() -> bytes:
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>"
    bodies = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Count 5/Kids[3 0 R 6 0 R 7 0 R 10 0 R]>>",
        3: b"<</Type/Pages/Count 2/Kids[4 0 R 5 0 R]>>",
        4: page,
        5: page,
        6: page,
        7: b"<</Type/Pages/Count 1/Kids[8 0 R]>>",
        8: page,
        9: page,
        10: b"<</Type/Pages/Count 1/Kids[9 0 R]>>",
    }
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in bodies.items():
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 11\n0000000000 65535 f\r\n" + b"".join(b"%010d 00000 n\r\n" % offset for offset in offsets)
    out += b"trailer\n<</Size 11/Root 1 0 R/ID[(YQ==)(YQ==)]>>\nstartxref\n%d\n%%%%EOF" % start
    return bytes(out)
