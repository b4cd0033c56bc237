"""Takes the data out of a PDF that our renderer made: the one embedded file, as Typst writes it. ISO 32000-1, 7.11.4.

For files of our own alone; a stranger's is "no attachment". Bounded: what is larger than data may be is none, either.
"""

from __future__ import annotations

import re
import zlib

from signer.evidence.canonical import MAX_BYTES

_MARK = re.compile(rb"/Type/EmbeddedFile(?=[/>])")
_HEAD = re.compile(rb"[1-9]\d{0,6} 0 obj\n<<[^\n]*>>\nstream\n")
_LENGTH = re.compile(rb"/Length (\d{1,8})(?=[/>])")
_MOST_BEFORE, _MOST_HEAD = 2000, 4000


def attached_data(pdf: bytes) -> bytes | None:
    """The embedded file's bytes; None unless there is exactly one."""
    marks = [match.start() for match in _MARK.finditer(pdf)]
    if len(marks) != 1:
        return None
    start = pdf.rfind(b"\n", 0, pdf.rfind(b" 0 obj\n<<", max(0, marks[0] - _MOST_BEFORE), marks[0])) + 1
    head = _HEAD.match(pdf, start, start + _MOST_HEAD)
    length = _LENGTH.search(head[0]) if head is not None else None
    if head is None or length is None or head.end() < marks[0]:
        return None
    stream = pdf[head.end() : head.end() + int(length[1])]
    if b"/FlateDecode" not in head[0]:
        return stream if len(stream) <= MAX_BYTES else None
    return _inflated(stream)


def _inflated(stream: bytes) -> bytes | None:
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(stream, MAX_BYTES + 1)
    except zlib.error:
        return None
    return data if inflater.eof and len(data) <= MAX_BYTES else None
