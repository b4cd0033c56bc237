"""Splicing: the signature of one document on another, parts of two signed files in one, a seal's picture on anything.

Copying signatures is the oldest fraud of all; "1 Trillion Dollar Refund" (see `incremental_saving`) has it as a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.alterations import with_annotation
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import append
from tests.fuzz.attacks.structure import Structure
from tests.fuzz.rendered_documents import rendered


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Onto other documents, and from them."""
    data, gap = document.data, document.structure.gaps[-1]
    signature = data[gap.start : gap.end]
    other = rendered(chance.randrange(1, 4), link=True)
    yield from _signature_objects(document, Structure(other), chance)
    yield Attack("the update on another document", other + data[len(document.unsigned) :])
    yield Attack("the update in front of another document", data[len(document.unsigned) :] + other)
    both = bytearray(data)
    at = chance.randrange(200, gap.start - 2_000)
    width = min(chance.randrange(20, 2_000), len(other) - 600)
    both[at : at + width] = other[500 : 500 + width]
    yield Attack("a part of another document", bytes(both))
    if document.sign is not None:
        yield from _from_one_of_the_same_signer(document, signature, chance)
    older = data[: len(document.unsigned)]
    yield Attack("the seal without its signature", _picture_alone(document, older))


def _signature_objects(document: SignedDocument, other: Structure, chance: Random) -> Iterator[Attack]:
    """Field, picture and signature dictionary, as they are, on another document."""
    structure = document.structure
    start = other.size
    for number in list(structure.dictionaries(Type="/Sig"))[-1:]:
        root = other.dictionary(other.root, AcroForm=b"<</Fields[%d 0 R]/SigFlags 3>>" % start)
        field = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Seal)/F 132/Rect[100 100 220 220]/V %d 0 R/P %d 0 R>>" % (
            start + 1,
            other.pages[0],
        )
        page = with_annotation(other, other.pages[0], start)
        true = structure.dictionary(number)
        yield Attack(
            "a signature copied onto another document",
            append(other, {other.root: root, other.pages[0]: page, start: field, start + 1: true}),
        )
        covering = structure.dictionary(
            number, ByteRange=b"[0 %d %d %d]" % (len(other.data) // 2, len(other.data) // 2 + 9, 99)
        )
        yield Attack(
            "a signature copied with another range",
            append(other, {other.root: root, start: field, start + 1: covering}),
        )


def _from_one_of_the_same_signer(document: SignedDocument, signature: bytes, chance: Random) -> Iterator[Attack]:
    """The true signer's signature on one document put into the signed place of another."""
    assert document.sign is not None
    other = document.sign(rendered(chance.randrange(3, 5)))
    gap = Structure(other).gaps[-1]
    width = gap.end - gap.start
    digits = signature[1:-1].rstrip(b"0")
    digits += b"0" * (len(digits) % 2)
    yield Attack(
        "a signature exchanged", other[: gap.start] + b"<" + digits.ljust(width - 2, b"0") + b">" + other[gap.end :]
    )


def _picture_alone(document: SignedDocument, older: bytes) -> bytes:
    """The unsigned document with the seal's picture as a stamp: looks sealed on paper."""
    plain = Structure(older)
    new = plain.size
    forms = list(document.structure.streams(Subtype="/Form"))
    picture = document.structure.body(forms[-1]) if forms else b"<<>>"
    stamp = b"<</Type/Annot/Subtype/Stamp/F 4/Rect[300 100 420 220]/AP<</N %d 0 R>>>>" % (new + 1)
    return append(plain, {plain.pages[0]: with_annotation(plain, plain.pages[0], new), new: stamp, new + 1: picture})
