"""Signature wrapping: /ByteRange leads to the signed bytes, and a viewer to others.

"1 Trillion Dollar Refund" (see `incremental_saving`), attack SWA: the second signed part is moved away and what is
between is the attacker's; and all numbers that a /ByteRange should never hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.alterations import one_alteration
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import append, classic_table
from tests.fuzz.attacks.structure import Gap, Structure


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Moved parts, objects in the gap, ranges in another revision, ranges that lie."""
    gap = document.structure.gaps[-1]
    yield from _moved(document, gap, chance)
    yield from _in_the_gap(document, gap, chance)
    yield from _ranges_that_lie(document, gap, chance)
    yield from _in_another_revision(document, gap, chance)


def _moved(document: SignedDocument, gap: Gap, chance: Random) -> Iterator[Attack]:
    """The gap ends early, the attacker's objects follow, the second part comes last and is found by a second range."""
    data, structure = document.data, document.structure
    digits = data[gap.start + 1 : gap.end - 1].rstrip(b"0")
    digits += b"0" * (len(digits) % 2)
    for key in (b"/ByteRange", b"/Byte#52ange"):
        name, objects = one_alteration(structure, chance)
        part = data[gap.end : gap.covered_end]
        head = data[: gap.start] + b"<" + digits + b">"
        wide = 60
        bodies, offsets = b"", {}
        start = len(head) + len(key) + wide + len(b">>\nendobj\n")
        for number, body in sorted(objects.items()):
            offsets[number] = start + len(bodies)
            bodies += b"%d 0 obj\n%b\nendobj\n" % (number, body)
        table = classic_table(offsets) + b"trailer\n<</Size %d/Root %d 0 R/Prev %d>>\n" % (
            structure.size + 50,
            structure.root,
            structure.start,
        )
        moved = start + len(bodies) + len(table)
        numbers = (b"[0 %d %d %d]" % (gap.start, moved, len(part))).ljust(wide)
        closing = b"\nstartxref\n%d\n%%%%EOF\n" % (start + len(bodies)) if chance.random() < 0.5 else b""
        forged = head + key + numbers + b">>\nendobj\n" + bodies + table + part + closing
        yield Attack(f"{name}, second part moved, {key.decode()}", forged)


def _in_the_gap(document: SignedDocument, gap: Gap, chance: Random) -> Iterator[Attack]:
    """Objects in the padding of /Contents, where no signed byte changes; a table behind the end leads to them."""
    data, structure = document.data, document.structure
    name, objects = one_alteration(structure, chance)
    room = gap.end - gap.start - len(data[gap.start : gap.end].rstrip(b">").rstrip(b"0"))
    bodies, offsets = b"", {}
    for number, body in sorted(objects.items()):
        written = b"\n%d 0 obj\n%b\nendobj" % (number, body)
        if len(bodies) + len(written) < room - 40:
            offsets[number] = gap.end - room + 12 + len(bodies)
            bodies += written
    if not bodies:
        return
    filled = data[: gap.end - room + 10] + b">" + bodies
    filled = filled.ljust(gap.end - 1, b" ") + b">" + data[gap.end :]
    yield Attack(f"{name}, in the padding alone", filled)
    reopened = data[: gap.end - room + 10] + b">" + bodies
    reopened += b"<" + b"0" * (gap.end - len(reopened) - 2) + b">" + data[gap.end :]
    table = append(structure, {}, listed=offsets)[len(data) :]
    yield Attack(f"{name}, in the padding and listed", reopened + table)


def _ranges_that_lie(document: SignedDocument, gap: Gap, chance: Random) -> Iterator[Attack]:
    """Other numbers in the signed bytes, and other content where they no longer reach."""
    data = document.data
    start, end, rest = gap.start, gap.end, gap.covered_end - gap.end
    lies = {
        "an overlap": b"[0 %d %d %d]" % (end + 10, start, rest),
        "a negative begin": b"[-%d %d %d %d]" % (chance.randrange(1, 99), start, end, rest),
        "a negative length": b"[0 %d %d -%d]" % (start, end, rest),
        "a huge length": b"[0 %d %d %d]" % (start, end, 10**14),
        "zeros": b"[0 0 0 0]",
        "nothing": b"[]",
        "a wider gap": b"[0 %d %d %d]" % (start - chance.randrange(2, 60), end, rest),
        "a second gap": b"[0 9 19 %d %d 9]" % (start - 19, end),
        "reals": b"[0. %d. %d. %d.]" % (start, end, rest),
        "strings": b"[(0)(%d)(%d)(9)]" % (start, end),
        "a reference": b"%d 0 R" % document.structure.root,
        "a shorter end": b"[0 %d %d %d]" % (start, end, rest - chance.randrange(1, min(rest, 200))),
    }
    old = data[gap.range_start : gap.range_end]
    room = len(old) - len(b"/ByteRange")
    for name, numbers in lies.items():
        forged = b"/ByteRange" + numbers.ljust(room)
        if len(forged) <= len(old) and forged != old:
            changed = data[: gap.range_start] + forged + data[gap.range_end :]
            yield Attack(f"a range with {name}", changed)
            yield Attack(
                f"a range with {name}, and a page changed",
                append(Structure(changed), one_alteration(document.structure, chance)[1]),
            )


def _in_another_revision(document: SignedDocument, gap: Gap, chance: Random) -> Iterator[Attack]:
    """The signature dictionary once more, in a revision of the attacker's: its range is the old one, or two of them."""
    structure = document.structure
    for number in list(structure.dictionaries(Type="/Sig"))[-1:]:
        end = gap.covered_end - gap.end
        true = b"[0 %d %d %d]" % (gap.start, gap.end, end)
        indirect = structure.size + 60
        for name, changes in {
            "the same range": {"ByteRange": true},
            "an indirect range": {"ByteRange": b"%d 0 R" % indirect},
            "two ranges": {"ByteRange": true + b"/ByteRange[0 10 20 %d]" % (len(structure.data) - 20)},
            "a range of everything": {"ByteRange": b"[0 %d %d 0]" % (len(structure.data), len(structure.data))},
        }.items():
            altered, objects = one_alteration(structure, chance)
            objects = {**objects, number: structure.dictionary(number, **changes), indirect: true}
            yield Attack(f"{altered}, {name} in a later revision", append(structure, objects))
