"""Junk in the padding of /Contents, the one place that no signature covers: digits, white space, other delimiters.

"1 Trillion Dollar Refund" (see `incremental_saving`) hides a second range and objects there.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.attack import Attack, SignedDocument


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Each kind at a place of chance in the padding."""
    data = document.data
    for gap in document.structure.gaps:
        first = gap.start + len(data[gap.start : gap.end - 1].rstrip(b"0")) + 2
        if gap.end - first < 120:
            continue

        def put(junk: bytes, first: int = first, end: int = gap.end) -> bytes:
            at = chance.randrange(first, end - 1 - len(junk))
            return data[:at] + junk + data[at + len(junk) :]

        yield Attack("a digit", put(chance.choice([b"1", b"f", b"A"])))
        yield Attack("digits", put(chance.randbytes(chance.randrange(1, 40)).hex().encode().replace(b"00", b"11")))
        yield Attack("an object in digits", put(b"/Type/Page".hex().encode()))
        yield Attack("white space", put(chance.choice([b" ", b"\n", b"\r", b"\t", b"\0", b"\f"])))
        yield Attack("no digit", put(chance.choice([b"g", b"x", b"%", b"(", b"/", b"\xff"])))
        yield Attack("a comment", put(b"%comment\n"))
        yield Attack("a second string", put(b"><00"))
        yield Attack("a second signature", put(b">/Contents<3000"))
        yield Attack("a second range", put(b">/ByteRange[0 1 2 3]/X<"))
        yield Attack("a zero less", data[: gap.end - 2] + data[gap.end - 1 :])
        yield Attack("a zero more", data[: gap.end - 1] + b"0" + data[gap.end - 1 :])
        yield Attack(
            "a parenthesis", data[: gap.start] + b"(" + data[gap.start + 1 : gap.end - 1] + b")" + data[gap.end :]
        )
        yield Attack("half a digit", data[: gap.end - 1] + b">" + data[gap.end :].replace(b">>", b"> ", 1))
