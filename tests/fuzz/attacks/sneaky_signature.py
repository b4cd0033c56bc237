"""Sneaky signatures: a further signature field whose picture covers what was signed before.

"Breaking the Specification" (see `evil_annotation`), attack SSA: level 2 allows further signatures, and a signature may
look like anything. The attacker may sign with a key of its own, leave the field empty, or copy the first signature.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.alterations import forged_form, with_annotation
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.attacker import attacker
from tests.fuzz.attacks.revisions import HONEST, append
from tests.fuzz.attacks.structure import Structure
from tests.fuzz.attacks.targets import stranger
from tests.fuzz.sealed_documents import SM2
from tests.fuzz.strangers import SigningOptions, signed_by


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Fields that are signed, empty, or filled with a copy; over the whole page or over a part."""
    structure = document.structure
    page = chance.choice(structure.pages)
    form = structure.entries(structure.root).get("/AcroForm", b"")
    for name, value in {
        "empty": b"",
        "with nothing in it": b"/V<<>>",
        "with a copy": b"/V %d 0 R" % next(structure.dictionaries(Type="/Sig"), 1),
        "with text": b"/V(signed)",
    }.items():
        objects = _field(structure, chance, page, value)
        fields = _with_field(structure, form, min(number for number in objects if number >= structure.size))
        yield Attack(
            f"a field {name} over the page", append(structure, {**objects, **fields}, chance.choice(HONEST)), shows=True
        )
        yield Attack(f"a field {name} in no form", append(structure, objects, chance.choice(HONEST)), shows=True)
    yield from _really_signed(document, chance)


def _field(structure: Structure, chance: Random, page: int, value: bytes) -> dict[int, bytes]:
    new = structure.size + chance.randrange(9)
    body = (
        b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Approval%d)/F 132/Rect[0 %d 595 842]/P %d 0 R/AP<</N %d 0 R>>%b>>"
        % (
            new,
            chance.randrange(300),
            page,
            new + 1,
            value,
        )
    )
    return {page: with_annotation(structure, page, new), new: body, new + 1: forged_form(chance)}


def _with_field(structure: Structure, form: bytes, field: int) -> dict[int, bytes]:
    """The form that lists one field more, wherever its dictionary stands."""
    if re.fullmatch(rb"\d+ 0 R", form):
        number = int(form.split()[0])
        return {number: _listing(structure.dictionary(number), field)}
    return {structure.root: structure.dictionary(structure.root, AcroForm=_listing(form or b"<<>>", field))}


def _listing(form: bytes, field: int) -> bytes:
    listed = re.sub(rb"(/Fields ?\[)", rb"\1 %d 0 R " % field, form)
    return listed if listed != form else form[:-2] + b"/Fields[%d 0 R]>>" % field


def _really_signed(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Signed by the attacker, and its picture then the forged page: before signing, or overwritten after it."""
    if document.permissions == 1:
        return  # no program signs what allows no changes at all
    options = SigningOptions(field=f"Approval{chance.randrange(99)}", box=(0, chance.randrange(300), 595, 842))
    signed = Structure(signed_by(document.data, attacker(), options))
    for number in signed.dictionaries(FT="/Sig"):
        if options.field.encode() in signed.entries(number).get("/T", b""):
            new = signed.size
            drawn = signed.dictionary(number, AP=b"<</N %d 0 R>>" % new)
            yield Attack(
                "an attacker's signature with another picture",
                append(signed, {number: drawn, new: forged_form(chance)}),
                shows=True,
            )
    known = signed_by(document.data, stranger(SM2), options)
    yield Attack("a cover by somebody who is trusted", known, shows=True)
    structure = document.structure
    covered = Structure(append(structure, _field(structure, chance, structure.pages[0], b"")))
    invisible = SigningOptions(field=f"Hidden{chance.randrange(99)}", box=None)
    yield Attack("a cover below an attacker's signature", signed_by(covered.data, attacker(), invisible), shows=True)
