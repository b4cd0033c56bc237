"""The bodies of the objects in an update of ours. ISO 32000-2, 12.5 (annotations), 12.7 (forms), 12.8 (signatures, DSS).

Each is written in one way only, so that `shape` can ask for the same bytes again. Not for where objects stand: `incremental_update`.
"""

from __future__ import annotations

from signer.pades.revised_pdf import Additions, RevisedPdf, ValidationReferences
from signer.pades.update_plan import SUBFILTER_TIMESTAMP, SealBox, SignatureFields, UpdatePlan

# Print, which PDF/A asks for; the widget is also Locked, stamps ReadOnly and Locked (ISO 32000-1, table 165).
_WIDGET_FLAGS = 4 + 128
_STAMP_FLAGS = 4 + 64 + 128
_PART_CONTENT = b"/S Do"


def catalog(pdf: RevisedPdf, additions: Additions) -> bytes:
    """The renderer's catalog and what updates have added. SigFlags 3: SignaturesExist, AppendOnly (table 219)."""
    parts = [pdf.rendered.dictionary(pdf.rendered.root)[:-2]]
    if additions.fields:
        parts.append(b"/AcroForm<</Fields[%b]/SigFlags 3>>" % _references(additions.fields))
    if additions.certifying:
        parts.append(b"/Perms<</DocMDP %d 0 R>>" % additions.certifying)
    if additions.validation_data:
        parts.append(b"/DSS %d 0 R" % additions.validation_data)
    return b"".join([*parts, b">>"])


def widget(plan: UpdatePlan, fields: SignatureFields, ordinal: int, appearance: int, signature: int) -> bytes:
    """Field and widget in one, 12.5.6.19 and 12.7.4.5; invisible: an empty rectangle and no appearance.

    `ordinal`: of the signature in its document, from 1. `appearance`, `signature`: object numbers.
    """
    shown = b"/Rect[0 0 0 0]"
    box = plan.field_box
    if box is not None:
        shown = b"/P %d 0 R/Rect[%b]/AP<</N %d 0 R>>" % (box.page_object, box.rectangle, appearance)
    return b"<</Type/Annot/Subtype/Widget/FT/Sig/T(%b)/TU%b/V %d 0 R/F %d%b>>" % (
        _field_name(fields, ordinal),
        plan.tooltip,
        signature,
        _WIDGET_FLAGS,
        shown,
    )


def _field_name(fields: SignatureFields, ordinal: int) -> bytes:
    if fields.subfilter == SUBFILTER_TIMESTAMP:
        return b"Timestamp%d" % ordinal
    return b"Seal" if ordinal == 1 else b"Seal%d" % ordinal


def stamp(plan: UpdatePlan, box: SealBox, appearance: int) -> bytes:
    """The picture once more, without a signature behind it; 12.5.6.12."""
    return b"<</Type/Annot/Subtype/Stamp/Contents%b/F %d/P %d 0 R/Rect[%b]/AP<</N %d 0 R>>>>" % (
        plan.stamp_text,
        _STAMP_FLAGS,
        box.page_object,
        box.rectangle,
        appearance,
    )


def part_of(form: int, box: bytes) -> bytes:
    """A form XObject that shows a part of another one: what lies in `box` (12.5.5 and 8.10.2)."""
    return (
        b"<</Type/XObject/Subtype/Form/FormType 1/BBox[%b]/Resources<</XObject<</S %d 0 R>>>>/Length %d>>\nstream\n%b\nendstream"
        % (
            box,
            form,
            len(_PART_CONTENT),
            _PART_CONTENT,
        )
    )


def signature_head(fields: SignatureFields) -> bytes:
    """The signature dictionary up to /ByteRange; table 252, and ETSI EN 319 142-1, 5.4.3 for a document timestamp."""
    kind = b"DocTimeStamp" if fields.subfilter == SUBFILTER_TIMESTAMP else b"Sig"
    parts = [b"<</Type/%b/Filter/%b/SubFilter/%b" % (kind, fields.handler, fields.subfilter)]
    if fields.name:
        parts.append(b"/Name" + fields.name)
    if fields.reason:
        parts.append(b"/Reason" + fields.reason)
    if fields.signed_at is not None:
        parts.append(b"/M(D:%b+00'00')" % fields.signed_at.strftime("%Y%m%d%H%M%S").encode())
    if fields.certification:
        parts.append(
            b"/Reference[<</Type/SigRef/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/P %d/V/1.2>>>>]"
            % fields.certification
        )
    return b"".join(parts)


def stream(value: bytes) -> bytes:
    """A stream as it is: DER does not get smaller."""
    return b"<</Length %d>>\nstream\n%b\nendstream" % (len(value), value)


def security_store(references: ValidationReferences) -> bytes:
    """The document security store."""
    arrays = (
        (b"Certs", references.certificates),
        (b"CRLs", references.revocation_lists),
        (b"OCSPs", references.ocsp_responses),
    )
    return b"<</Type/DSS%b>>" % b"".join(b"/%b[%b]" % (name, _references(each)) for name, each in arrays if each)


def _references(numbers: tuple[int, ...]) -> bytes:
    return b" ".join(b"%d 0 R" % number for number in numbers)
