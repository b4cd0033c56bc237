"""How much work a PDF's cross-reference tables ask for, measured before a parser does it: sections and rows, by what they claim.

A small file can claim a million rows or chain fifty thousand tables, and reading those takes minutes. The walk is pyHanko's own, so that
it visits what pyHanko will visit, but reads dictionaries alone, no rows. ISO 32000-1, 7.5.4, 7.5.8. Not for whether the tables are right.
"""

# mypy: disallow-untyped-calls = False
# pyHanko's parser has no types.
from __future__ import annotations

import io
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfReadError, read_non_whitespace
from pyhanko.pdf_utils.reader import process_data_at_eof
from pyhanko.pdf_utils.rw_common import PdfHandler
from pyhanko.pdf_utils.xref import XRefBuilder

MAX_SECTIONS = 500
# A document of 2,000 pages has some 40,000 objects; pyHanko reads 150,000 rows in a second.
MAX_ROWS = 250_000
# pyHanko compares the objects of each table with every later one.
MAX_COMPARISONS = 5_000_000
# Of a stream's dictionary: /Index may name a subsection for each object, in lawful files a few.
_MAX_DICTIONARY_BYTES = 256 * 1024
# A row of a table is 20 bytes; pyHanko takes shorter ones, down to this.
_SHORTEST_ROW = 18


class TableLimitExceeded(Exception):
    """The tables ask for more than any honest file does."""


def check_table_limits(data: bytes) -> None:
    """Measures all tables that the file's end leads to.

    Raises:
        TableLimitExceeded: over a limit.
        Exception: whatever pyHanko raises on hostile files.
    """
    stream = io.BytesIO(data)  # shares the bytes
    stream.seek(-1, io.SEEK_END)
    _Measurement(data, stream, process_data_at_eof(stream)).read_xrefs()


class _Measurement(XRefBuilder):
    """Follows the chain of tables and counts, in place of reading them."""

    def __init__(self, data: bytes, stream: io.BytesIO, start: int) -> None:
        super().__init__(PdfHandler(), stream, strict=True, last_startxref=start)
        self._data = data
        self._count = 0
        self._rows = 0

    def _read_xref_table(self, declared_startxref: int) -> int | None:  # noqa: ARG002 - pyHanko's interface
        begin = self.stream.tell()
        end = self._data.find(b"trailer", begin)
        if end < 0:
            raise PdfReadError("a table without its trailer")
        self._add((end - begin) // _SHORTEST_ROW)
        self.stream.seek(end + len(b"trailer"))
        read_non_whitespace(self.stream, seek_back=True)
        trailer = generic.DictionaryObject.read_from_stream(self.stream, generic.TrailerReference(self.handler))
        beside = trailer.raw_get("/XRefStm") if "/XRefStm" in trailer else None
        if isinstance(beside, int):
            position = self.stream.tell()
            self.stream.seek(beside)
            self._add(_claimed_rows(self._read_xref_stream_object()[1]))
            self.stream.seek(position)
        return _previous(trailer)

    def _read_xref_stream(self, declared_startxref: int) -> int | None:  # noqa: ARG002 - pyHanko's interface
        _, stream = self._read_xref_stream_object()
        self._add(_claimed_rows(stream))
        return _previous(stream)

    def _read_xref_stream_object(self) -> Any:
        begin = self.stream.tell()
        if self._data.find(b"stream", begin, begin + _MAX_DICTIONARY_BYTES) < 0:
            raise TableLimitExceeded
        return super()._read_xref_stream_object()

    def _add(self, rows: int) -> None:
        self._count += 1
        self._rows += rows
        if self._count > MAX_SECTIONS or self._rows > MAX_ROWS or self._count * self._rows > MAX_COMPARISONS:
            raise TableLimitExceeded


def _claimed_rows(stream: generic.StreamObject) -> int:
    index = stream["/Index"] if "/Index" in stream else [0, stream["/Size"]]
    return sum(max(0, int(count)) for count in list(index)[1::2])


def _previous(trailer: generic.DictionaryObject) -> int | None:
    previous = trailer.raw_get("/Prev") if "/Prev" in trailer else None
    return previous if isinstance(previous, int) else None
