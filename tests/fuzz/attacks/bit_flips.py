"""Bits, bytes and digits flipped, near and far: in signed bytes, in the signature, in structure, one or many.

No publication: the plainest fault and the first thing that a forger tries.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.attack import Attack, SignedDocument


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Of a stranger's file only what its signatures cover: nothing signs the rest, and much of it may be spelt anyhow."""
    data, gap = document.data, document.structure.gaps[-1]
    covered = [*range(gap.start), *range(gap.end, gap.covered_end)]
    everywhere = range(len(data)) if document.ours else covered
    for _ in range(8):
        yield Attack("a bit", _flipped(data, chance.choice(everywhere), 1 << chance.randrange(8)))
    for _ in range(4):
        at = chance.choice(everywhere)
        yield Attack("a byte", _flipped(data, at, chance.randrange(1, 256)))
    digits = [at for at in covered if data[at : at + 1].isdigit()]
    for _ in range(4):
        at = chance.choice(digits)
        other = chance.choice([value for value in b"0123456789" if value != data[at]])
        yield Attack("a digit", _flipped(data, at, data[at] ^ other))
    changed = bytearray(data)
    for at in chance.sample(covered, 20):
        changed[at] ^= chance.randrange(1, 256)
    yield Attack("many bytes", bytes(changed))
    if document.ours:
        for _ in range(4):
            at = chance.randrange(gap.start, min(gap.end, gap.start + 3_000))
            yield Attack("a bit of the signature", _flipped(data, at, 1 << chance.randrange(8)))


def _flipped(data: bytes, at: int, bits: int) -> bytes:
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]
