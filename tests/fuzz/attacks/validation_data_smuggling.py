"""Validation data as a disguise: a revision that looks like a DSS or an archive timestamp brings something else along.

Both are allowed after any signature (ETSI EN 319 142-1, 5.4; ISO 32000-2, 12.8.4.3), so whoever allows them has to see
what else there is: the pattern of "Shadow Attacks" (see `shadow_hide`), with other harmless-looking changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.alterations import forged_form, one_alteration, with_annotation
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import HONEST, Table, append
from tests.fuzz.attacks.structure import Structure, stream


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """A DSS beside an alteration, a DSS that is the alteration, timestamps that show something."""
    structure = document.structure
    yield from _beside_an_alteration(structure, chance)
    yield from _named_as_data(structure, chance)
    yield from _visible_timestamps(structure, chance)


def _with_dss(structure: Structure, references: bytes, more: bytes = b"") -> dict[int, bytes]:
    dss = b"<</Type/DSS/Certs[%b]%b>>" % (references, more)
    return {structure.root: structure.dictionary(structure.root, DSS=dss)}


def _beside_an_alteration(structure: Structure, chance: Random) -> Iterator[Attack]:
    new = structure.size + 70
    certificate = {new: stream(chance.randbytes(300))}
    for table in (*HONEST, Table.EMPTY, Table.COPIED):
        name, objects = one_alteration(structure, chance)
        both = {**certificate, **_with_dss(structure, b"%d 0 R" % new), **objects}
        yield Attack(f"{name} beside a DSS, {table}", append(structure, both, table), shows=table in HONEST)
    first = Structure(append(structure, {**certificate, **_with_dss(structure, b"%d 0 R" % new)}))
    name, objects = one_alteration(first, chance)
    yield Attack(f"{name} behind a DSS", append(first, objects, chance.choice(HONEST)), shows=True)
    yield Attack(f"{name} behind a DSS, unlisted", append(first, objects, Table.EMPTY))


def _named_as_data(structure: Structure, chance: Random) -> Iterator[Attack]:
    """The DSS lists an object that the document uses, or brings one that nobody listed."""
    page = chance.choice(structure.pages)
    content = structure.content_number(page)
    forged = stream(b"1 0 0 rg 0 0 %d 500 re f" % chance.randrange(200, 600))
    if content:
        for place in (b"%d 0 R", b"]/OCSPs[%d 0 R", b"]/CRLs[%d 0 R", b"]/VRI<</AA<</Cert[%d 0 R]>>>>/X["):
            objects = {content: forged, **_with_dss(structure, place % content)}
            yield Attack(
                "content listed as a certificate", append(structure, objects, chance.choice(HONEST)), shows=True
            )
    new = structure.size + 80
    listed = {page: structure.dictionary(page, Contents=b"%d 0 R" % new), new: forged}
    yield Attack(
        "a page listed as a certificate",
        append(structure, {**listed, **_with_dss(structure, b"%d 0 R" % page)}),
        shows=True,
    )
    orphan = {new: structure.dictionary(page, Contents=b"%d 0 R" % (new + 1)), new + 1: forged}
    yield Attack("a page nobody uses, beside a DSS", append(structure, {**orphan, **_with_dss(structure, b"")}))
    extension = _with_dss(structure, b"")
    for name, entry in {
        "layers": b"/OCProperties<</OCGs[]/D<</BaseState/OFF>>>>",
        "a page tree": b"/Pages %d 0 R" % new,
        "a form": b"/AcroForm<</Fields[]/NeedAppearances true>>",
        "names": b"/Names<</EmbeddedFiles<</Names[(policy.json)%d 0 R]>>>>" % new,
    }.items():
        root = extension[structure.root][:-2] + entry + b">>"
        yield Attack(f"a DSS and {name}", append(structure, {structure.root: root, **orphan}, chance.choice(HONEST)))


def _visible_timestamps(structure: Structure, chance: Random) -> Iterator[Attack]:
    """A field of a document timestamp that covers the page, with nothing or garbage for a token."""
    page, new = chance.choice(structure.pages), structure.size + 90
    token = b"<</Type/DocTimeStamp/Filter/Adobe.PPKLite/SubFilter/ETSI.RFC3161/ByteRange[0 1 2 3]/Contents<%b>>>"
    field = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Time%d)/F 132/Rect[%b]/P %d 0 R/V %d 0 R/AP<</N %d 0 R>>>>"
    for rectangle in (b"0 0 595 842", b"0 0 595.0 842.0", b"0 842 595 0", b"0 0 0 0 595 842"):
        objects = {
            page: with_annotation(structure, page, new),
            new: field % (chance.randrange(99), rectangle, page, new + 1, new + 2),
            new + 1: token % chance.randbytes(60).hex().encode(),
            new + 2: forged_form(chance),
            structure.root: structure.dictionary(structure.root, AcroForm=b"<</Fields[%d 0 R]/SigFlags 3>>" % new),
        }
        yield Attack("a timestamp over the page", append(structure, objects, chance.choice(HONEST)), shows=True)
