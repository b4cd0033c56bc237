"""A PDF that somebody else signed: their own key, their own certificate, pyHanko. Verification must tell it from ours."""

# mypy: disallow-untyped-calls = False
# pyHanko's writers have no types.
from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore


def stranger_signer() -> signers.SimpleSigner:
    """A new RSA key in memory with a certificate that it signed itself."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A stranger")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    return signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER)),
        signing_key=asn1_keys.PrivateKeyInfo.load(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())),
        cert_registry=SimpleCertificateStore(),
    )


def strangers_agreement() -> bytes:
    """One page that we did not render, with a place that says where to seal; not signed."""
    name = generic.pdf_name
    font = {name("/Type"): name("/Font"), name("/Subtype"): name("/Type1"), name("/BaseFont"): name("/Helvetica")}
    text = b"BT /F 16 Tf 72 740 Td (Repair agreement between a garage and the insurer) Tj 0 -480 Td (Seal here) Tj ET"
    writer = PdfFileWriter(stream_xrefs=False)
    page = PageObject(
        contents=writer.add_object(generic.StreamObject(stream_data=text)),
        media_box=generic.ArrayObject(map(generic.NumberObject, (0, 0, 595, 842))),
        resources=generic.DictionaryObject(
            {name("/Font"): generic.DictionaryObject({name("/F"): generic.DictionaryObject(font)})}
        ),
    )
    writer.insert_page(page)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def stranger_pdf(unsigned: bytes) -> bytes:
    """The PDF with a stranger's PAdES signature."""
    metadata = signers.PdfSignatureMetadata(
        field_name="Stranger", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
    )
    signed = signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(unsigned)), metadata, stranger_signer())
    content: bytes = signed.getvalue()
    return content
