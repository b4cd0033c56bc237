"""Which kind of signature stands in a PDF: by the names that its dictionary gives, and by what is really in /Contents.

The table is data. Names of PDF's own standards: ISO 32000-1, 12.8.3, ETSI EN 319 142-1. Names of Chinese products are those met in
public code and files; the normative ones of GM/T 0112-2021 could not be read, so for every name but PDF's own the content decides.
Not for judging what was found.
"""

from __future__ import annotations

from enum import Enum

from asn1crypto import cms, core

from signer.cms.der import DerError
from signer.cms.electronic_seal_structure import read_seal_signature


class SignatureFormat(Enum):
    """What /Contents holds."""

    CMS = "CMS SignedData over the covered bytes"
    CMS_OF_DIGEST = "CMS SignedData with the digest of the covered bytes as its content"
    TIMESTAMP = "timestamp token over the covered bytes"
    SEAL = "electronic seal"
    SHA1 = "a signature over SHA-1"
    UNKNOWN = "nothing that is known"


_BY_CONTENT = (SignatureFormat.CMS, SignatureFormat.CMS_OF_DIGEST, SignatureFormat.SEAL)
# SubFilter → the formats that may stand under it. Filter names are not looked at: they name a product, not a format.
SUBFILTERS: dict[str, tuple[SignatureFormat, ...]] = {
    "/ETSI.CAdES.detached": (SignatureFormat.CMS,),
    "/adbe.pkcs7.detached": (SignatureFormat.CMS,),
    "/ETSI.RFC3161": (SignatureFormat.TIMESTAMP,),
    # refused as weak, whatever is inside
    "/adbe.pkcs7.sha1": (SignatureFormat.SHA1,),
    "/adbe.x509.rsa_sha1": (SignatureFormat.SHA1,),
    "/adbe.x509.rsa.sha1": (SignatureFormat.SHA1,),
    # under /Gomain.GMPkiLite (国脉), /DJ.GMPkiLite (点聚), /GM.PKILite
    "/GM.sm2seal": _BY_CONTENT,
    "/GM.sm2cms.detached": _BY_CONTENT,
    "/GM.PKILite": _BY_CONTENT,
    "/GM.SM2": _BY_CONTENT,
}


def find_format(subfilter: str, content: bytes) -> SignatureFormat:
    """The format of a signature. `content`: the DER value of /Contents, hostile."""
    allowed = SUBFILTERS.get(subfilter, _BY_CONTENT)
    if allowed == (SignatureFormat.SHA1,):
        return SignatureFormat.SHA1
    found = _format_of(content)
    return found if found in allowed else SignatureFormat.UNKNOWN


def _format_of(content: bytes) -> SignatureFormat:
    try:
        message = cms.ContentInfo.load(content, strict=True)
        if message["content_type"].native == "signed_data":
            return _format_of_message(message["content"])
    except (ValueError, TypeError):  # what asn1crypto raises for bytes of another structure
        pass
    try:
        read_seal_signature(content)
    except DerError:
        return SignatureFormat.UNKNOWN
    return SignatureFormat.SEAL


def _format_of_message(message: cms.SignedData) -> SignatureFormat:
    if len(message["signer_infos"]) != 1:
        return SignatureFormat.UNKNOWN
    inside = message["encap_content_info"]
    if inside["content_type"].native == "tst_info":
        return SignatureFormat.TIMESTAMP
    if inside["content_type"].native != "data":
        return SignatureFormat.UNKNOWN
    return SignatureFormat.CMS if inside["content"] is core.VOID else SignatureFormat.CMS_OF_DIGEST
