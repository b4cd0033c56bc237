"""The attached data exchanged, while the pages stay as they were signed: machines read the attachment, people the print.

"Processing Dangerous Paths" (see `duplicate_objects`) on embedded files; ISO 32000-2, 7.11.4 and 14.13.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import HONEST, Table, append
from tests.fuzz.attacks.structure import Structure, stream


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """The stream replaced, its specification led elsewhere, names changed, files added or taken away."""
    structure = document.structure
    for number in structure.streams(Type="/EmbeddedFile"):
        for table in (*HONEST, Table.EMPTY, Table.BARE):
            body = stream(_data(chance), b"/Type/EmbeddedFile/Subtype/application#2Fjson")
            yield Attack(f"data replaced, {table}", append(structure, {number: body}, table), shows=table in HONEST)
        at = structure.data.find(b"%d 0 obj" % number)
        start = structure.data.find(b"stream\n", at) + 7 + chance.randrange(8)
        yield Attack("data changed in place", structure.data[:start] + b"\x55" + structure.data[start + 1 :])
    for number in structure.dictionaries(Type="/Filespec"):
        new = structure.size + chance.randrange(9)
        led = structure.dictionary(number, EF=b"<</F %d 0 R/UF %d 0 R>>" % (new, new))
        changed = append(
            structure, {number: led, new: stream(_data(chance), b"/Type/EmbeddedFile")}, chance.choice(HONEST)
        )
        yield Attack("a specification led elsewhere", changed, shows=True)
        named = structure.dictionary(number, F=b"(other.json)", UF=b"(other.json)")
        yield Attack("another name", append(structure, {number: named}, chance.choice(HONEST)))
    yield from _catalog(structure, chance)


def _catalog(structure: Structure, chance: Random) -> Iterator[Attack]:
    entries = structure.entries(structure.root)
    new = structure.size + chance.randrange(9)
    specification = b"<</Type/Filespec/F(policy.json)/UF(policy.json)/EF<</F %d 0 R>>>>" % (new + 1)
    names = b"<</EmbeddedFiles<</Names[(policy.json)%d 0 R]>>>>" % new
    root = structure.dictionary(structure.root, Names=names, AF=b"[%d 0 R]" % new)
    objects = {structure.root: root, new: specification, new + 1: stream(_data(chance), b"/Type/EmbeddedFile")}
    for table in HONEST:
        yield Attack(f"another file, {table}", append(structure, objects, table), shows=True)
    if "/Names" in entries or "/AF" in entries:
        without = structure.dictionary(structure.root, Names=None, AF=None)
        yield Attack("files taken away", append(structure, {structure.root: without}), shows="/Names" in entries)


def _data(chance: Random) -> bytes:
    return b'{"policy": "P-%d", "sum_insured": "%d.00"}' % (chance.randrange(99), chance.randrange(10**7))
