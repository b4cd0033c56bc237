"""PDFs signed in other formats than PAdES: electronic seals and GM CMS as vendors embed them, SHA-1, timestamps beside signatures."""

# mypy: disallow-untyped-calls = False
# pyHanko's writers have no types.
from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from asn1crypto import algos, cms, core, keys, tsp, x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers, timestamps
from pyhanko.sign.signers.pdf_byterange import PdfSignedData
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper

from signer.algorithms import digest_name
from signer.certificates import Certificate
from signer.cms import object_identifiers as oid
from signer.cms.der import NULL, OCTET_STRING, SEQUENCE, SET, encode, integer
from tests.fuzz.sealed_documents import SM2, Pki, SoftwareKey
from tests.fuzz.strangers import PADES

_RESERVED = 24_000


def with_contents(
    pdf: bytes, subfilter: str, make: Callable[[bytes], bytes], *, field: str = "Sig1", box: Any = None
) -> bytes:
    """A signature in a further revision; `make` gets the covered bytes and returns what /Contents holds."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    fields.append_signature_field(writer, fields.SigFieldSpec(field, on_page=0, box=box))
    builder = signers.cms_embedder.PdfCMSEmbedder().write_cms(field_name=field, writer=writer)
    next(builder)
    dictionary = PdfSignedData(generic.pdf_name("/Sig"), subfilter=PADES, bytes_reserved=_RESERVED)
    dictionary[generic.pdf_name("/SubFilter")] = generic.pdf_name(subfilter)
    builder.send(signers.cms_embedder.SigObjSetup(sig_placeholder=dictionary))
    prepared, output = builder.send(signers.cms_embedder.SigIOSetup(md_algorithm="sha256", in_place=False))
    output.seek(0)
    data = output.read()
    covered = data[: prepared.reserved_region_start] + data[prepared.reserved_region_end :]
    prepared.fill_with_cms(output, make(covered))
    output.seek(0)
    return bytes(output.read())


def bare_signed_data(
    pki: Pki,
    content: bytes | None,
    signed: bytes,
    *,
    sm2_identifier: bytes = oid.SM2_SIGNATURES[0],
    digest: bytes | None = None,
    signature: bytes | None = None,
) -> bytes:
    """GM/T 0010 SignedData without signed attributes over `signed`; RSA in RFC 5652's identifiers."""
    sm2 = pki.algorithm is SM2
    certificate = Certificate.load(pki.certificate)
    digest = digest or oid.digest_algorithm(digest_name(pki.algorithm))
    mechanism = encode(SEQUENCE, sm2_identifier) if sm2 else encode(SEQUENCE, oid.RSA_ENCRYPTION, NULL)
    signer = encode(
        SEQUENCE,
        integer(1),
        encode(SEQUENCE, certificate.issuer, integer(certificate.serial)),
        digest,
        mechanism,
        encode(OCTET_STRING, signature or pki.key.sign(signed)),
    )
    data = oid.GBT_DATA if sm2 else oid.RFC_DATA
    inside = encode(SEQUENCE, data, b"" if content is None else encode(0xA0, encode(OCTET_STRING, content)))
    whole = encode(
        SEQUENCE, integer(1), encode(SET, digest), inside, encode(0xA0, pki.certificate), encode(SET, signer)
    )
    return encode(SEQUENCE, oid.GBT_SIGNED_DATA if sm2 else oid.RFC_SIGNED_DATA, encode(0xA0, whole))


def sm3(data: bytes) -> bytes:
    """SM3 by hashlib."""
    return hashlib.new("sm3", data).digest()


class Stamper(timestamps.DummyTimeStamper):
    """pyHanko's timestamp authority for tests, taught SM2. `moment`: what its clock says."""

    def __init__(self, pki: Pki, moment: datetime) -> None:
        private = keys.PrivateKeyInfo.load(pki.key.private) if pki.key.private else None
        super().__init__(x509.Certificate.load(pki.certificate), private, fixed_dt=moment)
        self._key: SoftwareKey = pki.key
        self._sm2 = pki.algorithm is SM2

    def _sign_tst_info(self, tst_info_data: bytes, md_algorithm: str, dt: datetime) -> tuple[bytes, cms.CMSAttributes]:
        attributes = cms.CMSAttributes(
            [
                cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
                cms.CMSAttribute(
                    {
                        "type": "message_digest",
                        "values": [core.OctetString(hashlib.new(md_algorithm, tst_info_data).digest())],
                    }
                ),
            ]
        )
        return self._key.sign(attributes.dump()), attributes

    def _build_signed_data(self, *arguments: Any) -> Any:
        made = super()._build_signed_data(*arguments)
        if self._sm2:
            made["signer_infos"][0]["signature_algorithm"] = algos.SignedDigestAlgorithm({"algorithm": "sm3_sm2"})
        return made

    def token(self, stamped: bytes) -> bytes:
        """A token (ContentInfo) over some bytes."""
        name = "sm3" if self._sm2 else "sha256"
        request = {
            "version": 1,
            "message_imprint": {
                "hash_algorithm": {"algorithm": name},
                "hashed_message": hashlib.new(name, stamped).digest(),
            },
        }
        response = self.request_tsa_response(tsp.TimeStampReq(request))
        return bytes(response["time_stamp_token"].dump())


def with_archive_timestamp(pdf: bytes, pki: Pki, moment: datetime) -> bytes:
    """A document timestamp in a further revision."""
    stamper = PdfTimeStamper(Stamper(pki, moment))
    name = "sm3" if pki.algorithm is SM2 else "sha256"
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    stamped = stamper.timestamp_pdf(writer, name, validation_context=None, in_place=False)
    return bytes(stamped.getvalue())


HOUR = timedelta(hours=1)
