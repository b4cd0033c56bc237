"""Actions added: scripts, links and launches that change what a reader sees or where a link of the document leads.

"Processing Dangerous Paths" (see `duplicate_objects`), and "Breaking the Specification" (see `evil_annotation`), where a
certified document runs scripts that were added later. ISO 32000-1, 12.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import HONEST, append


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """In the catalog, on pages, in links, behind a validation data update."""
    structure = document.structure
    number = chance.randrange(10**6)
    script = b"<</S/JavaScript/JS(this.getField\\('Sum'\\).value=%d)>>" % number
    for name, entries in {
        "a script on opening": {"OpenAction": script},
        "a jump on opening": {"OpenAction": b"[%d 0 R/XYZ 0 %d 9]" % (structure.pages[-1], number % 900)},
        "a launch on opening": {"OpenAction": b"<</S/Launch/F(paid-%d.pdf)>>" % number},
        "scripts by event": {"AA": b"<</WC%b/WP%b>>" % (script, script)},
        "named scripts": {"Names": b"<</JavaScript<</Names[(x)%b]>>>>" % script},
        "a base for links": {"URI": b"<</Base(https://example.org/%d/)>>" % number},
        "a script beside validation data": {"OpenAction": script, "DSS": b"<</Type/DSS>>"},
    }.items():
        root = structure.dictionary(structure.root, **entries)
        yield Attack(name, append(structure, {structure.root: root}, chance.choice(HONEST)))
    for page in structure.pages:
        body = structure.dictionary(page, AA=b"<</O%b>>" % script)
        yield Attack("a script on a page", append(structure, {page: body}, chance.choice(HONEST)))
    for link in structure.dictionaries(Subtype="/Link"):
        elsewhere = b"<</S/URI/URI(https://example.org/%d)>>" % number
        body = structure.dictionary(link, A=elsewhere, Dest=None)
        yield Attack("a link led elsewhere", append(structure, {link: body}, chance.choice(HONEST)))
