"""Signed PDFs as others make them: by pyHanko, with RSA and SM2, timestamps, validation data; or changed afterwards."""

# mypy: disallow-untyped-calls = False
# pyHanko's writers have no types.
from __future__ import annotations

import io
from dataclasses import dataclass

from asn1crypto import algos, keys, x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers, timestamps
from pyhanko.sign.signers.pdf_byterange import PdfSignedData
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper
from pyhanko.sign.validation import DocumentSecurityStore
from pyhanko_certvalidator.registry import SimpleCertificateStore

from signer.algorithms import digest_name
from signer.cms.signed_data import Identifiers, SignedDataBuilder
from signer.pades.pyhanko_sm2 import register_names
from tests.fuzz.sealed_documents import RSA, SM2, Pki

register_names()
PADES = fields.SigSeedSubFilter.PADES
PKCS7 = fields.SigSeedSubFilter.ADOBE_PKCS7_DETACHED


class _Sm2Signer(signers.Signer):
    """pyHanko's signer around an SM2 key of a test PKI."""

    def __init__(self, pki: Pki) -> None:
        super().__init__(
            signing_cert=x509.Certificate.load(pki.certificate),
            cert_registry=_registry(pki),
            signature_mechanism=algos.SignedDigestAlgorithm({"algorithm": "sm3_sm2"}),
        )
        self._pki = pki

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        return bytes(72) if dry_run else self._pki.key.sign(data)


def _registry(pki: Pki) -> SimpleCertificateStore:
    store = SimpleCertificateStore()
    store.register_multiple([x509.Certificate.load(der) for der in pki.chain])
    return store


def _signer(pki: Pki) -> signers.Signer:
    if pki.algorithm is SM2:
        return _Sm2Signer(pki)
    return signers.SimpleSigner(
        signing_cert=x509.Certificate.load(pki.certificate),
        signing_key=keys.PrivateKeyInfo.load(pki.key.private),
        cert_registry=_registry(pki),
    )


@dataclass(frozen=True)
class SigningOptions:
    """How a stranger signs. `box`: where the field shows on page 1, PDF units."""

    subfilter: fields.SigSeedSubFilter = PADES
    field: str = "Sig1"
    box: tuple[int, int, int, int] | None = (100, 100, 200, 150)
    certify: bool = False
    permissions: fields.MDPPerm = fields.MDPPerm.FILL_FORMS  # DocMDP level, where it certifies
    reserve: int | None = None  # hexadecimal digits for the CMS; None: as many as pyHanko thinks right


def signed_by(pdf: bytes, pki: Pki, options: SigningOptions | None = None) -> bytes:
    """The document with a stranger's signature in a further revision."""
    options = options or SigningOptions()
    metadata = signers.PdfSignatureMetadata(
        field_name=options.field,
        md_algorithm="sm3" if pki.algorithm is SM2 else "sha256",
        subfilter=options.subfilter,
        reason="signed elsewhere",
        certify=options.certify,
        docmdp_permissions=options.permissions,
    )
    field = fields.SigFieldSpec(options.field, on_page=0, box=options.box)
    signer = signers.PdfSigner(metadata, _signer(pki), new_field_spec=field)
    # As lenient as most programs that sign: hybrid files, and tables with small faults.
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    return bytes(signer.sign_pdf(writer, in_place=False, bytes_reserved=options.reserve).getvalue())


def with_other_subfilter(pdf: bytes, pki: Pki, subfilter: str, *, content: bytes | None = None) -> bytes:
    """Signed with a sub-filter that pyHanko does not know; `content`: what stands in the CMS's place instead."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    fields.append_signature_field(writer, fields.SigFieldSpec("Sig1", on_page=0, box=None))
    builder = signers.cms_embedder.PdfCMSEmbedder().write_cms(field_name="Sig1", writer=writer)
    next(builder)
    dictionary = PdfSignedData(generic.pdf_name("/Sig"), subfilter=PADES, bytes_reserved=16_384)
    dictionary[generic.pdf_name("/SubFilter")] = generic.pdf_name(subfilter)
    builder.send(signers.cms_embedder.SigObjSetup(sig_placeholder=dictionary))
    name = digest_name(pki.algorithm)
    prepared, output = builder.send(signers.cms_embedder.SigIOSetup(md_algorithm=name, in_place=False))
    cms = SignedDataBuilder.for_certificate(
        pki.certificate,
        pki.chain,
        pki.algorithm,
        identifiers=Identifiers.GBT_35275 if pki.algorithm is SM2 else Identifiers.RFC_5652,
    ).build(prepared.document_digest, pki.key.sign, content=None)
    prepared.fill_with_cms(output, content or cms)
    output.seek(0)
    return bytes(output.read())


def with_document_timestamp(pdf: bytes, pki: Pki) -> bytes:
    """The document with an archive timestamp (ETSI EN 319 142-1, 5.4.3) in a further revision."""
    assert pki.algorithm is RSA
    stamper = timestamps.DummyTimeStamper(
        tsa_cert=x509.Certificate.load(pki.certificate),
        tsa_key=keys.PrivateKeyInfo.load(pki.key.private),
        certs_to_embed=_registry(pki),
    )
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    stamped = PdfTimeStamper(stamper).timestamp_pdf(writer, "sha256", validation_context=None, in_place=False)
    return bytes(stamped.getvalue())


def with_validation_data(pdf: bytes, pki: Pki) -> bytes:
    """The document with a security store (DSS) that holds the PKI's certificates, in a further revision."""
    output = io.BytesIO(pdf)
    DocumentSecurityStore.add_dss(
        output_stream=output, sig_contents=None, certs=[x509.Certificate.load(der) for der in pki.chain]
    )
    return output.getvalue()


def with_page_changed(pdf: bytes) -> bytes:
    """The first page drawn anew in a further revision: the plainest forgery of all."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    page, _ = writer.find_page_for_modification(0)
    content = generic.StreamObject(stream_data=b"BT /F1 40 Tf 50 700 Td (Changed) Tj ET")
    page.get_object()["/Contents"] = writer.add_object(content)
    writer.mark_update(page)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def with_text_field(pdf: bytes) -> bytes:
    """The document with an empty text field that covers the first page, to be signed and then filled in."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    page, _ = writer.find_page_for_modification(0)
    name = generic.pdf_name
    field = generic.DictionaryObject(
        {
            name("/Type"): name("/Annot"),
            name("/Subtype"): name("/Widget"),
            name("/FT"): name("/Tx"),
            name("/T"): generic.pdf_string("Remark"),
            name("/F"): generic.NumberObject(4),
            name("/P"): page,
            name("/Rect"): generic.ArrayObject([generic.NumberObject(value) for value in (0, 0, 595, 842)]),
        }
    )
    reference = writer.add_object(field)
    page.get_object()["/Annots"] = generic.ArrayObject([reference])
    writer.mark_update(page)
    writer.root["/AcroForm"] = generic.DictionaryObject({name("/Fields"): generic.ArrayObject([reference])})
    writer.update_root()
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def with_text_filled_in(pdf: bytes) -> bytes:
    """The text field filled in with a picture of its own: what lenient readers call form filling."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    reference = writer.root["/AcroForm"]["/Fields"].raw_get(0)
    field = reference.get_object()
    picture = generic.StreamObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/XObject"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/Form"),
            generic.pdf_name("/BBox"): generic.ArrayObject([generic.NumberObject(value) for value in (0, 0, 595, 842)]),
        },
        stream_data=b"1 1 1 rg 0 0 595 842 re f",
    )
    field["/V"] = generic.pdf_string("Manipulated")
    field["/AP"] = generic.DictionaryObject({generic.pdf_name("/N"): writer.add_object(picture)})
    writer.mark_update(reference)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()
