"""Parser differentials: honest forgeries in odd spelling, which one parser reads and another does not.

J. Wolf, "OMG WTF PDF", 27C3, 2010; "Processing Dangerous Paths" (see `duplicate_objects`). What is
verified and what is shown may then be two documents. ISO 32000-1, 7.2 and 7.3: comments, white space, #xx, escapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from random import Random

from tests.fuzz.attacks.alterations import one_alteration
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import append


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Each spelling on an alteration of chance; and odd spellings of what was signed, which breaks what signs it."""
    data = document.data
    for name, spell in _SPELLINGS.items():
        altered, objects = one_alteration(document.structure, chance)
        added = append(document.structure, objects)[len(data) :]
        spelt = spell(added, chance)
        if spelt != added:
            yield Attack(f"{altered}, {name}", data + spelt)
    for head in (b"\n", b"%!PS-Adobe-3.0 PDF\n", chance.randbytes(chance.randrange(1, 900))):
        altered, objects = one_alteration(document.structure, chance)
        yield Attack(f"{altered}, header moved by {len(head)}", head + append(document.structure, objects))
    yield from _in_what_was_signed(document, chance)


def _in_what_was_signed(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Same length, other spelling: a page's contents commented out, a name escaped, a version changed."""
    data = document.data
    places = [match.start() for match in re.finditer(rb"/Contents \d", data)]
    for at in chance.sample(places, min(2, len(places))):
        yield Attack("a page's contents commented out", data[:at] + b"%" + data[at + 1 :])
    for word, other in ((b"%PDF-1.", b"%PDF-2."), (b"/Type/Page/", b"/Type/Pags/"), (b"endobj", b"endobk")):
        at = data.find(word)
        if at >= 0:
            yield Attack(f"{word.decode()} respelt", data[:at] + other + data[at + len(word) :])


def _comments(added: bytes, chance: Random) -> bytes:
    return re.sub(
        rb"(\d+) 0 obj\n", lambda match: match[1] + b" %%%d endobj\n 0 obj%%x\n" % chance.randrange(99), added
    )


def _escaped_names(added: bytes, chance: Random) -> bytes:
    word = chance.choice([b"/Contents", b"/Parent", b"/Type", b"/Resources", b"/Kids", b"/Length"])
    at = chance.randrange(1, len(word))
    return added.replace(word, word[:at] + b"#%02x" % word[at] + word[at + 1 :])


def _carriage_returns(added: bytes, chance: Random) -> bytes:
    return added.replace(b"\nendobj\n", b"\rendobj\r").replace(b"obj\n", b"obj\r")


def _lying_length(added: bytes, chance: Random) -> bytes:
    return re.sub(rb"/Length \d+", b"/Length %d" % chance.choice([0, 1, 7, 10**6, 2**31]), added)


def _two_ends(added: bytes, chance: Random) -> bytes:
    return added + b"startxref\n%d\n%%%%EOF\n" % chance.randrange(1, 400)


_SPELLINGS: dict[str, Callable[[bytes, Random], bytes]] = {
    "comments in object heads": _comments,
    "escaped names": _escaped_names,
    "carriage returns": _carriage_returns,
    "a length that lies": _lying_length,
    "two ends": _two_ends,
    "null bytes as white space": lambda added, _: added.replace(b" 0 obj", b"\x000\x00obj"),
    "no white space before obj": lambda added, _: added.replace(b" 0 obj", b" 0obj"),
    "a generation with zeros": lambda added, _: added.replace(b" 0 obj", b" 00000 obj"),
    "a number with zeros": lambda added, _: re.sub(rb"\n(\d+) 0 obj", rb"\n000\1 0 obj", added),
    "a number with a sign": lambda added, _: re.sub(rb"\n(\d+) 0 obj", rb"\n+\1 0 obj", added),
    "objects without their end": lambda added, _: added.replace(b"endobj\n", b""),
    "a stream's end inside of it": lambda added, _: added.replace(b"stream\n", b"stream\nendstream endobj\n", 1),
    "entries of 19 bytes": lambda added, _: added.replace(b" n\r\n", b" n\n"),
    "a table in capitals": lambda added, _: added.replace(b"xref\n", b"XREF\n", 1),
    "a trailer in capitals": lambda added, _: added.replace(b"trailer", b"TRAILER"),
    "an end in small letters": lambda added, _: added.replace(b"%%EOF", b"%%eof"),
    "white space before the table": lambda added, _: added.replace(b"xref\n", b" \nxref\n", 1),
    "a signature's range in a comment": lambda added, _: b"%/ByteRange[0 1 2 3]\n" + added,
}
