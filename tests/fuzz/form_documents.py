"""PDFs with forms: a text field, a check box, a group of buttons; empty, and filled in by a later revision."""

# mypy: disallow-untyped-calls = False
# pyHanko's writers have no types.
from __future__ import annotations

import io
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name as name
from pyhanko.pdf_utils.generic import pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

FIELD_BOX = (100, 700, 300, 720)
_CHECK_BOX = (320, 700, 340, 720)


def form_document(pdf: bytes, *, box: tuple[int, int, int, int] = FIELD_BOX) -> bytes:
    """The document with an empty text field "Remark" and a check box "Agreed" on page 1."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    text = _widget(writer, box, {"/FT": name("/Tx"), "/T": pdf_string("Remark"), "/DA": pdf_string("/Helv 10 Tf 0 g")})
    check = _widget(writer, _CHECK_BOX, {"/FT": name("/Btn"), "/T": pdf_string("Agreed"), **_states(writer, "/Yes")})
    return _with_form(writer, [text, check])


def with_button_kids(pdf: bytes) -> bytes:
    """The document with a group of two radio buttons, each a widget below its field."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    field = writer.add_object(
        generic.DictionaryObject(
            {name("/FT"): name("/Btn"), name("/T"): pdf_string("Choice"), name("/Ff"): generic.NumberObject(1 << 15)}
        )
    )
    kids = [
        _widget(writer, (100 + 40 * at, 600, 120 + 40 * at, 620), {"/Parent": field, **_states(writer, state)})
        for at, state in enumerate(("/one", "/two"))
    ]
    field.get_object()["/Kids"] = generic.ArrayObject(kids)
    return _with_form(writer, [field], kids)


def with_button_set(pdf: bytes, state: str) -> bytes:
    """The first radio button in another state."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    field = writer.root["/AcroForm"]["/Fields"].raw_get(0)
    field.get_object()["/V"] = name(state)
    kid = field.get_object()["/Kids"].raw_get(0)
    kid.get_object()["/AS"] = name(state)
    writer.mark_update(field)
    writer.mark_update(kid)
    return _written(writer)


def filled(pdf: bytes, which: str, *, value: str = "填写", picture: bytes | None = None) -> bytes:
    """The text field ("text") or the check box ("check") filled in; `picture`: content of the text's new appearance."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    reference = writer.root["/AcroForm"]["/Fields"].raw_get(0 if which == "text" else 1)
    field = reference.get_object()
    if which == "text":
        field["/V"] = pdf_string(value)
        if picture is not None:
            field["/AP"] = generic.DictionaryObject({name("/N"): writer.add_object(_form(picture))})
    else:
        field["/V"] = field["/AS"] = name("/Yes")
    writer.mark_update(reference)
    return _written(writer)


def with_further_text_field(pdf: bytes) -> bytes:
    """One more empty text field in a form that is there."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    field = _widget(writer, FIELD_BOX, {"/FT": name("/Tx"), "/T": pdf_string("More")})
    page, _ = writer.find_page_for_modification(0)
    page.get_object()["/Annots"].append(field)
    writer.mark_update(page)
    form = writer.root["/AcroForm"]
    form["/Fields"].append(field)
    writer.update_container(form)
    writer.update_container(form["/Fields"])
    return _written(writer)


def _form(content: bytes) -> generic.StreamObject:
    box = generic.ArrayObject([generic.NumberObject(side) for side in (0, 0, 200, 20)])
    return generic.StreamObject(
        {name("/Type"): name("/XObject"), name("/Subtype"): name("/Form"), name("/BBox"): box}, stream_data=content
    )


def _states(writer: IncrementalPdfFileWriter, state: str) -> dict[str, Any]:
    pictures = generic.DictionaryObject(
        {name(key): writer.add_object(_form(b"0 0 20 20 re f")) for key in (state, "/Off")}
    )
    return {"/AP": generic.DictionaryObject({name("/N"): pictures}), "/AS": name("/Off")}


def _widget(
    writer: IncrementalPdfFileWriter, box: tuple[int, int, int, int], entries: dict[str, Any]
) -> generic.IndirectObject:
    page, _ = writer.find_page_for_modification(0)
    widget = generic.DictionaryObject(
        {
            name("/Type"): name("/Annot"),
            name("/Subtype"): name("/Widget"),
            name("/F"): generic.NumberObject(4),
            name("/P"): page,
            name("/Rect"): generic.ArrayObject([generic.NumberObject(side) for side in box]),
            **{name(key): value for key, value in entries.items()},
        }
    )
    return writer.add_object(widget)


def _with_form(
    writer: IncrementalPdfFileWriter,
    fields: list[generic.IndirectObject],
    widgets: list[generic.IndirectObject] | None = None,
) -> bytes:
    page, _ = writer.find_page_for_modification(0)
    page.get_object()["/Annots"] = generic.ArrayObject(widgets or fields)
    writer.mark_update(page)
    font = generic.DictionaryObject(
        {name("/Type"): name("/Font"), name("/Subtype"): name("/Type1"), name("/BaseFont"): name("/Helvetica")}
    )
    fonts = generic.DictionaryObject({name("/Helv"): writer.add_object(font)})
    writer.root["/AcroForm"] = generic.DictionaryObject(
        {
            name("/Fields"): generic.ArrayObject(fields),
            name("/DR"): generic.DictionaryObject({name("/Font"): fonts}),
            name("/DA"): pdf_string("/Helv 10 Tf 0 g"),
        }
    )
    writer.update_root()
    return _written(writer)


def _written(writer: IncrementalPdfFileWriter) -> bytes:
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()
