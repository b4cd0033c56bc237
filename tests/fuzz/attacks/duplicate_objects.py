"""Duplicate and shadowed objects: one number twice in a revision, in object streams, one key twice in a dictionary.

Which of two a reader takes is up to it: J. Müller, D. Noss, C. Mainka, V. Mladenov, J. Schwenk, "Processing Dangerous
Paths – On Security and Privacy of the Portable Document Format", NDSS 2021; ISO 32000-1, 7.3.7 leaves duplicate keys
undefined.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.alterations import forged_drawing, forged_resources, free_number, one_alteration
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import HONEST, Table, append
from tests.fuzz.attacks.structure import Structure, stream


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Twice in one revision, in a stream of objects beside the file's own, with two generations, with doubled keys."""
    structure = document.structure
    for first in (True, False):
        for table in HONEST:
            yield _twice(structure, chance, table, first=first)
    for page in structure.pages[:2]:
        yield _in_an_object_stream(structure, chance, page)
        yield from _doubled_keys(structure, chance, page)
    name, objects = one_alteration(structure, chance)
    bodies = b"".join(
        b"%d %d obj\n%b\nendobj\n" % (number, chance.randrange(1, 9), body) for number, body in objects.items()
    )
    base = structure.data if structure.data.endswith(b"\n") else structure.data + b"\n"
    yield Attack(f"{name}, other generations", base + bodies + b"startxref\n%d\n%%%%EOF\n" % structure.start)
    name, objects = one_alteration(structure, chance)
    yield Attack(f"{name}, objects alone", append(structure, objects, Table.BARE))


def _twice(structure: Structure, chance: Random, table: Table, *, first: bool) -> Attack:
    """The same number, as signed and as forged; the table names one of the two."""
    name, objects = one_alteration(structure, chance)
    number = min(objects)
    length = len(structure.data) + (not structure.data.endswith(b"\n"))
    old = b"%d 0 obj\n%b\nendobj\n" % (number, structure.body(number))
    base = Structure(structure.data)
    base.data = structure.data + (b"" if structure.data.endswith(b"\n") else b"\n") + old
    listed = {number: length} if first else None
    return Attack(
        f"{name}, object {number} twice in {table}", append(base, objects, table, listed=listed), shows=not first
    )


def _in_an_object_stream(structure: Structure, chance: Random, page: int) -> Attack:
    """The page in an object stream of a revision whose cross-reference stream points there."""
    container = free_number(structure, chance)
    content, table = container + 1, container + 2
    body = structure.dictionary(page, Contents=b"%d 0 R" % content, Resources=forged_resources())
    head = b"%d 0 " % page
    packed = stream(head + body, b"/Type/ObjStm/N 1/First %d" % len(head))
    out = bytearray(structure.data if structure.data.endswith(b"\n") else structure.data + b"\n")
    offsets = {}
    for number, item in ((container, packed), (content, stream(forged_drawing(chance)))):
        offsets[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, item)
    rows = [(page, b"\x02%b\0\0" % container.to_bytes(4, "big"))]
    rows += [(number, b"\x01%b\0\0" % at.to_bytes(4, "big")) for number, at in (*offsets.items(), (table, len(out)))]
    index = b" ".join(b"%d 1" % number for number, _ in sorted(rows))
    listed = b"".join(row for _, row in sorted(rows))
    entries = b"/Type/XRef/Size %d/W[1 4 2]/Index[%b]/Root %d 0 R/Prev %d" % (
        table + 1,
        index,
        structure.root,
        structure.start,
    )
    closing = b"startxref\n%d\n%%%%EOF\n" % len(out)
    out += b"%d 0 obj\n%b\nendobj\n" % (table, stream(listed, entries))
    return Attack("a page in an object stream", bytes(out) + closing, shows=True)


def _doubled_keys(structure: Structure, chance: Random, page: int) -> Iterator[Attack]:
    """A page with two /Contents, the signed one first or last; a catalog with two page trees."""
    new = free_number(structure, chance)
    old = structure.dictionary(page)[:-2]
    forged = b"/Contents %d 0 R/Resources%b" % (new, forged_resources())
    objects = {new: stream(forged_drawing(chance))}
    yield Attack("two contents", append(structure, {page: old + forged + b">>", **objects}))
    yield Attack("two contents, forged first", append(structure, {page: b"<<" + forged + old[2:] + b">>", **objects}))
    root = structure.dictionary(structure.root)[:-2] + b"/Pages %d 0 R>>" % new
    tree = {
        new: b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % (new + 1),
        new + 1: structure.dictionary(page, Contents=None),
    }
    yield Attack("two page trees", append(structure, {structure.root: root, **tree}))
