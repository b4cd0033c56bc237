"""A rendered PDF and the updates that our embedder has appended to it so far: what the next update builds on.

Knows where each object's newest body stands and what the catalog holds beside the renderer's own entries. Not a PDF parser:
`RenderedPdf` reads the first revision, `incremental_update` writes the others, `shape` recognises them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from signer.pades.rendered_pdf import MediaBox, PdfLayoutError, RenderedPdf


@dataclass(frozen=True)
class ValidationReferences:
    """The object numbers of the streams that the document security store lists."""

    certificates: tuple[int, ...] = ()
    revocation_lists: tuple[int, ...] = ()
    ocsp_responses: tuple[int, ...] = ()


@dataclass(frozen=True)
class Additions:
    """What updates have put into the catalog; object numbers.

    `fields`: the form's signature fields, document timestamps among them. `certifying`: the dictionary of the signature that
    certifies the document, 0 for none. `validation_data`: the document security store (DSS), 0 for none, and what it lists.
    """

    fields: tuple[int, ...] = ()
    certifying: int = 0
    validation_data: int = 0
    references: ValidationReferences = ValidationReferences()


@dataclass(frozen=True)
class RevisedPdf:
    """`data`: the whole file. `size`: the first free object number. `xref_offset`: of the last table. `offsets`: of objects in updates."""

    rendered: RenderedPdf = field(repr=False)
    data: bytes = field(repr=False)
    size: int
    xref_offset: int
    offsets: Mapping[int, int] = field(default_factory=dict, repr=False)
    additions: Additions = Additions()

    @classmethod
    def of_rendered(cls, pdf: RenderedPdf) -> RevisedPdf:
        """The first revision alone."""
        return cls(pdf, pdf.data, pdf.size, pdf.xref_offset)

    @classmethod
    def read_rendered(cls, data: bytes) -> RevisedPdf:
        """Reads a PDF that was only just rendered. Raises PdfLayoutError."""
        return cls.of_rendered(RenderedPdf.read(data))

    def revised(
        self, data: bytes, *, size: int, xref_offset: int, offsets: Mapping[int, int], additions: Additions
    ) -> RevisedPdf:
        """With one update more. `data`: the whole file with it. `offsets`: of the update's objects."""
        return replace(
            self,
            data=data,
            size=size,
            xref_offset=xref_offset,
            offsets={**self.offsets, **offsets},
            additions=additions,
        )

    def media_box(self, page: int) -> MediaBox:
        """The MediaBox of a page object: no update of ours changes it. Raises PdfLayoutError."""
        return self.rendered.media_box(page)

    def page_object(self, page: int) -> int | None:
        """The object number of a page (from 1), None where the document has no such page. Raises PdfLayoutError."""
        return self.rendered.page_object(page)

    def page_count(self) -> int:
        """Raises PdfLayoutError."""
        return self.rendered.page_count()

    def page_dictionary(self, page: int) -> bytes:
        """The newest dictionary of a page object, from "<<" to ">>". Raises PdfLayoutError."""
        offset = self.offsets.get(page)
        if offset is None:
            return self.rendered.page_dictionary(page)
        head = b"%d 0 obj\n" % page
        end = self.data.find(b"\nendobj\n", offset)
        if end < 0 or not self.data.startswith(head, offset):
            raise PdfLayoutError(f"page object {page} is not where the table says")
        return self.data[offset + len(head) : end]
