"""What may be appended to a signed file: further signatures, validation data, timestamps, values of fields, comments.

ISO 32000-2, 12.8.2.2 (DocMDP), 12.8.4.3 (DSS); ETSI EN 319 142-1, 5.4.
"""

# mypy: disallow-untyped-calls = False
# pyHanko's writers have no types.
from __future__ import annotations

import io

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields

from tests.fuzz.sealed_documents import Pki
from tests.fuzz.strangers import SigningOptions, signed_by

_name = generic.pdf_name
FIELD = (60, 100, 260, 130)


def _array(*values: float) -> generic.ArrayObject:
    return generic.ArrayObject([generic.FloatObject(value) for value in values])


def _written(writer: IncrementalPdfFileWriter) -> bytes:
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def with_small_field(pdf: bytes, box: tuple[int, int, int, int] = FIELD) -> bytes:
    """The unsigned file with an empty text field, near the foot of page 1 if nothing else is said."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    page, _ = writer.find_page_for_modification(0)
    field = generic.DictionaryObject(
        {
            _name("/Type"): _name("/Annot"),
            _name("/Subtype"): _name("/Widget"),
            _name("/FT"): _name("/Tx"),
            _name("/T"): generic.pdf_string("Remark"),
            _name("/F"): generic.NumberObject(4),
            _name("/P"): page,
            _name("/Rect"): _array(*box),
            _name("/DA"): generic.pdf_string("/Helv 10 Tf 0 g"),
        }
    )
    reference = writer.add_object(field)
    annotations = list(page.get_object().get("/Annots", ()))
    page.get_object()["/Annots"] = generic.ArrayObject([*annotations, reference])
    writer.mark_update(page)
    font = generic.DictionaryObject(
        {
            _name("/Type"): _name("/Font"),
            _name("/Subtype"): _name("/Type1"),
            _name("/BaseFont"): _name("/Helvetica"),
        }
    )
    fonts = generic.DictionaryObject({_name("/Font"): generic.DictionaryObject({_name("/Helv"): font})})
    writer.root["/AcroForm"] = generic.DictionaryObject(
        {_name("/Fields"): generic.ArrayObject([reference]), _name("/DR"): fonts}
    )
    writer.update_root()
    return _written(writer)


def with_empty_signature_field(pdf: bytes, name: str = "Approval") -> bytes:
    """The unsigned file with a place for somebody's later signature."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    fields.append_signature_field(writer, fields.SigFieldSpec(name, on_page=0, box=(300, 100, 420, 150)))
    return _written(writer)


def filled_in(pdf: bytes, text: str) -> bytes:
    """The small field with a value and a picture of it inside of its rectangle."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    form = writer.root["/AcroForm"]
    listed = form["/Fields"]
    references = [listed.raw_get(index) for index in range(len(listed))]
    reference = next(item for item in references if item.get_object().get("/FT") == "/Tx")
    field = reference.get_object()
    resources = generic.DictionaryObject({_name("/Font"): form["/DR"]["/Font"]})
    picture = generic.StreamObject(
        {
            _name("/Type"): _name("/XObject"),
            _name("/Subtype"): _name("/Form"),
            _name("/BBox"): _array(0, 0, FIELD[2] - FIELD[0], FIELD[3] - FIELD[1]),
            _name("/Resources"): resources,
        },
        stream_data=b"/Tx BMC q BT /Helv 10 Tf 2 10 Td (%b) Tj ET Q EMC" % text.encode(),
    )
    field["/V"] = generic.pdf_string(text)
    field["/AP"] = generic.DictionaryObject({_name("/N"): writer.add_object(picture)})
    writer.mark_update(reference)
    return _written(writer)


def commented(pdf: bytes) -> bytes:
    """A note beside the text, as DocMDP level 3 allows it."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    page, _ = writer.find_page_for_modification(0)
    note = generic.DictionaryObject(
        {
            _name("/Type"): _name("/Annot"),
            _name("/Subtype"): _name("/Text"),
            _name("/Contents"): generic.pdf_string("seen"),
            _name("/Rect"): _array(10, 10, 30, 30),
            _name("/P"): page,
        }
    )
    annotations = list(page.get_object().get("/Annots", ()))
    page.get_object()["/Annots"] = generic.ArrayObject([*annotations, writer.add_object(note)])
    writer.mark_update(page)
    return _written(writer)


def countersigned(pdf: bytes, pki: Pki, *, field: str, box: tuple[int, int, int, int] | None = None) -> bytes:
    """A further signature, in a field of its own or in one that waited for it."""
    return signed_by(pdf, pki, SigningOptions(field=field, box=box))
