"""Forms abused: fields that were never there, or grow, or change what was filled in, beyond what form filling may do.

"Shadow Attacks" (see `shadow_hide`) and "Breaking the Specification" (see `evil_annotation`): viewers call it form
filling. ISO 32000-2, 12.8.2.2: level 2 allows the filling in of fields that exist, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pypdfium2

from tests.fuzz.attacks.alterations import forged_form, with_annotation, written_form
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import HONEST, append
from tests.fuzz.attacks.structure import Structure, stream
from tests.fuzz.benign import later

_GLYPH = stream(b"900 0 0 0 900 900 d1 0 0 900 900 re f")


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """New fields on any document; on those with fields, their properties."""
    structure = document.structure
    yield from _new_fields(structure, chance)
    yield from _filled_over(document, chance)
    for kind in ("/Tx", "/Btn", "/Ch", "/Sig"):
        for number in structure.dictionaries(FT=kind):
            yield from _changed_fields(structure, chance, number)


def _new_fields(structure: Structure, chance: Random) -> Iterator[Attack]:
    page, new = chance.choice(structure.pages), structure.size + chance.randrange(9)
    for kind in (b"Tx", b"Btn", b"Ch"):
        for entries in (b"/V(x)", b"/V(x)/Ff 1", b"/MK<</BG[1 1 1]>>"):
            body = b"<</Type/Annot/Subtype/Widget/FT/%b/T(New%d)/F 4/Rect[%d 40 590 800]/AP<</N %d 0 R>>%b>>" % (
                kind,
                new,
                chance.randrange(99),
                new + 1,
                entries,
            )
            objects = {page: with_annotation(structure, page, new), new: body, new + 1: forged_form(chance)}
            yield Attack(f"a new field /{kind.decode()}", append(structure, objects, chance.choice(HONEST)), shows=True)


def _filled_over(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Somebody signs a form whose empty field lies over a sum; whoever fills it in writes what hides the sum."""
    if document.sign is None or document.permissions == 1:
        return
    box = _box_of_text(document.unsigned)
    if box is None:
        return
    signed = document.sign(later.with_small_field(document.unsigned, box))
    structure = Structure(signed)
    number = next(item for item in structure.dictionaries(FT="/Tx") if structure.entries(item)["/T"] == b"(Remark)")
    new, width, height = structure.size + chance.randrange(9), box[2] - box[0], box[3] - box[1]
    dingbats = b"<</Type/Font/Subtype/Type1/BaseFont/ZapfDingbats>>"
    helvetica = dingbats.replace(b"ZapfDingbats", b"Helvetica")
    text = b"q 1 1 1 rg BT /F %d Tf 0 0 Td (%b) Tj ET Q BT /F 9 Tf 2 4 Td (%d) Tj ET"
    for name, font, matrix, more in (
        ("squares", dingbats, b"", {}),
        ("glyphs that draw", _drawing_font(new), b"", {new + 1: _GLYPH}),
        ("bold letters", helvetica, b"", {}),
        ("letters that are stretched", helvetica, b"/Matrix[%d 0 0 9 0 0]" % chance.randrange(9, 99), {}),
        ("letters of another box", helvetica, b"/BBox[0 0 2 2]", {}),
    ):
        content = text % (chance.randrange(20, 200), b"n" * 30, chance.randrange(10**6))
        frame = matrix if b"BBox" in matrix else b"/BBox[0 0 %d %d]%b" % (width, height, matrix)
        head = b"/Type/XObject/Subtype/Form%b/Resources<</Font<</F%b>>>>" % (frame, font)
        field = structure.dictionary(number, V=b"(9)", AP=b"<</N %d 0 R>>" % new)
        body = {number: field, new: stream(content, head), **more}
        yield Attack(f"a sum hidden by {name}", append(structure, body, chance.choice(HONEST)), shows="squares" in name)


def _box_of_text(pdf: bytes) -> tuple[int, int, int, int] | None:
    """Around the first words of page 1."""
    text = pypdfium2.PdfDocument(pdf)[0].get_textpage()
    boxes = [text.get_charbox(index) for index in range(min(6, text.count_chars()))]
    if not boxes:
        return None
    left, bottom = (int(min(box[side] for box in boxes)) for side in (0, 1))
    return left - 4, bottom - 4, left + 150, bottom + 26


def _drawing_font(new: int) -> bytes:
    """A font whose every letter is a drawing. ISO 32000-1, 9.6.5 (Type 3)."""
    glyphs = b"".join(b"/g%d %d 0 R" % (code, new + 1) for code in range(32, 127))
    names = b"".join(b"/g%d" % code for code in range(32, 127))
    return (
        b"<</Type/Font/Subtype/Type3/FontBBox[0 0 900 900]/FontMatrix[.001 0 0 .001 0 0]/FirstChar 32/LastChar 126"
        b"/Widths[%b]/CharProcs<<%b>>/Encoding<</Differences[32%b]>>/Resources<<>>>>" % (b"900 " * 95, glyphs, names)
    )


def _changed_fields(structure: Structure, chance: Random, number: int) -> Iterator[Attack]:
    new = structure.size + chance.randrange(9)
    picture = {new: forged_form(chance)}
    named = b"<</N %d 0 R>>" % new
    for name, changes, more in (
        ("as large as the page", {"Rect": b"[0 0 595 842]", "AP": named}, picture),
        ("with a forged picture", {"AP": named}, picture),
        ("with a picture for pointing", {"AP": b"<</N %d 0 R/R %d 0 R/D %d 0 R>>" % (new, new, new)}, picture),
        ("on another page", {"P": b"%d 0 R" % structure.pages[-1], "Rect": b"[0 0 90 90]", "AP": named}, picture),
        ("of another kind", {"FT": b"/Btn", "Ff": b"65536", "AP": named}, picture),
        ("with an action", {"A": b"<</S/URI/URI(https://example.org/%d)>>" % chance.randrange(99)}, {}),
        ("with a script", {"AA": b"<</K<</S/JavaScript/JS(app.alert(%d))>>>>" % chance.randrange(99)}, {}),
        (
            "written with glyphs that draw",
            {"V": b"(x)", "AP": named},
            {new: written_form(chance, font=_drawing_font(new)), new + 1: _GLYPH},
        ),
        ("renamed", {"T": b"(Other%d)" % chance.randrange(99)}, {}),
        ("a parent of another", {"Kids": b"[%d 0 R]" % new}, {new: b"<</FT/Tx/T(kid)/V(x)>>"}),
    ):
        body = structure.dictionary(number, **changes)
        yield Attack(f"a field {name}", append(structure, {number: body, **more}, chance.choice(HONEST)))
