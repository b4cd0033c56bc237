"""Files cut short, or with a part taken out, up to cuts that leave an older revision without its signature.

No publication: every download that broke off, and the rollback to a revision before the signature.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.attack import Attack, SignedDocument


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Cuts at places of chance and at telling ones. A cut right behind a signed revision is no attack: it was signed."""
    data, gaps = document.data, document.structure.gaps
    signed = {gap.covered_end for gap in gaps}
    telling = [data.rindex(b"%%EOF"), data.rindex(b"startxref"), document.structure.start, len(document.unsigned)]
    telling += [gap.start + 1 for gap in gaps] + [gap.end for gap in gaps] + [len(data) - 7, len(data) - 2]
    for at in [*telling, *(chance.randrange(1, len(data)) for _ in range(8))]:
        if not any(data[min(at, end) : max(at, end)].strip() == b"" for end in signed):
            yield Attack("cut", data[:at])
    for _ in range(6):
        begin = chance.randrange(len(data) - 10)
        end = min(len(data), begin + chance.choice([1, 2, 20, 1_000, 60_000]))
        yield Attack("a part taken out", data[:begin] + data[end:])
        at = chance.randrange(len(data))
        yield Attack("a part doubled", data[:at] + data[begin:end] + data[at:])
    for end in sorted(signed)[:1]:
        yield Attack("the head cut off", data[chance.randrange(1, 200) : end])
