"""What common viewers show of a file: page pictures by poppler and by pdfium, two engines without common code, and files.

An oracle for tests: that an attack is real (a viewer shows something else than was signed), and that a lawful change is
none. Not a judge of documents: the product's answer must not depend on what a renderer makes of a hostile file.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pikepdf
import pypdfium2

_DPI = 36
_MAX_PAGES = 8


@dataclass(frozen=True)
class Shown:
    """Digests of page pictures in each engine and of attached files; None where an engine can't open the file."""

    poppler: str | None
    pdfium: tuple[str, ...] | None
    attached: tuple[str, ...] | None

    def differs_from(self, other: Shown) -> bool:
        """True where any engine shows or attaches something else, or another engine opens it at all."""
        return self != other


def shown(pdf: bytes, *, annotations: bool = True) -> Shown:
    """What is seen of the first pages. `annotations` False: page content alone, without widgets and comments."""
    return Shown(_by_poppler(pdf, annotations=annotations), _by_pdfium(pdf, annotations=annotations), _attached(pdf))


def shows_otherwise(pdf: bytes, reference: bytes) -> bool:
    """True as soon as one engine shows or attaches something else; the cheapest question is asked first."""
    return any(
        ask(pdf) != ask(reference)
        for ask in (
            _attached,
            lambda data: _by_pdfium(data, annotations=True),
            lambda data: _by_poppler(data, annotations=True),
        )
    )


def _by_poppler(pdf: bytes, *, annotations: bool) -> str | None:
    command = ["pdftoppm", "-r", str(_DPI), "-gray", "-l", str(_MAX_PAGES)]
    if not annotations:
        command.append("-hide-annotations")
    run = subprocess.run([*command, "-"], input=pdf, capture_output=True, check=False, timeout=60)
    return hashlib.sha256(run.stdout).hexdigest() if run.stdout else None


def _by_pdfium(pdf: bytes, *, annotations: bool) -> tuple[str, ...] | None:
    try:
        document = pypdfium2.PdfDocument(pdf)
    except pypdfium2.PdfiumError:
        return None
    try:
        if annotations:
            document.init_forms()
        return tuple(_pictures(document, annotations=annotations))
    except pypdfium2.PdfiumError:
        return None
    finally:
        document.close()


def _pictures(document: pypdfium2.PdfDocument, *, annotations: bool) -> Iterator[str]:
    yield str(len(document))
    for index in range(min(len(document), _MAX_PAGES)):
        page = document[index]
        bitmap = page.render(scale=_DPI / 72, grayscale=True, may_draw_forms=annotations, draw_annots=annotations)
        yield hashlib.sha256(bytes(bitmap.buffer)).hexdigest()
        bitmap.close()
        page.close()


def _attached(pdf: bytes) -> tuple[str, ...] | None:
    try:
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            files = {name: item.get_file().read_bytes() for name, item in opened.attachments.items()}
    except (pikepdf.PdfError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return tuple(f"{name} {hashlib.sha256(content).hexdigest()}" for name, content in sorted(files.items()))
