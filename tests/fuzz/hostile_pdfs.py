"""Makes PDF files that mean harm: bombs, loops, lies, and the four kinds of forged files that lenient readers accept.

Generators alone, for unit tests, conformance tests and fuzzers; what the answer must be stands in the tests that use
them.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence

_HEADER = b"%PDF-1.7\n%\x80\x80\x80\x80\n"


def build_pdf(objects: Mapping[int, bytes], trailer: bytes = b"") -> bytes:
    """A PDF of one revision from object bodies; object 1 is the catalog. `trailer`: further entries."""
    out = bytearray(_HEADER)
    offsets = {}
    for number, body in sorted(objects.items()):
        offsets[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    size = max(objects) + 1
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f\r\n" % size
    for number in range(1, size):
        out += b"%010d 00000 n\r\n" % offsets[number] if number in offsets else b"0000000000 00000 f\r\n"
    out += b"trailer\n<</Size %d/Root 1 0 R%b>>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, start)
    return bytes(out)


def with_pages(kids: bytes, count: int, further: Mapping[int, bytes] | None = None, catalog: bytes = b"") -> bytes:
    """A PDF whose page tree is object 2, with that /Kids array and /Count."""
    return build_pdf(
        {
            1: b"<</Type/Catalog/Pages 2 0 R%b>>" % catalog,
            2: b"<</Type/Pages/Count %d/Kids[%b]>>" % (count, kids),
            **(further or {}),
        }
    )


_PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>"


def pages(number: int, claimed: int | None = None) -> bytes:
    """A PDF of that many pages; /Count may lie."""
    kids = b" ".join(b"%d 0 R" % (3 + index) for index in range(number))
    return with_pages(kids, number if claimed is None else claimed, {3 + index: _PAGE for index in range(number)})


def append_revision(pdf: bytes, objects: Mapping[int, bytes], *, listed: bool = True, root: int | None = None) -> bytes:
    """A further revision with those objects; `listed` False: with a cross-reference table that names none of them."""
    previous = int(re.findall(rb"startxref\s+(\d+)", pdf)[-1])
    size = max(int(value) for value in re.findall(rb"/Size (\d+)", pdf))
    if root is None:
        root = int(re.findall(rb"/Root (\d+) 0 R", pdf)[-1])
    out = bytearray(pdf if pdf.endswith(b"\n") else pdf + b"\n")
    offsets = {}
    for number, body in sorted(objects.items()):
        offsets[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n"
    for number, offset in offsets.items() if listed else ():
        out += b"%d 1\n%010d 00000 n\r\n" % (number, offset)
    if not listed:
        out += b"0 0\n"
    size = max(size, *(number + 1 for number in objects)) if objects else size
    out += b"trailer\n<</Size %d/Root %d 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (size, root, previous, start)
    return bytes(out)


def find_object(pdf: bytes, mark: bytes) -> tuple[int, bytes]:
    """Number and body of the last object whose body holds the mark."""
    found = [
        (int(match[1]), match[2])
        for match in re.finditer(rb"(?<!\d)(\d+) 0 obj\n(.*?)\nendobj\n", pdf, re.DOTALL)
        if mark in match[2]
    ]
    return found[-1]


def forged_copies(sealed: bytes) -> Iterator[tuple[str, bytes]]:
    """The four kinds of forged copies of a signed file that lenient readers accept, and their near relatives."""
    number, page = find_object(sealed, b"/Type/Page/")
    content = b"<</Length 44>>\nstream\nBT /F1 40 Tf 50 700 Td (Manipulated now) Tj ET\n\nendstream"
    changed = re.sub(rb"/Contents \d+ 0 R", b"/Contents 9000 0 R", page)
    yield "body appended with an empty table", append_revision(sealed, {number: changed, 9000: content}, listed=False)
    yield "page replaced in a listed revision", append_revision(sealed, {number: changed, 9000: content})
    widget_number, widget = (
        find_object(sealed, b"/FT/Sig") if b"/FT/Sig" in sealed else find_object(sealed, b"/FT /Sig")
    )
    shadow = re.sub(rb"/AP\s*<<.*?>>", b"/AP<</N 9001 0 R>>", widget, flags=re.DOTALL)
    assert shadow != widget
    overlay = (
        b"<</Type/XObject/Subtype/Form/BBox[0 0 595 842]/Length 30>>\nstream\n1 1 1 rg 0 0 595 842 re f     \nendstream"
    )
    yield "appearance replaced", append_revision(sealed, {widget_number: shadow, 9001: overlay})
    for name, tail in {
        "a comment": b"% harmless\n",
        "one byte": b"\0",
        "a line feed": b"\n",
        "a space": b" ",
        "an end mark": b"%%EOF\n",
    }.items():
        yield f"{name} after the end", sealed + tail
    yield "an empty revision", append_revision(sealed, {}, listed=False)
    yield from _changed_padding(sealed)


def _changed_padding(sealed: bytes) -> Iterator[tuple[str, bytes]]:
    start = re.search(rb"/Contents\s*<30", sealed)
    assert start is not None
    end = sealed.index(b">", start.start())
    assert sealed[end - 64 : end] == b"0" * 64, "the file has no padding to put junk into"
    yield "junk at the end of the padding", sealed[: end - 2] + b"41" + sealed[end:]
    yield "text in the padding", sealed[: end - 40] + b"/Type/Page".hex().encode() + sealed[end - 20 :]
    yield "white space in the padding", sealed[: end - 1] + b" " + sealed[end:]
    yield "one zero less in the padding", sealed[: end - 1] + sealed[end:]


def bombs() -> Iterator[tuple[str, bytes]]:
    """Files that try to use up time or memory."""
    deep = 100_000
    zeros = zlib.compress(zlib.compress(b"\0" * 200_000_000, 9), 9)
    stream = b"<</Type/ObjStm/N 1/First 4/Filter[/FlateDecode/FlateDecode]/Length %d>>\nstream\n%b\nendstream"
    yield "nested arrays", with_pages(b"3 0 R", 1, {3: _PAGE, 4: b"[" * deep + b"]" * deep}, b"/AcroForm 4 0 R")
    yield "nested dictionaries", with_pages(b"3 0 R", 1, {3: b"<</A" * deep + b">>" * deep})
    yield "a deep page tree", _deep_page_tree(5_000)
    yield "ten thousand pages", pages(10_000)
    yield "ten thousand pages that claim to be one", pages(10_000, claimed=1)
    yield "a stream that grows", _xref_stream(zeros, size=1_000_000)
    yield "an object stream that grows", _in_object_stream(stream % (len(zeros), zeros))
    yield (
        "many fields",
        with_pages(b"3 0 R", 1, {3: _PAGE}, b"/AcroForm<</Fields[%b]>>" % (b"<</FT/Tx/T(x)>>" * 60_000)),
    )


def lies() -> Iterator[tuple[str, bytes]]:
    """Files whose structure leads in circles or nowhere."""
    plain = pages(1)
    start = int(re.findall(rb"startxref\s+(\d+)", plain)[-1])
    yield "a table before itself", plain.replace(b"/Root 1 0 R", b"/Root 1 0 R/Prev %d" % start)
    yield "a huge table", plain.replace(b"xref\n0 4\n", b"xref\n0 4294967295\n")
    yield "a huge object number", plain.replace(b"xref\n0 4\n", b"xref\n99999999999 4\n")
    yield "a huge size", plain.replace(b"/Size 4", b"/Size 99999999999999999999")
    yield "a negative offset", re.sub(rb"startxref\n\d+", b"startxref\n-5", plain)
    yield "an offset past the end", re.sub(rb"startxref\n\d+", b"startxref\n999999999", plain)
    yield "pages in a circle", with_pages(b"2 0 R", 1)
    yield "pages that are no pages", with_pages(b"(text) 7 null", 3)
    yield "no pages", build_pdf({1: b"<</Type/Catalog>>"})
    yield "no catalog", plain.replace(b"/Root 1 0 R", b"/Root 9 0 R")
    yield "a catalog that is a number", build_pdf({1: b"7"})
    yield "an object that is itself", build_pdf({1: b"1 0 R"})
    yield "fields in a circle", _with_fields(b"4 0 R", {4: b"<</T(a)/Kids[5 0 R]>>", 5: b"<</T(b)/Kids[4 0 R]>>"})
    yield "a signature that is text", _with_fields(b"4 0 R", {4: b"<</FT/Sig/T(a)/V(signed)>>"})
    for name, value in {
        "nothing": b"<<>>",
        "a range of text": b"<</Type/Sig/ByteRange(0 1 2 3)/Contents<3000>>>",
        "a range of three": b"<</Type/Sig/ByteRange[0 1 2]/Contents<3000>>>",
        "a huge range": b"<</Type/Sig/ByteRange[0 9 99999999999999999999 7]/Contents<3000>>>",
        "a negative range": b"<</Type/Sig/ByteRange[0 -9 5 7]/Contents<3000>>>",
        "a range of references": b"<</Type/Sig/ByteRange[4 0 R 4 0 R 4 0 R 4 0 R]/Contents<3000>>>",
    }.items():
        yield f"a signature with {name}", _with_fields(b"4 0 R", {4: b"<</FT/Sig/T(a)/V 5 0 R>>", 5: value})


def _with_fields(fields: bytes, objects: Mapping[int, bytes]) -> bytes:
    return with_pages(b"3 0 R", 1, {3: _PAGE, **objects}, b"/AcroForm<</Fields[%b]>>" % fields)


def _deep_page_tree(depth: int) -> bytes:
    nodes = {2 + level: b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % (3 + level) for level in range(1, depth)}
    return with_pages(b"3 0 R", 1, {**nodes, 2 + depth: _PAGE})


def _xref_stream(data: bytes, size: int) -> bytes:
    out = bytearray(_HEADER + b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n")
    start = len(out)
    out += (
        b"3 0 obj\n<</Type/XRef/Size %d/W[1 4 2]/Root 1 0 R/Filter[/FlateDecode/FlateDecode]/Length %d>>\nstream\n"
        % (
            size,
            len(data),
        )
    )
    out += data + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(out)


def _in_object_stream(stream: bytes) -> bytes:
    """A PDF whose page tree lies in an object stream."""
    entries: Sequence[tuple[int, int, int]]
    out = bytearray(_HEADER)
    catalog = len(out)
    out += b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
    objects = len(out)
    out += b"3 0 obj\n" + stream + b"\nendobj\n"
    start = len(out)
    entries = [(0, 0, 65535), (1, catalog, 0), (2, 3, 0), (1, objects, 0), (1, start, 0)]
    table = b"".join(kind.to_bytes(1) + at.to_bytes(4) + last.to_bytes(2) for kind, at, last in entries)
    out += b"4 0 obj\n<</Type/XRef/Size 5/W[1 4 2]/Root 1 0 R/Length %d>>\nstream\n%b\nendstream\nendobj\n" % (
        len(table),
        table,
    )
    out += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(out)
