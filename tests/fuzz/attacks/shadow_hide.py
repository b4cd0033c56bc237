"""Shadow attack, hide: what is signed was covered before signing, and is uncovered afterwards.

C. Mainka, V. Mladenov, S. Rohlmann: "Shadow Attacks: Hiding and Replacing Content in Signed PDFs", NDSS 2021, class
"hide", by picture, by form, by annotation, by layer (optional content).
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.alterations import forged_drawing, forged_resources, with_annotation
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import HONEST, Table, append
from tests.fuzz.attacks.structure import Structure, stream

_COVER = b"1 1 1 rg 0 0 900 900 re f"
_FORM = b"/Type/XObject/Subtype/Form/BBox[0 0 900 900]"


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Prepared on the unsigned file, signed as this document was, then activated by a revision."""
    if document.sign is None:
        return
    plain = Structure(document.unsigned)
    page, new = chance.choice(plain.pages), plain.size + chance.randrange(1, 9)
    yield from _covered_by_a_form(document, plain, (page, new), chance)
    yield from _covered_by_an_annotation(document, plain, (page, new), chance)
    yield from _hidden_in_a_layer(document, plain, (page, new), chance)


def _covered_by_a_form(
    document: SignedDocument, plain: Structure, at: tuple[int, int], chance: Random
) -> Iterator[Attack]:
    """Drawn text below a form XObject that paints white."""
    assert document.sign is not None
    page, new = at
    drawing = stream(forged_drawing(chance) + b" q /Cover Do Q")
    resources = forged_resources()[:-2] + b"/XObject<</Cover %d 0 R>>>>" % (new + 1)
    prepared = append(
        plain,
        {
            page: plain.dictionary(page, Contents=b"%d 0 R" % new, Resources=resources),
            new: drawing,
            new + 1: stream(_COVER, _FORM),
        },
    )
    signed = Structure(document.sign(prepared))
    nothing = {new + 1: stream(b"", _FORM)}
    bare = {page: signed.dictionary(page, Resources=forged_resources())}
    for name, objects in (("emptied", nothing), ("no longer named", bare)):
        for table in (*HONEST, Table.EMPTY):
            yield Attack(f"a cover {name}, {table}", append(signed, objects, table), shows=table in HONEST)
    freed = append(signed, {}, listed={})
    yield Attack(
        "a cover freed",
        freed.replace(b"xref\n" + b"trailer", b"xref\n%d 1\n0000000000 00001 f\r\ntrailer" % (new + 1)),
        shows=True,
    )


def _covered_by_an_annotation(
    document: SignedDocument, plain: Structure, at: tuple[int, int], chance: Random
) -> Iterator[Attack]:
    assert document.sign is not None
    page, new = at
    stamp = b"<</Type/Annot/Subtype/Stamp/F 4/Rect[0 0 595 842]/AP<</N %d 0 R>>>>" % (new + 1)
    prepared = append(plain, {page: with_annotation(plain, page, new), new: stamp, new + 1: stream(_COVER, _FORM)})
    signed = Structure(document.sign(prepared))
    for name, objects in {
        "taken away": {page: signed.dictionary(page, Annots=b"[]")},
        "hidden": {new: stamp.replace(b"/F 4", b"/F %d" % chance.choice([2, 6, 38]))},
        "moved": {new: stamp.replace(b"595 842", b"1 1")},
        "without its picture": {new: stamp.replace(b"/AP<</N %d 0 R>>" % (new + 1), b"")},
    }.items():
        yield Attack(f"an annotation {name}", append(signed, objects, chance.choice(HONEST)), shows=True)


def _hidden_in_a_layer(
    document: SignedDocument, plain: Structure, at: tuple[int, int], chance: Random
) -> Iterator[Attack]:
    """Optional content that is off when it is signed. ISO 32000-1, 8.11."""
    assert document.sign is not None
    page, new = at
    resources = forged_resources()[:-2] + b"/Properties<</Layer %d 0 R>>>>" % (new + 1)
    drawing = stream(b"/OC /Layer BDC " + forged_drawing(chance) + b" EMC")
    layers = b"<</OCGs[%d 0 R]/D<</BaseState/ON/OFF[%d 0 R]>>>>" % (new + 1, new + 1)
    prepared = append(
        plain,
        {
            page: plain.dictionary(page, Contents=b"%d 0 R" % new, Resources=resources),
            new: drawing,
            new + 1: b"<</Type/OCG/Name(x)>>",
            plain.root: plain.dictionary(plain.root, OCProperties=layers),
        },
    )
    signed = Structure(document.sign(prepared))
    for name, state in (("on", b"<</BaseState/ON>>"), ("on by event", b"<</BaseState/OFF/ON[%d 0 R]>>" % (new + 1))):
        shown = b"<</OCGs[%d 0 R]/D%b>>" % (new + 1, state)
        root = {signed.root: signed.dictionary(signed.root, OCProperties=shown)}
        yield Attack(f"a layer switched {name}", append(signed, root, chance.choice(HONEST)), shows=True)
    another = {new + 1: b"<</Type/Group/Name(x)>>"}
    yield Attack("a layer that is none any more", append(signed, another, chance.choice(HONEST)))
