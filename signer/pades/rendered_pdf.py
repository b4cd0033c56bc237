"""Reads what the embedder must know of a PDF that policy_render made: last xref, catalog, pages. ISO 32000-1, 7.5.

Knows one layout only: one revision, a classic cross-reference table, objects and dictionaries as Typst writes them, no
form and no signature. Every assumption is checked. Not a PDF parser: strangers' files fail here by design and belong to
`foreign`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from signer.errors import Reason, SignerError

_TAIL = re.compile(
    rb"trailer\n<</Size (?P<size>[1-9]\d{0,6})/Root (?P<root>[1-9]\d{0,6}) 0 R(?P<info>(?:/Info [1-9]\d{0,6} 0 R)?)"
    rb"/ID\[\((?P<id>[A-Za-z0-9+/=]{1,64})\)\([A-Za-z0-9+/=]{1,64}\)\]>>\nstartxref\n(?P<xref>[1-9]\d{0,9})\n%%EOF\Z"
)
_TAIL_LIMIT = 400
_HEADER = re.compile(rb"%PDF-1\.[4-7]\n")
_ENTRY_LENGTH = 20  # ISO 32000-1, 7.5.4: "each entry shall be exactly 20 bytes long"
_ENTRY = re.compile(rb"(\d{10}) 00000 n\r\n")
_PAGES = re.compile(rb"/Pages ([1-9]\d{0,6}) 0 R")
_KIDS = re.compile(rb"/Kids\[((?:[1-9]\d{0,6} 0 R ?)+)\]")
_REFERENCE = re.compile(rb"([1-9]\d{0,6}) 0 R")
_COUNT = re.compile(rb"/Count ([1-9]\d{0,6})(?=[/>])")
_NUMBER = rb"(-?\d{1,6}(?:\.\d{1,6})?)"
_MEDIA_BOX = re.compile(rb"/MediaBox\[" + _NUMBER + rb" " + _NUMBER + rb" " + _NUMBER + rb" " + _NUMBER + rb"\]")
_MAX_DEPTH = 16
# A document that has one of these already is not one that was only just rendered.
_FORBIDDEN_IN_CATALOG = (b"/AcroForm", b"/Perms", b"/DSS", b"/Encrypt")
# Each would move or turn what a reader sees against the MediaBox.
_FORBIDDEN_IN_PAGE = (b"/Rotate", b"/CropBox", b"/UserUnit")


class PdfLayoutError(SignerError):
    """The PDF is not laid out as our renderer writes it, so the embedder does not touch it."""

    def __init__(self, what: str) -> None:
        super().__init__(
            Reason.LAYOUT_UNKNOWN,
            f"the rendered PDF can't be sealed: {what}",
            "Report it: the renderer's version and the embedder's don't fit each other.",
        )


@dataclass(frozen=True)
class MediaBox:
    """The page's box in PDF units (1/72 inch), origin at the bottom left."""

    left: float
    bottom: float
    right: float
    top: float


@dataclass(frozen=True)
class RenderedPdf:
    """A rendered PDF of one revision. `size`: /Size, the first free object number. `info`: the trailer's entry."""

    data: bytes
    size: int
    root: int
    info: bytes
    identifier: bytes
    xref_offset: int
    _entries: int

    @classmethod
    def read(cls, data: bytes) -> RenderedPdf:
        """Reads trailer and table.

        Raises:
            PdfLayoutError: an assumption about the layout does not hold.
        """
        if not _HEADER.match(data):
            raise PdfLayoutError("it does not begin as a PDF 1.x file")
        tail = _TAIL.search(data, max(0, len(data) - _TAIL_LIMIT))
        if tail is None:
            raise PdfLayoutError("its trailer is not the renderer's")
        if b"/ByteRange" in data:
            raise PdfLayoutError("it holds the word /ByteRange, which only a signature may")
        size, xref_offset = int(tail["size"]), int(tail["xref"])
        head = b"xref\n0 %d\n0000000000 65535 f\r\n" % size
        entries = xref_offset + len(head) - _ENTRY_LENGTH
        if not data.startswith(head, xref_offset) or entries + _ENTRY_LENGTH * size != tail.start():
            raise PdfLayoutError("its cross-reference table is not the renderer's")
        pdf = cls(data, size, int(tail["root"]), tail["info"], tail["id"], xref_offset, entries)
        if any(word in pdf.dictionary(pdf.root) for word in _FORBIDDEN_IN_CATALOG):
            raise PdfLayoutError("it has a form, a signature or permissions already")
        return pdf

    def dictionary(self, number: int) -> bytes:
        """The bytes of an object that is a dictionary, from "<<" to ">>". Raises PdfLayoutError."""
        entry = None
        if 0 < number < self.size:
            entry = _ENTRY.match(self.data, self._entries + _ENTRY_LENGTH * number)
        if entry is None:
            raise PdfLayoutError(f"object {number} is missing")
        offset = int(entry[1])
        head = b"%d 0 obj\n" % number
        end = self.data.find(b"\nendobj\n", offset)
        body = self.data[offset + len(head) : end]
        if end < 0 or not self.data.startswith(head, offset) or not body.startswith(b"<<") or not body.endswith(b">>"):
            raise PdfLayoutError(f"object {number} is not a dictionary where the table says")
        return body

    def page_count(self) -> int:
        """Raises PdfLayoutError."""
        return self._page_count(self._page_tree())

    def page_object(self, page: int) -> int | None:
        """The object number of a page (from 1), None where the document has no such page. Raises PdfLayoutError."""
        number = self._page_tree()
        if not 1 <= page <= self._page_count(number):
            return None
        for _ in range(_MAX_DEPTH):
            if self._is_page(number):
                return number
            number, page = self._descend(number, page)
        raise PdfLayoutError("its page tree is too deep")

    def page_dictionary(self, number: int) -> bytes:
        """The dictionary of a page object. Raises PdfLayoutError when it is not an upright, uncropped page."""
        body = self.dictionary(number)
        if not self._is_page(number):
            raise PdfLayoutError(f"object {number} is not a page")
        if any(word in body for word in _FORBIDDEN_IN_PAGE):
            raise PdfLayoutError("a page is turned or cropped")
        return body

    def media_box(self, number: int) -> MediaBox:
        """The MediaBox of a page object. Raises PdfLayoutError."""
        match = _MEDIA_BOX.search(self.page_dictionary(number))
        if match is None:
            raise PdfLayoutError("a page has no MediaBox of its own")
        return MediaBox(*(float(value) for value in match.groups()))

    def _page_tree(self) -> int:
        match = _PAGES.search(self.dictionary(self.root))
        if match is None:
            raise PdfLayoutError("it has no page tree")
        return int(match[1])

    def _is_page(self, number: int) -> bool:
        return re.search(rb"/Type/Page(?=[/>])", self.dictionary(number)) is not None

    def _page_count(self, number: int) -> int:
        if self._is_page(number):
            return 1
        match = _COUNT.search(self.dictionary(number))
        if match is None:
            raise PdfLayoutError("a node of its page tree has no count")
        return int(match[1])

    def _descend(self, number: int, page: int) -> tuple[int, int]:
        """The child that holds a page, and the page's place in it."""
        match = _KIDS.search(self.dictionary(number))
        if match is None:
            raise PdfLayoutError("a node of its page tree has no kids")
        kids = [int(reference) for reference in _REFERENCE.findall(match[1])]
        total = self._page_count(number)
        if len(kids) == total:  # one page each: no need to look into them
            return kids[page - 1], 1
        counts = [self._page_count(kid) for kid in kids]
        if sum(counts) != total:
            raise PdfLayoutError("the counts of its page tree don't add up")
        index = 0
        while page > counts[index]:
            page -= counts[index]
            index += 1
        return kids[index], page
