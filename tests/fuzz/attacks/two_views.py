"""Two views of one file: hybrid parts that replace, free or hide what a page needs, so that old and new readers show two documents.

The shape of "Shadow Attacks" (see `shadow_hide`) with a parser differential in place of a later revision: somebody signs, or appends to,
a file whose table and whose stream beside it (ISO 32000-1, 7.5.8.4) disagree. Both views are there when it is signed, so no digest helps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random

from pyhanko.pdf_utils.misc import PdfError

from tests.fuzz.attacks.alterations import one_alteration
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.structure import Structure
from tests.fuzz.hybrid_pdf import Hidden, hybrid_pdf


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Prepared before a signature where somebody signs what he is given, and appended after it to any document."""
    for _ in range(3):
        name, data = _switched(document.structure, chance)
        yield Attack(f"{name}, appended", data, shows=True)
    if document.sign is None:
        return
    prepared = Structure(document.unsigned)
    for name, data in (_switched(prepared, chance) for _ in range(3)):
        yield from _signed(document.sign, name, data)
    pages = chance.randrange(1, 4)
    for update in (False, True):
        yield from _signed(
            document.sign, "the font in the hidden part", hybrid_pdf(pages, hidden=Hidden.FONT, update=update)
        )
        for name, data in _spoilt(hybrid_pdf(pages, update=update), chance):
            yield from _signed(document.sign, name, data)


def _signed(sign: Callable[[bytes], bytes], name: str, data: bytes) -> Iterator[Attack]:
    """As far as a program signs it: some files are too broken for that."""
    with suppress(PdfError, AssertionError, KeyError, ValueError, IndexError, TypeError, AttributeError):
        yield Attack(f"{name}, and then signed", sign(data))


def _switched(structure: Structure, chance: Random) -> tuple[str, bytes]:
    """An alteration that the stream beside an empty table lists, or a table beside a stream that lists nothing; or half of each."""
    name, objects = one_alteration(structure, chance)
    out = bytearray(structure.data if structure.data.endswith(b"\n") else structure.data + b"\n")
    offsets: dict[int, int] = {}
    for number, body in sorted(objects.items()):
        offsets[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = max(structure.size, *(number + 1 for number in objects))
    kind = chance.choice([1, 0])  # listed, or freed
    out += _stream_beside(
        table, {number: (kind, at if kind else 0) for number, at in offsets.items()}, beside := len(out)
    )
    named = sorted(offsets)[: 0 if kind else len(offsets)]
    start = len(out)
    out += b"xref\n%b" % (
        b"".join(b"%d 1\n%010d 00000 n\r\n" % (number, offsets[number]) for number in named) or b"0 0\n"
    )
    out += b"trailer\n<</Size %d/Root %d 0 R/Prev %d/XRefStm %d>>\n" % (
        table + 1,
        structure.root,
        structure.start,
        beside,
    )
    out += b"startxref\n%d\n%%%%EOF\n" % start
    return f"{name} by the {'stream' if kind else 'table'} alone", bytes(out)


def _stream_beside(number: int, rows: dict[int, tuple[int, int]], own: int) -> bytes:
    listed = sorted({**rows, number: (1, own)}.items())
    content = b"".join(b"%c%b\0\0" % (kind, at.to_bytes(4, "big")) for _, (kind, at) in listed)
    index = b" ".join(b"%d 1" % item for item, _ in listed)
    head = b"<</Type/XRef/Size %d/W[1 4 2]/Index[%b]/Length %d>>" % (number + 1, index, len(content))
    return b"%d 0 obj\n%b\nstream\n%b\nendstream\nendobj\n" % (number, head, content)


def _spoilt(lawful: bytes, chance: Random) -> Iterator[tuple[str, bytes]]:
    """One thing amiss in a lawful hybrid file, at the same length."""
    free = list(re.finditer(rb"0000000000 65535 f", lawful))[-1].start()
    row = re.search(rb"/Index\[(\d+) 1\]", lawful)
    assert row is not None
    number = int(row[1])
    other = re.search(rb"\n(\d+) 0 obj\n<</Length", lawful)
    assert other is not None
    at = other.start() + 1
    yield "the hidden object in use in the table", lawful[:free] + b"%010d 00000 n" % at + lawful[free + 18 :]
    yield (
        "the hidden object freed before",
        lawful[:free] + b"0000000000 %05d f" % chance.randrange(2, 9) + lawful[free + 18 :],
    )
    listed = b"%d" % chance.choice([2, 3, 4])
    spoilt = lawful.replace(b"/Index[%d 1]" % number, b"/Index[%b 1]" % listed.ljust(len(row[1])))
    yield "a page's object listed again", spoilt
    yield "a catalog of its own", lawful.replace(b" 1]/Root 1 0 R", b" 1]/Root 2 0 R")
