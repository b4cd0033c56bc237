"""Fields that are filled in after a signature: text in its own place is lawful, drawings are changes, and over text it is left open.

Threat: T5.
"""

from __future__ import annotations

from functools import cache

import pytest

from signer.findings import FindingCode
from signer.pades.evidence import Integrity, Verdict
from tests.fuzz.attacks.revisions import append
from tests.fuzz.attacks.structure import Structure, stream
from tests.fuzz.attacks.targets import stranger
from tests.fuzz.benign.later import filled_in, with_small_field
from tests.fuzz.hostile_pdfs import with_pages
from tests.fuzz.rendered_documents import rendered
from tests.fuzz.sealed_documents import RSA
from tests.fuzz.strangers import SigningOptions, signed_by
from tests.unit.pades.inspecting import inspect

CHANGED, OVER, FILLED = FindingCode.CHANGED_AFTER_SIGNING, FindingCode.FILLED_OVER, FindingCode.FORM_FILLED
_HELVETICA = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
_TYPE3 = (
    b"<</Type/Font/Subtype/Type3/FontMatrix[1 0 0 1 0 0]/CharProcs<<>>/Encoding<<>>/FirstChar 0/LastChar 0/Widths[0]>>"
)
_BOX = b"/BBox[0 0 200 30]"


@cache
def _form() -> bytes:
    return signed_by(with_small_field(rendered()), stranger(RSA), SigningOptions(box=None))


def _filled(frame: bytes = _BOX, fonts: bytes = b"/F" + _HELVETICA, content: bytes = b"BT /F 9 Tf (x) Tj ET") -> bytes:
    structure = Structure(_form())
    number, new = next(structure.dictionaries(FT="/Tx")), structure.size
    picture = stream(content, b"/Type/XObject/Subtype/Form%b/Resources<</Font<<%b>>>>" % (frame, fonts))
    field = structure.dictionary(number, V=b"(x)", AP=b"<</N %d 0 R>>" % new)
    return append(structure, {number: field, new: picture})


def _found(data: bytes) -> tuple[Integrity, set[FindingCode]]:
    report = inspect(data, stranger(RSA))
    (signature,) = report.signatures
    return report.integrity, {item.code for item in signature.findings} & {CHANGED, OVER, FILLED}


@pytest.mark.parametrize(
    "frame",
    [
        _BOX,
        b"/BBox[1 1 200 30]",
        b"/BBox[100 50 300 80]",
        b"/BBox[0 0 200 30]/Matrix[1 0 0 1 7 7]",
        b"/BBox[0 0 30 200]/Matrix[0 1 -1 0 200 0]",
        b"/BBox[0 0 200 30]/Matrix[-1 0 0 -1 200 30]",
    ],
)
def test_text_in_the_fields_own_box_is_lawful(frame: bytes) -> None:
    assert _found(_filled(frame)) == (Integrity.WHOLE, {FILLED})


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"/BBox[0 0 2 2]",
        b"/BBox[0 0 595 842]",
        b"/BBox[0 0 200 30]/Matrix[9 0 0 9 0 0]",
        b"/BBox[0 0 200 30]/Matrix[0 1 -1 0 200 0]",
        b"/BBox[0 0 200 30]/Matrix[.7 .7 -.7 .7 0 0]",
        b"/BBox[0 0 (x) 30]",
    ],
)
def test_a_picture_that_readers_would_stretch_is_a_change(frame: bytes) -> None:
    assert _found(_filled(frame)) == (Integrity.CHANGED, {CHANGED})


@pytest.mark.parametrize(
    "font",
    [
        _TYPE3,
        _TYPE3.replace(b"/Type3", b"/Type1"),
        b"<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[%b]>>" % _TYPE3,
        b"7",
    ],
)
def test_letters_that_are_drawings_are_changes(font: bytes) -> None:
    assert _found(_filled(fonts=b"/F" + font)) == (Integrity.CHANGED, {CHANGED})
    structure = Structure(_form())
    number = next(structure.dictionaries(FT="/Tx"))
    root = structure.dictionary(structure.root)
    assert b"/Helv " in root
    with_font = root.replace(b"/Helv ", b"/Mine %b/Helv " % font, 1)
    field = structure.dictionary(number, V=b"(x)", DA=b"(/Mine 10 Tf)")
    assert _found(append(structure, {structure.root: with_font, number: field})) == (Integrity.CHANGED, {CHANGED})


def _over(text: bytes) -> bytes:
    """A signed form whose field lies where that text stands."""
    resources = b"/Resources<</Font<</F%b>>>>" % _HELVETICA
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R%b>>" % resources
    first = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>"
    drawn = stream(b"BT /F 12 Tf 70 110 Td (%b) Tj ET" % text)
    return with_pages(b"3 0 R 5 0 R", 2, {3: page, 4: drawn, 5: first})


@pytest.mark.parametrize("text", [b"Sum insured 1,000", b"1", b"not"])
def test_a_field_over_text_leaves_open_what_it_hides(text: bytes) -> None:
    signed = signed_by(with_small_field(_over(text)), stranger(RSA), SigningOptions(box=None))
    assert inspect(signed, stranger(RSA)).integrity is Integrity.WHOLE
    data = filled_in(signed, "nnnnnnnnnnnn")
    assert _found(data) == (Integrity.UNREADABLE, {FILLED, OVER})
    (signature,) = inspect(data, stranger(RSA)).signatures
    assert signature.verdict is Verdict.INDETERMINATE
    assert not signature.trusted


@pytest.mark.parametrize("text", [b"__________", b"......", b""])
def test_placeholders_are_made_to_be_written_over(text: bytes) -> None:
    signed = signed_by(with_small_field(_over(text)), stranger(RSA), SigningOptions(box=None))
    assert _found(filled_in(signed, "seen")) == (Integrity.WHOLE, {FILLED})


def test_text_beside_the_field_does_not_matter() -> None:
    beside = _over(b"Sum").replace(b"70 110 Td", b"70 131 Td")
    signed = signed_by(with_small_field(beside), stranger(RSA), SigningOptions(box=None))
    assert _found(filled_in(signed, "seen")) == (Integrity.WHOLE, {FILLED})
