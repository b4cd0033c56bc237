"""Large files and bombs beyond `hostile_pdfs.bombs`: what costs a reader time or memory out of all proportion to its size.

Each is up to 32 MiB, the most that an upload may have. Generators alone; the answers are in tests/fault.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from tests.fuzz.hostile_pdfs import build_pdf, pages, with_pages
from tests.fuzz.signature_frame import framed

LARGEST = 32 * 1024 * 1024
_PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]%b>>"


def _stream(content: bytes, entries: bytes) -> bytes:
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (entries, len(content), content)


def _flate(times: int, size: int = 1 << 28) -> bytes:
    content = bytes(size)
    for _ in range(times):
        content = zlib.compress(content, 9)
    return content


def nested_flate() -> bytes:
    """A page's content and a form's fields behind three layers of compression."""
    bomb = _stream(_flate(3), b"/Type/ObjStm/N 1/First 4/Filter[/FlateDecode/FlateDecode/FlateDecode]")
    return with_pages(b"3 0 R", 1, {3: _PAGE % b"/Contents 4 0 R", 4: bomb}, b"/AcroForm 4 0 R")


def many_filters() -> bytes:
    """A chain of a thousand filters."""
    filters = b"/Filter[%b]" % (b"/ASCIIHexDecode" * 1_000)
    return with_pages(b"3 0 R", 1, {3: _PAGE % b"/Contents 4 0 R", 4: _stream(b"30>", filters)}, b"/Metadata 4 0 R")


def shared_page_tree() -> bytes:
    """Forty levels of nodes that each name the next one ten times: 10^40 pages."""
    nodes = {3 + level: b"<</Type/Pages/Count 1/Kids[%b]>>" % (b"%d 0 R " % (4 + level) * 10) for level in range(40)}
    return with_pages(b"3 0 R", 1, {**nodes, 43: _PAGE % b""})


def chain_of_tables() -> bytes:
    """Fifty thousand revisions of nothing."""
    out = bytearray(pages(1))
    previous = out.rindex(b"xref\n0 ")
    for _ in range(50_000):
        start = len(out)
        out += b"xref\n0 0\ntrailer\n<</Size 4/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (previous, start)
        previous = start
    return bytes(out)


def wide_table() -> bytes:
    """A cross-reference stream that claims a million sections."""
    index = b"/Index[%b]" % b" ".join(b"%d 1" % number for number in range(1_000_000))
    table = zlib.compress(b"\x01\0\0\0\x0f\0\0" * 1_000_000, 9)
    out = b"%PDF-1.7\n%\x80\x80\x80\x80\n1 0 obj\n<</Type/Catalog/Pages 1 0 R/Kids[]>>\nendobj\n"
    entries = b"/Type/XRef/Size 1000001/W[1 4 2]/Root 1 0 R/Filter/FlateDecode" + index
    body = b"3 0 obj\n%b\nendobj\n" % _stream(table, entries)
    return out + body + b"startxref\n%d\n%%%%EOF\n" % len(out)


def deep_structure() -> bytes:
    """Arrays, dictionaries and names nested a hundred thousand deep, in the catalog."""
    deep = 100_000
    names = b"/Names" + b"<</A[" * deep + b"]>>" * deep
    return with_pages(b"3 0 R", 1, {3: _PAGE % b""}, names)


def deep_signature() -> bytes:
    """A signature whose CMS is twenty thousand SEQUENCEs in each other."""
    der = b""
    for _ in range(20_000):
        length = len(der)
        octets = length.to_bytes(4, "big").lstrip(b"\0")
        der = b"\x30" + (bytes([length]) if length < 128 else bytes([0x80 | len(octets)]) + octets) + der
    return framed(der, room=len(der) + 10)


def ten_thousand_pages() -> bytes:
    """More than anybody prints."""
    return pages(10_000)


def many_signatures() -> bytes:
    """Two thousand fields that share one signature value."""
    fields = {10 + index: b"<</FT/Sig/T(f%d)/V 5 0 R>>" % index for index in range(2_000)}
    value = b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/ByteRange[0 9 19 9]/Contents<3000>>>"
    listed = b" ".join(b"%d 0 R" % number for number in fields)
    return with_pages(b"3 0 R", 1, {3: _PAGE % b"", 5: value, **fields}, b"/AcroForm<</Fields[%b]>>" % listed)


def large_and_empty() -> bytes:
    """32 MiB of zeros in a stream that nobody needs."""
    frame = build_pdf({1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Count 0/Kids[]>>", 3: _stream(b"", b"")})
    room = LARGEST - 4_096 - len(frame)
    return build_pdf(
        {1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Count 0/Kids[]>>", 3: _stream(bytes(room), b"")}
    )


def large_and_full() -> bytes:
    """32 MiB of object heads, which look like two million objects."""
    return pages(1)[:-30] + b"1 0 obj\n<<>>\nendobj\n" * (LARGEST // 22) + pages(1)[-30:]


BOMBS: dict[str, Callable[[], bytes]] = {
    function.__name__: function
    for function in (
        nested_flate,
        many_filters,
        shared_page_tree,
        chain_of_tables,
        wide_table,
        deep_structure,
        deep_signature,
        ten_thousand_pages,
        many_signatures,
        large_and_empty,
        large_and_full,
    )
}
