"""Hybrid-reference files (ISO 32000-1, 7.5.8.4): a classic table, and a stream that lists what only newer readers see."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from tests.fuzz.attacks.structure import stream


class Hidden(StrEnum):
    """What old readers don't find: a structure tree, as lawful programs hide it, or the fonts that pages are written with."""

    STRUCTURE = "structure"
    FONT = "font"


def hybrid_pdf(pages: int = 1, *, hidden: Hidden = Hidden.STRUCTURE, update: bool = False) -> bytes:
    """Catalog, page tree and contents in the table; one hidden object in an object stream beside it.

    `update`: the stream stands beside a second, empty table, as word processors write it.
    """
    packed, table = 5 + 2 * pages, 6 + 2 * pages
    objects, body = _objects(pages, hidden)
    number = 3 + 2 * pages if hidden is Hidden.FONT else 4 + 2 * pages
    head = b"%d 0 " % number
    objects[packed] = stream(head + body, b"/Type/ObjStm/N 1/First %d" % len(head))
    row = b"\x02%b\0\0" % packed.to_bytes(4, "big")
    entries = b"/Type/XRef/Size %d/W[1 4 2]/Index[%d 1]/Root 1 0 R" % (table + 1, number)
    objects[table] = stream(row, entries)
    return _written(objects, table, update=update)


def _objects(pages: int, hidden: Hidden) -> tuple[dict[int, bytes], bytes]:
    """By number, and the body of the hidden one."""
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    structure = b"<</Type/StructTreeRoot/K[]>>"
    font_number, tree = 3 + 2 * pages, 4 + 2 * pages
    kids = b" ".join(b"%d 0 R" % (3 + 2 * index) for index in range(pages))
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R/MarkInfo<</Marked true>>/StructTreeRoot %d 0 R>>" % tree,
        2: b"<</Type/Pages/Count %d/Kids[%b]>>" % (pages, kids),
        font_number: font,
        tree: structure,
    }
    for index in range(pages):
        page = 3 + 2 * index
        objects[page] = (
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R/Resources<</Font<</F1 %d 0 R>>>>>>"
            % (page + 1, font_number)
        )
        objects[page + 1] = stream(b"BT /F1 30 Tf 60 700 Td (Insured sum 1000, page %d) Tj ET" % (index + 1))
    return objects, objects.pop(font_number if hidden is Hidden.FONT else tree)


def _written(objects: Mapping[int, bytes], table: int, *, update: bool) -> bytes:
    out = bytearray(b"%PDF-1.5\n%\x80\x80\x80\x80\n")
    offsets: dict[int, int] = {}
    for number, item in sorted(objects.items()):
        offsets[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, item)
    start, size = len(out), max(objects) + 1
    beside = b"/XRefStm %d" % offsets[table]
    out += b"xref\n0 %d\n0000000000 65535 f\r\n" % size
    for number in range(1, size):
        out += b"%010d 00000 n\r\n" % offsets[number] if number in offsets else b"0000000000 65535 f\r\n"
    trailer = b"trailer\n<</Size %d/Root 1 0 R%b>>\nstartxref\n%d\n%%%%EOF\n"
    out += trailer % (size, b"" if update else beside, start)
    if update:
        again = len(out)
        out += b"xref\n0 0\n" + trailer % (size, beside + b"/Prev %d" % start, again)
    return bytes(out)
