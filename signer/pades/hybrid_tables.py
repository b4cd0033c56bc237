"""Whether a hybrid-reference file is the same document for every reader: those that know cross-reference streams, and those that don't.

ISO 32000-1, 7.5.8.4: beside a table, such a file has a stream (/XRefStm) with further objects, which old readers take for missing; made for
structure trees and the like. It must do no more: the stream may neither replace nor free what a table lists, and nothing that a document
shows or attaches may hang on what only newer readers find. Not for hybrid parts that came after a signature: those are changes.
"""

# mypy: disallow-untyped-calls = False
# pyHanko's parser has no types.
from __future__ import annotations

import io

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import XRefBuilder, XRefSection

# Of a free entry that hides an object: no generation of it was ever in use.
_NEVER_USED = frozenset({0, 65_535})
# What no reader draws: the structure tree, and an outline's way into it.
_NOT_SHOWN = frozenset({"/StructTreeRoot", "/SE"})


def is_one_document(data: bytes, reader: PdfFileReader) -> bool:
    """True where all readers see the same; for files without hybrid parts, too.

    Raises:
        Exception: whatever pyHanko raises on hostile files.
    """
    if not reader.xrefs.hybrid_xrefs_present:
        return True
    hidden: set[int] = set()
    listed: set[int] = set()
    freed: set[int] = set()
    for revision in range(reader.xrefs.total_revisions):
        section = reader.xrefs.get_xref_data(revision)
        here = {*section.standard_xrefs, *section.xrefs_in_objstm}
        hidden -= here
        listed |= here
        freed |= {number for number, generation in section.freed.items() if generation not in _NEVER_USED}
        if section.hybrid is None:
            continue
        if not _is_plain_stream(data, reader, section.hybrid, revision):
            return False
        beside = section.hybrid.xref_data
        same = {number for number in here if section.standard_xrefs.get(number) == beside.standard_xrefs.get(number)}
        further = {*beside.standard_xrefs, *beside.xrefs_in_objstm} - same
        if further & (listed | freed) or set(beside.freed) & listed:
            return False
        hidden |= further
    return not _shows(reader, hidden)


def _is_plain_stream(data: bytes, reader: PdfFileReader, section: XRefSection, revision: int) -> bool:
    """The stream has no chain and no catalog of its own."""
    builder = XRefBuilder(reader, io.BytesIO(data), strict=True, last_startxref=0)
    builder.stream.seek(section.meta_info.start_location)
    _, stream = builder._read_xref_stream_object()
    root = reader.trailer.raw_get("/Root", revision=revision)
    return (
        "/Prev" not in stream
        and "/Encrypt" not in stream
        and ("/Root" not in stream or stream.raw_get("/Root") == root)
    )


def _shows(reader: PdfFileReader, hidden: set[int]) -> bool:
    """True where the catalog or the file's information leads to one of the objects, other than by its structure tree."""
    trailer = reader.trailer.flatten()
    waiting: list[object] = [trailer.raw_get(key) for key in ("/Root", "/Info") if key in trailer]
    visited: set[int] = set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, generic.IndirectObject):
            if item.idnum in hidden:
                return True
            if item.idnum not in visited and reader.xrefs[item.reference] is not None:  # a reference to nothing is null
                visited.add(item.idnum)
                waiting.append(item.get_object())
        elif isinstance(item, generic.DictionaryObject):
            waiting.extend(item.raw_get(key) for key in item if key not in _NOT_SHOWN)
        elif isinstance(item, generic.ArrayObject):
            waiting.extend(item.raw_get(index) for index in range(len(item)))
    return False
