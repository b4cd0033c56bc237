"""What an attack generator takes and yields.

    def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]

All that is fresh in a variant comes from `chance`, so a seed repeats it (but for keys and signatures).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from random import Random

from signer.certificates import TrustStore
from tests.fuzz.attacks.structure import Structure


@dataclass(frozen=True)
class Attack:
    """`shows`: some common viewer shows, attaches or runs something else than was signed; otherwise it is hoped for."""

    name: str
    data: bytes = field(repr=False)
    shows: bool = False


@dataclass(frozen=True)
class SignedDocument:
    """A document as somebody signed it, and how.

    `unsigned`: before its (first) signature. `sign`: signs other files in the same way; None where only this appliance's
    embedder signs, which nobody can hand a prepared file. `ours`: sealed by our embedder. `permissions`: DocMDP level
    of a certified document, 0 for others.
    """

    name: str
    data: bytes = field(repr=False)
    unsigned: bytes = field(repr=False)
    trust: TrustStore = field(repr=False)
    sign: Callable[[bytes], bytes] | None = field(repr=False, default=None)
    ours: bool = False
    permissions: int = 0

    @cached_property
    def structure(self) -> Structure:
        """Of the signed file."""
        return Structure(self.data)

    def with_signature(self, der: bytes) -> bytes:
        """The file with other bytes in the newest signature's place, as far as they fit."""
        gap = self.structure.gaps[-1]
        room = gap.end - gap.start - 2
        return self.data[: gap.start + 1] + der.hex().encode()[:room].ljust(room, b"0") + self.data[gap.end - 1 :]


Variants = Callable[[SignedDocument, Random], Iterator[Attack]]
