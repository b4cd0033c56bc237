"""Unsigned PDFs as programs other than ours write them: Typst, qpdf, poppler and cairo, pdfium, Pillow, and by hand.

Not here: reportlab, Ghostscript, LibreOffice and browsers, none of which the project's machines have.
"""

from __future__ import annotations

import io
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import typst
from PIL import Image, ImageDraw

from tests.fuzz import strangers
from tests.fuzz.hostile_pdfs import pages
from tests.fuzz.hybrid_pdf import hybrid_pdf
from tests.fuzz.rendered_documents import rendered

_TEXT = """
#set page(paper: "a5")
#for page in range({count}) [= Part #page
  #lorem(60)
  #pagebreak(weak: true)]
"""


def _typst(count: int, *standards: Any) -> bytes:
    pdf: bytes = typst.compile(
        _TEXT.format(count=count).encode(), format="pdf", pdf_standards=list(standards), ignore_system_fonts=True
    )
    return pdf


def _qpdf(source: Callable[[], bytes], *options: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before.pdf"), Path(folder, "after.pdf")
        before.write_bytes(source())
        subprocess.run(["qpdf", "--static-id", *options, before, after], check=True)
        return after.read_bytes()


def _poppler(source: Callable[[], bytes], *command: str) -> bytes:
    """`{}` in the command: the file; the last argument is what it makes."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before.pdf"), Path(folder, "after-1.pdf")
        before.write_bytes(source())
        made = Path(folder, "after-%d.pdf") if command[0] == "pdfseparate" else after
        named = [str(before) if part == "{}" else part for part in command]
        subprocess.run([*named, str(made)], check=True, capture_output=True)
        return after.read_bytes()


def _pdfium(source: Callable[[], bytes]) -> bytes:
    document = pypdfium2.PdfDocument(source())
    output = io.BytesIO()
    document.save(output)
    document.close()
    return output.getvalue()


def _pillow(count: int) -> bytes:
    images = []
    for index in range(count):
        image = Image.new("RGB", (400, 560), "white")
        ImageDraw.Draw(image).text((40, 40 + index), f"Scanned page {index}", fill="black")
        images.append(image)
    output = io.BytesIO()
    images[0].save(output, "PDF", save_all=True, append_images=images[1:])
    return output.getvalue()


def _pikepdf(count: int, **options: Any) -> bytes:
    pdf = pikepdf.new()
    for _ in range(count):
        pdf.add_blank_page(page_size=(300, 400))
    output = io.BytesIO()
    pdf.save(output, static_id=True, **options)
    return output.getvalue()


SOURCES: dict[str, Callable[[], bytes]] = {
    "typst": partial(_typst, 2),
    "typst 1.4": partial(_typst, 1, "1.4"),
    "typst 2.0": partial(_typst, 1, "2.0"),
    "typst A-2b": partial(_typst, 3, "a-2b"),
    "typst A-3b": rendered,
    "typst with links": partial(rendered, 3, link=True),
    "typst, 40 pages": partial(_typst, 40),
    "qpdf": partial(_qpdf, rendered),
    "qpdf, linearised": partial(_qpdf, rendered, "--linearize"),
    "qpdf, object streams": partial(_qpdf, rendered, "--object-streams=generate"),
    "qpdf, both": partial(_qpdf, partial(_typst, 4), "--linearize", "--object-streams=generate"),
    "qpdf, readable": partial(_qpdf, rendered, "--qdf", "--object-streams=disable"),
    "qpdf, uncompressed": partial(_qpdf, rendered, "--stream-data=uncompress", "--newline-before-endstream"),
    "qpdf, one page of many": partial(_qpdf, partial(_typst, 9), "--pages", ".", "3-4", "--"),
    "pikepdf": partial(_pikepdf, 1),
    "pikepdf, 300 pages": partial(_pikepdf, 300),
    "pikepdf, 300 packed": partial(_pikepdf, 300, object_stream_mode=pikepdf.ObjectStreamMode.generate),
    "poppler, a page": partial(_poppler, rendered, "pdfseparate", "-f", "1", "-l", "1", "{}"),
    "poppler, united": partial(_poppler, rendered, "pdfunite", "{}", "{}"),
    "cairo": partial(_poppler, rendered, "pdftocairo", "-pdf", "{}"),
    "pdfium": partial(_pdfium, rendered),
    "pillow": partial(_pillow, 2),
    "by hand": partial(pages, 3),
    "hybrid": hybrid_pdf,
    "hybrid, three pages": partial(hybrid_pdf, 3),
    "hybrid, as word processors write it": partial(hybrid_pdf, 2, update=True),
    "form": lambda: strangers.with_text_field(rendered()),
}


@cache
def source(name: str) -> bytes:
    """One of them, made once."""
    return SOURCES[name]()
