"""Content after the end: bytes, marks, revisions without objects, or a whole further file behind the signed one.

Mladenov et al. 2019 (see `incremental_saving`), and the remark on bytes after %%EOF in ISO 32000-1, annex H, that makes
viewers lenient: Acrobat looks for the end mark in the last 1,024 bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.alterations import forged_drawing, forged_resources
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.structure import stream
from tests.fuzz.hostile_pdfs import build_pdf


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Tails of every kind, and heads."""
    data, start = document.data, document.structure.start
    closing = b"startxref\n%d\n%%%%EOF\n" % start
    tails = {
        "a comment": b"%% %d\n" % chance.randrange(10**9),
        "a byte": bytes([chance.randrange(256)]),
        "white space": b" \t\r\n"[chance.randrange(4) :],
        "zeros": bytes(chance.randrange(1, 3_000)),
        "garbage": chance.randbytes(chance.randrange(1, 3_000)),
        "an end mark": b"%%EOF\n",
        "many end marks": b"%%EOF\n" * chance.randrange(2, 90),
        "another end": closing,
        "an end that leads nowhere": b"startxref\n%d\n%%%%EOF\n" % chance.randrange(1, start),
        "an object": b"%d 0 obj\n(x)\nendobj\n" % chance.randrange(1, 99) + closing,
        "an archive": b"PK\x03\x04" + chance.randbytes(60),
        "a page of markup": b"<html><body>paid</body></html>",
        "another document": _other(chance),
        "the document again": data,
        "another document, and the end": _other(chance) + closing,
    }
    for name, tail in tails.items():
        yield Attack(f"{name} after the end", data + tail, shows=name == "another document")
    for name, head in {"a comment": b"% x\n", "garbage": chance.randbytes(60), "a header": b"%PDF-1.4\n"}.items():
        yield Attack(f"{name} before the begin", head + data)


def _other(chance: Random) -> bytes:
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources%b/Contents 4 0 R>>" % forged_resources()
    return build_pdf(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            3: page,
            4: stream(forged_drawing(chance)),
        }
    )
