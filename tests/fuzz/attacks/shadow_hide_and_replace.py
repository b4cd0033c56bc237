"""Shadow attack, hide and replace: a second document lies unused in the signed bytes until a table leads to it.

"Shadow Attacks" (see `shadow_hide`), class "hide and replace": the strongest, for the revision that activates it brings
no content at all; the cross-reference table is switched, or the page tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.alterations import forged_drawing, forged_resources
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import HONEST, Table, append
from tests.fuzz.attacks.structure import Structure, stream


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """A hidden page tree, hidden content of an object that exists, hidden catalog."""
    if document.sign is None:
        return
    plain = Structure(document.unsigned)
    yield from _page_tree_switched(document, plain, chance)
    yield from _table_switched(document, plain, chance)


def _page_tree_switched(document: SignedDocument, plain: Structure, chance: Random) -> Iterator[Attack]:
    """New objects that nothing refers to; later the catalog, the root or the first page's parent does."""
    assert document.sign is not None
    tree = plain.size + chance.randrange(1, 9)
    leaf = b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 595 842]/Resources%b/Contents %d 0 R>>"
    hidden = {
        tree: b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % (tree + 1),
        tree + 1: leaf % (tree, forged_resources(), tree + 2),
        tree + 2: stream(forged_drawing(chance)),
        tree + 3: plain.dictionary(plain.root, Pages=b"%d 0 R" % tree),
    }
    signed = Structure(document.sign(append(plain, hidden)))
    switched = {signed.root: signed.dictionary(signed.root, Pages=b"%d 0 R" % tree)}
    for table in (*HONEST, Table.EMPTY, Table.ABSENT):
        yield Attack(f"page tree switched, {table}", append(signed, switched, table), shows=table in HONEST)
    yield Attack("root switched", append(signed, {}, root=tree + 3), shows=True)
    parent = int(signed.parent(signed.pages[0]).split()[0])
    kids = signed.dictionary(parent, Kids=b"[%d 0 R]" % (tree + 1), Count=b"1")
    yield Attack("kids switched", append(signed, {parent: kids}, chance.choice(HONEST)), shows=True)


def _table_switched(document: SignedDocument, plain: Structure, chance: Random) -> Iterator[Attack]:
    """A second body of an object stands in the signed bytes, listed by no table until the attacker's."""
    assert document.sign is not None
    page = chance.choice(plain.pages)
    number = plain.content_number(page)
    if not number:
        return
    bar = b"q 0.%d 0 0 rg %d %d 300 60 re f Q" % (chance.randrange(10), chance.randrange(200), chance.randrange(600))
    unlisted = b"%d 0 obj\n%b\nendobj\n" % (number, stream(bar))
    base = plain.data if plain.data.endswith(b"\n") else plain.data + b"\n"
    prepared = Structure(plain.data)
    prepared.data = base + unlisted
    signed_data = document.sign(append(prepared, {plain.size: b"<</Prepared true>>"}))
    signed = Structure(signed_data)
    listed = {number: len(base)}
    for table in HONEST:
        yield Attack(f"content switched by {table} alone", append(signed, {}, table, listed=listed), shows=True)
    hybrid = append(signed, {}, Table.STREAM, listed=listed)
    at = int(re.findall(rb"startxref\s+(\d+)", hybrid)[-1])
    again = Structure(hybrid)
    again.start = signed.start
    yield Attack("content switched by a hybrid table", append(again, {}, trailer=b"/XRefStm %d" % at), shows=False)
