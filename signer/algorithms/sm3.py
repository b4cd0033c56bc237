"""SM3 (GB/T 32905-2016), by hashlib. Not a key derivation, not a MAC: those say so by their own names."""

from __future__ import annotations

import hashlib

DIGEST_BYTES = 32
_EMPTY = hashlib.new("sm3")  # copied: looking the algorithm up costs as much as hashing a short message


def digest(*parts: bytes | bytearray | memoryview) -> bytes:
    """The 32-byte digest of the parts, one after the other."""
    hasher = _EMPTY.copy()
    for part in parts:
        hasher.update(part)
    return hasher.digest()
