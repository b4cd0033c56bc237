"""Whether a file begins with one that we released, byte for byte: what follows may keep it verifiable, and no byte of ours was changed.

Of a document with validation data (PAdES B-LT) nothing signs the end; the issue register knows it all the same. Not for what follows.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from itertools import islice

# Each revision ends with this line (ISO 32000-1, 7.5.5); as our embedder and Typst write it.
_END = re.compile(rb"%%EOF\n?")
_MOST_ENDS = 256


def begins_as_released(pdf: bytes, released_sm3: Collection[bytes]) -> bool:
    """True where one of the files with these digests (SM3, 32 bytes each) is the beginning of `pdf`, or all of it.

    It is looked for at the first 256 ends of revisions.
    """
    digest, position = hashlib.new("sm3"), 0
    for end in islice(_END.finditer(pdf), _MOST_ENDS):
        digest.update(pdf[position : end.end()])
        position = end.end()
        if digest.digest() in released_sm3:
            return True
    return False
