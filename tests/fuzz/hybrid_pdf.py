"""A hybrid-reference file (ISO 32000-1, 7.5.8.4): a classic table, and a stream that lists what only newer readers see."""

from __future__ import annotations

from tests.fuzz.attacks.structure import stream


def hybrid_pdf(pages: int = 1) -> bytes:
    """Catalog, page tree and contents in the table; the pages' fonts in an object stream beside it."""
    out = bytearray(b"%PDF-1.5\n%\x80\x80\x80\x80\n")
    offsets: dict[int, int] = {}
    font, packed, table = 3 + 2 * pages, 4 + 2 * pages, 5 + 2 * pages
    kids = b" ".join(b"%d 0 R" % (3 + 2 * index) for index in range(pages))
    objects = {1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Count %d/Kids[%b]>>" % (pages, kids)}
    for index in range(pages):
        page = 3 + 2 * index
        objects[page] = (
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R/Resources<</Font<</F1 %d 0 R>>>>>>"
            % (page + 1, font)
        )
        objects[page + 1] = stream(b"BT /F1 30 Tf 60 700 Td (Insured sum 1000, page %d) Tj ET" % (index + 1))
    head = b"%d 0 " % font
    body = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    objects[packed] = stream(head + body, b"/Type/ObjStm/N 1/First %d" % len(head))
    for number, item in sorted(objects.items()):
        offsets[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, item)
    offsets[table] = len(out)
    row = b"\x02%b\0\0" % packed.to_bytes(4, "big")
    size = table + 1
    out += b"%d 0 obj\n%b\nendobj\n" % (
        table,
        stream(row, b"/Type/XRef/Size %d/W[1 4 2]/Index[%d 1]/Root 1 0 R" % (size, font)),
    )
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f\r\n" % size
    for number in range(1, size):
        out += b"%010d 00000 n\r\n" % offsets[number] if number in offsets else b"0000000000 00000 f\r\n"
    out += b"trailer\n<</Size %d/Root 1 0 R/XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n" % (size, offsets[table], start)
    return bytes(out)
