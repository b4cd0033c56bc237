"""A seal's picture as objects of a stranger's PDF. Not for where it stands: `stranger_pages`.

Runs in the inspector's process, on pyHanko's objects.
"""

# mypy: disallow-untyped-calls = False
# pyHanko's writers have no types.
from __future__ import annotations

import io
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from signer.pades.page_geometry import Box
from signer.pades.seal_pictures import renumber, split_stream
from signer.pades.stranger_plan import PlannedPicture


def add_picture(writer: IncrementalPdfFileWriter, picture: PlannedPicture) -> Any:
    """The reference of the picture's form, which is new in the document with all that it draws with."""
    streams = [split_stream(body) for body in picture.objects]
    numbers = {position: writer.allocate_placeholder() for position, _ in enumerate(streams, start=1)}
    own = writer.allocate_placeholder()
    for position, (dictionary, data) in enumerate(streams, start=1):
        entries = _read(dictionary, numbers, own)
        del entries["/Length"]  # pyHanko writes its own
        writer.add_object(generic.StreamObject(entries, encoded_data=data), idnum=numbers[position].idnum)
    form = form_object(picture.bbox, zlib.compress(picture.content, 9), _read(picture.resources, numbers, own))
    form[pdf_name("/Filter")] = pdf_name("/FlateDecode")
    return writer.add_object(form, idnum=own.idnum)


def form_object(box: Box, content: bytes, resources: generic.DictionaryObject) -> generic.StreamObject:
    """A form XObject, ISO 32000-1, 8.10. `content`: as it is encoded."""
    entries = {
        pdf_name("/Type"): pdf_name("/XObject"),
        pdf_name("/Subtype"): pdf_name("/Form"),
        pdf_name("/BBox"): rectangle_of(box),
        pdf_name("/Resources"): resources,
    }
    return generic.StreamObject(entries, encoded_data=content)


def rectangle_of(values: Sequence[float]) -> generic.ArrayObject:
    """Numbers with three decimals."""
    return generic.ArrayObject([generic.FloatObject(f"{value:.3f}") for value in values])


def _read(
    dictionary: bytes, numbers: Mapping[int, generic.IndirectObject], inside: generic.IndirectObject
) -> generic.DictionaryObject:
    """A dictionary of a picture, its references made those of the document."""
    written = renumber(dictionary, lambda position: numbers[position].idnum)
    read: generic.DictionaryObject = generic.DictionaryObject.read_from_stream(io.BytesIO(written), inside.reference)
    return read
