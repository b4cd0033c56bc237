"""Appends revisions to a PDF as an attacker does: with honest tables, and with those that lie or are not there."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from tests.fuzz.attacks.structure import Structure


class Table(StrEnum):
    """How the appended objects are listed."""

    CLASSIC = "a table"
    STREAM = "a table in a stream"
    EMPTY = "an empty table"
    ABSENT = "no table, but a trailer"
    BARE = "neither table nor trailer"
    COPIED = "a copy of the last table"
    CUT = "no end mark"


HONEST = (Table.CLASSIC, Table.STREAM)


def append(
    structure: Structure,
    objects: Mapping[int, bytes],
    table: Table = Table.CLASSIC,
    *,
    root: int | None = None,
    trailer: bytes = b"",
    listed: Mapping[int, int] | None = None,
) -> bytes:
    """The file with a further revision. `listed`: offsets that the table names beside or instead of the true ones."""
    out = bytearray(structure.data if structure.data.endswith(b"\n") else structure.data + b"\n")
    offsets: dict[int, int] = {}
    for number, body in sorted(objects.items()):
        offsets[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    offsets.update(listed or {})
    entries = b"/Root %d 0 R/Prev %d%b" % (root or structure.root, structure.start, trailer)
    size = max([structure.size, *(number + 1 for number in offsets)])
    return bytes(out + _ending(structure, table, offsets, entries, size, len(out)))


def _ending(
    structure: Structure, table: Table, offsets: Mapping[int, int], entries: bytes, size: int, start: int
) -> bytes:
    closing = b"startxref\n%d\n%%%%EOF\n" % start
    trailer = b"trailer\n<</Size %d%b>>\n" % (size, entries)
    match table:
        case Table.CLASSIC:
            return classic_table(offsets) + trailer + closing
        case Table.STREAM:
            return _stream_table(offsets, entries, size, start) + closing
        case Table.EMPTY:
            return b"xref\n0 0\n" + trailer + closing
        case Table.ABSENT:
            return trailer + b"startxref\n%d\n%%%%EOF\n" % structure.start
        case Table.BARE:
            return b"startxref\n%d\n%%%%EOF\n" % structure.start
        case Table.COPIED:
            last = structure.data[structure.start : structure.data.rindex(b"startxref")]
            return last + closing
        case Table.CUT:
            return classic_table(offsets) + trailer + closing[: -len(b"%%EOF\n")]


def classic_table(offsets: Mapping[int, int]) -> bytes:
    """A cross-reference table, a section for each object. ISO 32000-1, 7.5.4."""
    return b"xref\n" + b"".join(b"%d 1\n%010d 00000 n\r\n" % item for item in sorted(offsets.items()))


def _stream_table(offsets: Mapping[int, int], entries: bytes, size: int, start: int) -> bytes:
    """A cross-reference stream, which lists itself too. ISO 32000-1, 7.5.8."""
    listed = sorted({**offsets, size: start}.items())
    content = b"".join(b"\x01%b\0\0" % offset.to_bytes(4, "big") for _, offset in listed)
    index = b" ".join(b"%d 1" % number for number, _ in listed)
    head = b"<</Type/XRef/Size %d/W[1 4 2]/Index[%b]%b/Length %d>>" % (size + 1, index, entries, len(content))
    return b"%d 0 obj\n%b\nstream\n%b\nendstream\nendobj\n" % (size, head, content)
