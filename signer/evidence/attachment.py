"""Takes the data out of a PDF that our renderer made: the one embedded file, as Typst writes it. ISO 32000-1, 7.11.4.

For files of our own alone; a stranger's is "no attachment". Bounded: what is larger than data may be is none, either.
"""

from __future__ import annotations

import re
import zlib

from signer.evidence.canonical import MAX_BYTES

_EMBEDDED = re.compile(
    rb"\d+ 0 obj\n<<(?=[^\n]{0,2000}?/Type/EmbeddedFile)[^\n]{0,2000}?/Length (\d{1,8})[^\n]{0,2000}?>>\nstream\n"
)


def attached_data(pdf: bytes) -> bytes | None:
    """The embedded file's bytes; None unless there is exactly one."""
    found = list(_EMBEDDED.finditer(pdf))
    if len(found) != 1:
        return None
    match = found[0]
    stream = pdf[match.end() : match.end() + int(match[1])]
    if b"/FlateDecode" not in match[0]:
        return stream if len(stream) <= MAX_BYTES else None
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(stream, MAX_BYTES + 1)
    except zlib.error:
        return None
    return data if inflater.eof and len(data) <= MAX_BYTES else None
