"""Visible content replaced, each where it is: the QR code, the seal's picture, logos, single glyphs of the text.

Overwritten objects are the first class of C. Mainka, V. Mladenov, S. Rohlmann, "Shadow Attacks: Hiding and Replacing
Content in Signed PDFs", NDSS 2021, here without any preparation.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.alterations import forged_form
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import HONEST, append
from tests.fuzz.attacks.structure import stream


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Pictures, glyphs and fonts overwritten in a further revision, and glyphs in the signed bytes."""
    structure = document.structure
    for kind in ("/Image", "/Form"):
        for number in structure.streams(Subtype=kind):
            body = _picture(chance) if kind == "/Image" else forged_form(chance)
            yield Attack(
                f"{kind[1:]} {number} replaced", append(structure, {number: body}, chance.choice(HONEST)), shows=True
            )
    for page in structure.pages:
        number = structure.content_number(page)
        changed = _other_text(structure.content(page), chance)
        if number and changed is not None:
            body = stream(zlib.compress(changed), b"/Filter/FlateDecode")
            yield Attack("text replaced", append(structure, {number: body}, chance.choice(HONEST)), shows=True)
            yield from _in_place(document, number, changed)
    for name in ("FontFile2", "FontFile3"):
        for number in structure.dictionaries(Type="/FontDescriptor"):
            if f"/{name}" in structure.entries(number):
                without = structure.dictionary(number, **{name: None})
                yield Attack("a font taken away", append(structure, {number: without}, chance.choice(HONEST)))
    for number in structure.dictionaries(FT="/Sig"):
        moved = structure.dictionary(number, Rect=b"[%d %d 400 500]" % (chance.randrange(200), chance.randrange(200)))
        yield Attack("the seal moved", append(structure, {number: moved}, chance.choice(HONEST)))


def _picture(chance: Random) -> bytes:
    side = 29
    head = b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8" % (side, side)
    return stream(bytes(chance.choice((0, 255)) for _ in range(side * side)), head)


def _other_text(content: bytes, chance: Random) -> bytes | None:
    """A content stream with two of its strings exchanged, or None where it has no two that differ."""
    strings = list(re.finditer(rb"\([^()\\]+\)|<[0-9a-fA-F]+>", content))
    different = [(one, two) for one in strings for two in strings if one.start() < two.start() and one[0] != two[0]]
    if different:
        one, two = chance.choice(different)
        middle = content[one.end() : two.start()]
        return content[: one.start()] + two[0] + middle + one[0] + content[two.end() :]
    if strings:
        return content.replace(strings[0][0], strings[0][0][:1] + strings[0][0][1:-1] * 2 + strings[0][0][-1:], 1)
    return None


def _in_place(document: SignedDocument, number: int, changed: bytes) -> Iterator[Attack]:
    """The same in the signed bytes, where it fits: nothing moves."""
    data = document.data
    head = re.search(rb"(?<!\d)%d 0 obj" % number, data)
    if head is None:
        return
    start = data.find(b"stream\n", head.end()) + len(b"stream\n")
    end = data.find(b"endstream", start)
    body = zlib.compress(changed, 9)
    if 0 < start < end and b"FlateDecode" in data[head.end() : start] and len(body) <= end - start:
        yield Attack("text replaced in place", data[:start] + body.ljust(end - start, b"\0") + data[end:])
