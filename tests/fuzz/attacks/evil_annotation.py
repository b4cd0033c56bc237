"""Evil annotations: a certified document whose author allows comments gets some that look like its content.

S. Rohlmann, V. Mladenov, C. Mainka, J. Schwenk: "Breaking the Specification: PDF Certification", IEEE S&P 2021, attack
EAA: annotations that DocMDP level 3 allows (ISO 32000-2, 12.8.2.2) show text, pictures and files.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.alterations import forged_form, with_annotation
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import HONEST, append
from tests.fuzz.attacks.structure import Structure

_KINDS = (
    b"FreeText",
    b"Stamp",
    b"Redact",
    b"Ink",
    b"Highlight",
    b"Square",
    b"Polygon",
    b"Line",
    b"Caret",
    b"FileAttachment",
    b"Text",
    b"Link",
    b"Widget",
    b"Watermark",
    b"Screen",
    b"3D",
    b"Unheard-Of",
)


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Each kind over a page, in ways that hide that it is an annotation; and changes of those that are there."""
    structure = document.structure
    page = chance.choice(structure.pages)
    new = structure.size + chance.randrange(9)
    for kind in _KINDS:
        flags = chance.choice([4, 68, 132, 196, 196 + 512])  # print; read only, locked, contents locked
        body = (
            b"<</Type/Annot/Subtype/%b/F %d/Rect[%d %d 595 842]/AP<</N %d 0 R>>/Contents(Sum insured)/T(author)"
            b"/DA(/Helv 12 Tf)/QuadPoints[0 0 595 0 0 842 595 842]/InkList[[0 0 9 9]]/Vertices[0 0 9 9 9 0]/L[0 0 9 9]>>"
            % (kind, flags, chance.randrange(90), chance.randrange(90), new + 1)
        )
        objects = {page: with_annotation(structure, page, new), new: body, new + 1: forged_form(chance)}
        yield Attack(f"{kind.decode()} over the page", append(structure, objects, chance.choice(HONEST)), shows=True)
    yield from _without_appearance(structure, chance, page, new)
    yield from _abused_notes(structure, chance, page, new)
    yield from _changed(structure, chance)


def _abused_notes(structure: Structure, chance: Random, page: int, new: int) -> Iterator[Attack]:
    """Notes, which may pass for harmless icons, that are none."""
    left, bottom = chance.randrange(60, 500), chance.randrange(60, 700)
    small = b"/Rect[%d %d %d %d]" % (left, bottom, left + 20, bottom + 20)
    picture = {new + 1: forged_form(chance)}
    for name, entries, more in (
        ("with a picture", small + b"/AP<</N %d 0 R>>" % (new + 1), picture),
        ("with a picture by state", small + b"/AS/On/AP<</N<</On %d 0 R>>>>" % (new + 1), picture),
        ("as large as a page", b"/Rect[0 0 595 842]", {}),
        ("without end", b"/Rect[%d %d 1e9 1e9]" % (left, bottom), {}),
        ("that is open", small + b"/Open true/Popup<</Subtype/Popup/Open true/Rect[0 0 595 842]>>", {}),
        ("of an icon of its own", small + b"/Name/Forged%d" % chance.randrange(99), {}),
        ("with an action", small + b"/A<</S/URI/URI(https://example.org/%d)>>" % chance.randrange(99), {}),
        ("with a frame", small + b"/BS<</W %d>>" % chance.randrange(90, 900), {}),
    ):
        body = b"<</Type/Annot/Subtype/Text/F 4/Contents(seen)%b>>" % entries
        objects = {page: with_annotation(structure, page, new), new: body, **more}
        yield Attack(f"a note {name}", append(structure, objects, chance.choice(HONEST)))
    tiles = {
        new + at: b"<</Type/Annot/Subtype/Text/F 4/Rect[%d %d %d %d]>>" % (20 * at, bottom, 20 * at + 20, bottom + 20)
        for at in range(chance.randrange(21, 29))
    }
    tiled = {page: with_annotation(structure, page, *tiles), **tiles}
    yield Attack("a row of notes", append(structure, tiled, chance.choice(HONEST)))
    noted = {page: with_annotation(structure, page, new), new: b"<</Type/Annot/Subtype/Text/Rect[9 9 29 29]>>"}
    shown = structure.entries(page).get("/Contents", b"null")
    noted[page] = noted[page].replace(b"/Contents " + shown, b"/Contents []")
    yield Attack("a note, and the page emptied", append(structure, noted, chance.choice(HONEST)), shows=True)


def _without_appearance(structure: Structure, chance: Random, page: int, new: int) -> Iterator[Attack]:
    """Drawn by the viewer itself: colours, text and borders of the annotation's own entries."""
    for name, entries in {
        "free text": b"/Subtype/FreeText/DA(/Helv 40 Tf 1 0 0 rg)/Contents(Sum %d)/C[1 1 1]" % chance.randrange(10**7),
        "a filled square": b"/Subtype/Square/IC[1 1 1]/C[1 1 1]/BS<</W 0>>",
        "a thick line": b"/Subtype/Line/L[0 400 600 400]/C[0 0 0]/BS<</W %d>>" % chance.randrange(9, 90),
        "a link to elsewhere": b"/Subtype/Link/A<</S/URI/URI(https://example.org/%d)>>" % chance.randrange(10**6),
    }.items():
        body = b"<</Type/Annot/F 4/Rect[40 40 560 800]%b>>" % entries
        objects = {page: with_annotation(structure, page, new), new: body}
        yield Attack(f"{name} without a picture", append(structure, objects, chance.choice(HONEST)))


def _changed(structure: Structure, chance: Random) -> Iterator[Attack]:
    """Annotations that were signed with the page: hidden, moved, taken from it."""
    for page in structure.pages:
        if "/Annots" not in structure.entries(page):
            continue
        none = structure.dictionary(page, Annots=None)
        yield Attack("annotations taken away", append(structure, {page: none}, chance.choice(HONEST)))
    for number in structure.dictionaries(Type="/Annot"):
        hidden = structure.dictionary(number, F=b"2")
        yield Attack("an annotation hidden", append(structure, {number: hidden}, chance.choice(HONEST)))
