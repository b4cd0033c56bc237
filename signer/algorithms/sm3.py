"""SM3 (GB/T 32905-2016), by hashlib. Not a key derivation, not a MAC: those say so by their own names."""

from __future__ import annotations

import hashlib

DIGEST_BYTES = 32


def digest(content: bytes | bytearray | memoryview) -> bytes:
    """The 32-byte digest."""
    return hashlib.new("sm3", content).digest()
