"""Prepares strangers' PDFs to be sealed, by pyHanko, inside of the inspector's process: one incremental update, nothing else touched.

Refused with a reason: what can't be read strictly, encrypted files, XFA and scripts (what is seen would not be what is sealed), and what
an earlier signature has certified against changes. Not for files of our own making (`embed`), and not for signing.
"""

# mypy: disallow-untyped-calls = False
# pyHanko's writers have no types.
from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import tzlocal
from asn1crypto import crl, ocsp, x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import PdfSignedData
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.pdf_embedded import read_certification_data

from signer.pades.signed_revision import entry
from signer.pades.stranger_pages import pages_of, places_on, show_seal
from signer.pades.stranger_plan import StrangerPlan, Unsafe, UnsafeToSeal
from signer.pades.strict_reader import open_strictly
from signer.pades.update_plan import SUBFILTER_TIMESTAMP

_TOOLTIP = "电子签章：点击查看签名信息与验证结果"
_FIELD_FLAGS = 4 + 128  # Print, Locked
_SCRIPTED = {"/JavaScript", "/Launch", "/ImportData", "/SubmitForm"}
_MAX_ANNOTATIONS = 20_000


def remember_time_zone() -> None:
    """Called before the sandbox is entered: pyHanko asks for the zone when it writes, and its file can't be read any more then."""
    tzlocal.get_localzone()


def prepare_stranger(pdf: bytes, plan: StrangerPlan) -> tuple[bytes, int, int]:
    """What is appended, and the gap's offsets in the whole file (both at its end where nobody signs).

    Raises:
        UnsafeToSeal: says why.
    """
    reader = _open(pdf)
    if not plan.subfilter:
        appended = _with_validation_data(pdf, reader, plan)
        return appended, len(pdf) + len(appended), len(pdf) + len(appended)
    writer = IncrementalPdfFileWriter.from_reader(reader)
    if plan.validation_data:
        _add_validation_data(writer, plan)
    shown = places_on(reader, plan)
    name = _free_name(reader, "Timestamp" if _is_timestamp(plan) else "Seal")
    # Whole numbers will do: the field gets its true rectangle below.
    own = shown[0] if plan.places else None
    spec = SigFieldSpec(name, on_page=0 if own is None else own.index, box=None if own is None else (0, 0, 1, 1))
    embedding = PdfCMSEmbedder(new_field_spec=spec).write_cms(name, writer)
    field = next(embedding).get_object()
    field["/F"] = generic.NumberObject(_FIELD_FLAGS)
    field["/TU"] = generic.TextStringObject(_TOOLTIP)
    show_seal(writer, plan, shown, field)
    embedding.send(SigObjSetup(sig_placeholder=_dictionary(plan)))
    prepared, output = embedding.send(SigIOSetup(md_algorithm="sha256", in_place=False))
    whole = output.getvalue()
    if not whole.startswith(pdf):
        raise UnsafeToSeal(Unsafe.DAMAGED)
    return whole[len(pdf) :], prepared.reserved_region_start, prepared.reserved_region_end


def _open(pdf: bytes) -> PdfFileReader:
    reader = open_strictly(pdf)
    if reader.encrypted:
        raise UnsafeToSeal(Unsafe.ENCRYPTED)
    form = entry(reader.root, "/AcroForm", {})
    if "/XFA" in form:
        raise UnsafeToSeal(Unsafe.XFA)
    if _has_scripts(reader):
        raise UnsafeToSeal(Unsafe.SCRIPTS)
    certified = read_certification_data(reader)
    if certified is not None and certified.permission is MDPPerm.NO_CHANGES:
        raise UnsafeToSeal(Unsafe.CERTIFIED)
    return reader


def _has_scripts(reader: PdfFileReader) -> bool:
    """Whether opening, showing or touching the document runs something. Whatever can't be followed counts as such."""
    root = reader.root
    if "/AA" in root or "/JavaScript" in entry(root, "/Names", {}) or _runs(entry(root, "/OpenAction", None)):
        return True
    seen = 0
    for page, _ in pages_of(reader):
        if "/AA" in page:
            return True
        for annotation in entry(page, "/Annots", ()):
            seen += 1
            item = annotation.get_object() if isinstance(annotation, generic.IndirectObject) else annotation
            if seen > _MAX_ANNOTATIONS or "/AA" in item or _runs(entry(item, "/A", None)):
                return True
    return any("/AA" in field for field in _form_fields(root))


def _form_fields(root: Any) -> Iterator[Any]:
    waiting = list(entry(entry(root, "/AcroForm", {}), "/Fields", ()))
    count = 0
    while waiting and count < _MAX_ANNOTATIONS:
        count += 1
        field = waiting.pop()
        field = field.get_object() if isinstance(field, generic.IndirectObject) else field
        yield field
        waiting.extend(entry(field, "/Kids", ()))


def _runs(action: Any) -> bool:
    """An action, or one of those that follow it, that a viewer would carry out. A destination is none."""
    for _ in range(100):
        if not isinstance(action, generic.DictionaryObject):
            return isinstance(action, generic.ArrayObject) and any(
                isinstance(item, generic.DictionaryObject) and _runs(item) for item in action
            )
        if str(entry(action, "/S", "")) in _SCRIPTED:
            return True
        action = entry(action, "/Next", None)
    return True


def _free_name(reader: PdfFileReader, stem: str) -> str:
    taken = {name for name, _, _ in enumerate_sig_fields(reader)}
    taken |= {str(entry(field, "/T", "")) for field in _form_fields(reader.root)}
    number = 1
    while (name := stem if number == 1 else f"{stem}{number}") in taken:
        number += 1
    return name


def _is_timestamp(plan: StrangerPlan) -> bool:
    return plan.subfilter.encode() == SUBFILTER_TIMESTAMP


def _dictionary(plan: StrangerPlan) -> PdfSignedData:
    """The signature dictionary; ISO 32000-1, table 252."""
    dictionary = PdfSignedData(
        pdf_name("/DocTimeStamp" if _is_timestamp(plan) else "/Sig"),
        subfilter=SigSeedSubFilter.PADES,
        timestamp=plan.signed_at,
        bytes_reserved=2 * plan.contents_reserve,
    )
    dictionary["/Filter"] = pdf_name("/" + plan.handler)
    dictionary["/SubFilter"] = pdf_name("/" + plan.subfilter)
    if plan.signer_name:
        dictionary["/Name"] = generic.TextStringObject(plan.signer_name)
    if plan.reason:
        dictionary["/Reason"] = generic.TextStringObject(plan.reason)
    return dictionary


def _with_validation_data(pdf: bytes, reader: PdfFileReader, plan: StrangerPlan) -> bytes:
    writer = IncrementalPdfFileWriter.from_reader(reader)
    _add_validation_data(writer, plan)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()[len(pdf) :]


def _add_validation_data(writer: IncrementalPdfFileWriter, plan: StrangerPlan) -> None:
    """To the document security store, a new one or the one that is there; ISO 32000-2, 12.8.4.3."""
    data = plan.validation_data
    DocumentSecurityStore.supply_dss_in_writer(
        writer,
        None,
        certs=[x509.Certificate.load(der) for der in data.certificates],
        crls=[crl.CertificateList.load(der) for der in data.revocation_lists],
        ocsps=[ocsp.OCSPResponse.load(der) for der in data.ocsp_responses],
    )
