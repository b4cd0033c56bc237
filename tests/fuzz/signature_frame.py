"""A small PDF of fixed bytes around a signature's place, for any bytes that call themselves a signature."""

from __future__ import annotations

import hashlib
from functools import cache

from tests.fuzz.hostile_pdfs import with_pages

_PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>"
_HEAD = b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/%b/ByteRange[0 %010d %010d %010d]/Contents"


@cache
def _frame(room: int, subfilter: bytes) -> tuple[bytes, bytes]:
    """What stands before "<" and behind ">"."""
    numbers = (0, 0, 0)
    for _ in range(2):  # the numbers are of fixed width: the second time they are right
        value = _HEAD % (subfilter, *numbers) + b"<" + b"0" * (2 * room) + b">>>"
        objects = {3: _PAGE, 4: b"<</FT/Sig/T(a)/V 5 0 R>>", 5: value}
        pdf = with_pages(b"3 0 R", 1, objects, b"/AcroForm<</SigFlags 3/Fields[4 0 R]>>")
        start = pdf.index(b"/Contents<") + len(b"/Contents")
        end = start + 2 * room + 2
        numbers = (start, end, len(pdf) - end)
    return pdf[:start], pdf[end:]


def framed(signature: bytes, *, room: int = 6_000, subfilter: bytes = b"ETSI.CAdES.detached") -> bytes:
    """The file with that signature, cut where there is no more room (bytes) for it."""
    before, after = _frame(room, subfilter)
    return before + b"<" + signature[:room].hex().encode().ljust(2 * room, b"0") + b">" + after


def framed_digest(hash_name: str, *, room: int = 6_000, subfilter: bytes = b"ETSI.CAdES.detached") -> bytes:
    """The digest (a hashlib name) of what such a signature covers."""
    return hashlib.new(hash_name, b"".join(_frame(room, subfilter))).digest()
