"""Cross-reference tricks: tables that lead elsewhere, loop, free what is used, or roll the file back.

"1 Trillion Dollar Refund" (see `incremental_saving`) manipulates tables to hide updates; loops and hybrid files are from
"Processing Dangerous Paths" (see `duplicate_objects`). ISO 32000-1, 7.5.4 and 7.5.8.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.alterations import forged_drawing, one_alteration
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import append
from tests.fuzz.attacks.structure import Structure, stream


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Honest objects are the exception here: most variants append a table alone."""
    structure = document.structure
    yield from _freed(structure, chance)
    yield from _other_offsets(structure, chance)
    yield from _other_trailers(structure, chance)
    yield from _hidden_objects(structure, chance)


def _freed(structure: Structure, chance: Random) -> Iterator[Attack]:
    """An object that the document needs becomes a free one, or is told to have another generation."""
    page = chance.choice(structure.pages)
    needed = [page, structure.content_number(page) or page, structure.root]
    for number, entry in ((chance.choice(needed[:2]), b"%010d 00001 f\r\n"), (needed[1], b"%010d 00007 n\r\n")):
        yield _table_alone(structure, f"object {number} freed", b"%d 1\n" % number + entry % 0)
    for number in structure.dictionaries(FT="/Sig"):
        yield _table_alone(structure, "the field freed", b"%d 1\n%010d 00001 f\r\n" % (number, 0))
    name, objects = one_alteration(structure, chance)
    extra = b"/Info %d 0 R" % min(objects)
    yield Attack(f"{name}, and named as information", append(structure, objects, trailer=extra))


def _table_alone(
    structure: Structure, name: str, sections: bytes, entries: bytes = b"", *, shows: bool = False
) -> Attack:
    out = structure.data if structure.data.endswith(b"\n") else structure.data + b"\n"
    trailer = b"trailer\n<</Size %d/Root %d 0 R/Prev %d%b>>\n" % (
        structure.size,
        structure.root,
        structure.start,
        entries,
    )
    closing = b"startxref\n%d\n%%%%EOF\n" % len(out)
    return Attack(name, out + b"xref\n" + sections + trailer + closing, shows)


def _other_offsets(structure: Structure, chance: Random) -> Iterator[Attack]:
    """Offsets of other objects, into streams, strings, comments, past the end."""
    data = structure.data
    page = chance.choice(structure.pages)
    for name, at in {
        "anywhere": chance.randrange(len(data)),
        "into a stream": data.find(b"stream") + 7 + chance.randrange(40),
        "at another object": data.find(b" obj") - 1,
        "past the end": len(data) + chance.randrange(10**6),
        "zero": 0,
    }.items():
        yield _table_alone(structure, f"a page {name}", b"%d 1\n%010d 00000 n\r\n" % (page, at))


def _other_trailers(structure: Structure, chance: Random) -> Iterator[Attack]:
    """Loops, roots and predecessors of the attacker's choosing."""
    data = structure.data if structure.data.endswith(b"\n") else structure.data + b"\n"
    here = len(data)
    tail = b"startxref\n%d\n%%%%EOF\n" % here
    first = data.find(b"startxref")
    for name, entries in {
        "that is its own predecessor": b"/Root %d 0 R/Prev %d" % (structure.root, here),
        "without a predecessor": b"/Root %d 0 R" % structure.root,
        "with a predecessor nowhere": b"/Root %d 0 R/Prev %d" % (structure.root, chance.randrange(here)),
        "with a page as its root": b"/Root %d 0 R/Prev %d" % (structure.pages[0], structure.start),
        "with a hybrid part at its predecessor": b"/Root %d 0 R/Prev %d/XRefStm %d"
        % (structure.root, structure.start, structure.start),
        "with a hybrid part nowhere": b"/Root %d 0 R/Prev %d/XRefStm %d"
        % (structure.root, structure.start, chance.randrange(here)),
        "that encrypts": b"/Root %d 0 R/Prev %d/Encrypt<</Filter/Standard/V 1/R 2/P -4/O(%b)/U(%b)>>/ID[(a)(b)]"
        % (structure.root, structure.start, b"o" * 32, b"u" * 32),
    }.items():
        yield Attack(
            f"a trailer {name}", data + b"xref\n0 0\ntrailer\n<</Size %d%b>>\n" % (structure.size, entries) + tail
        )
    older = [int(part.split()[0]) for part in data[first:].split(b"startxref")[1:-1]]
    for start in older[:2]:
        yield Attack("rolled back to an older table", data + b"startxref\n%d\n%%%%EOF\n" % start, shows=True)


def _hidden_objects(structure: Structure, chance: Random) -> Iterator[Attack]:
    """Objects inside of a string, a comment or a stream of the revision, where a table finds them and a scan may not."""
    page = chance.choice(structure.pages)
    number = structure.content_number(page)
    if not number:
        return
    forged = b"%d 0 obj\n%b\nendobj\n" % (number, stream(b"q 1 0 0 rg 0 0 300 300 re f Q " + forged_drawing(chance)))
    base = structure.data if structure.data.endswith(b"\n") else structure.data + b"\n"
    for name, before, after in (
        ("a string", b"%d 0 obj\n(" % (structure.size + 9), b")\nendobj\n"),
        ("a comment", b"%", b"\n"),
        ("a stream", b"%d 0 obj\n<</Length %d>>\nstream\n" % (structure.size + 9, len(forged)), b"endstream\nendobj\n"),
        ("an array", b"%d 0 obj\n[" % (structure.size + 9), b"]\nendobj\n"),
    ):
        hidden = Structure(structure.data)
        hidden.data = base + before + forged + after
        listed = {number: len(base) + len(before)}
        yield Attack(f"content inside of {name}", append(hidden, {}, listed=listed), shows=True)
