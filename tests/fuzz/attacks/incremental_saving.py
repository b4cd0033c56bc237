"""Incremental saving: content appended behind the signed revision, with a table or in the ways that hide it.

V. Mladenov, C. Mainka, K. Meyer zu Selhausen, M. Grothe, J. Schwenk: "1 Trillion Dollar Refund – How To Spoof PDF
Signatures", ACM CCS 2019, attack ISA and its four ways around an honest table.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.alterations import alterations, one_alteration
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import HONEST, Table, append
from tests.fuzz.attacks.structure import Structure


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Every alteration under an honest table, and one of chance under each other."""
    structure = document.structure
    for name, objects in alterations(structure, chance):
        table = chance.choice(HONEST)
        yield Attack(f"{name}, {table}", append(structure, objects, table), shows=True)
    for table in Table:
        name, objects = one_alteration(structure, chance)
        yield Attack(f"{name}, {table}", append(structure, objects, table))
    yield _with_the_signature_copied(document, chance)
    name, objects = one_alteration(structure, chance)
    once = Structure(append(structure, objects))
    name_2, objects_2 = one_alteration(once, chance)
    yield Attack(f"{name}, then {name_2}", append(once, objects_2, chance.choice(list(Table))))


def _with_the_signature_copied(document: SignedDocument, chance: Random) -> Attack:
    """The appended revision brings the signature dictionary along, so that it seems to belong to it."""
    structure = document.structure
    name, objects = one_alteration(structure, chance)
    for number in structure.dictionaries(Type="/Sig"):
        objects[number] = structure.dictionary(number)
    return Attack(f"{name}, signature copied", append(structure, objects, chance.choice(HONEST)))
