"""Verifies CMS SignedData (RFC 5652 clause 5.4-5.6): the mathematics, the signed attributes, the signer's certificate inside.

Evidence, or raises. Whether the signer is trusted is not judged here: `signer.certificates` does that with the
certificate in the evidence.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from signer.algorithms import PublicKey, SignatureAlgorithm, content_digest, key_type, load_public_key
from signer.certificates import Certificate
from signer.cms import object_identifiers as oid
from signer.cms.der import (
    OCTET_STRING,
    SEQUENCE,
    SET,
    DerError,
    Element,
    read,
    read_integer,
    read_object_identifier,
)
from signer.cms.signer_info import SignedData, SignerInfo, read_signed_data, read_time
from signer.errors import Reason, RequestError, VerificationError
from signer.findings import FindingCode

MAX_CMS_BYTES = 33 * 1024 * 1024
_KEY_IDENTIFIER = 0x80  # [0] IMPLICIT SubjectKeyIdentifier


@dataclass(frozen=True)
class SignedDataEvidence:
    """The signature is right. `content`: what was inside, None where detached. Certificates are DER.

    `content_type`: dotted, of what was signed.

    `names_its_certificate`: a signing-certificate attribute ties the signature to `signer_certificate`.
    `uses_gbt_identifiers`: the structure has the object identifiers of GB/T 35275.
    """

    signer_certificate: bytes
    certificates: tuple[bytes, ...]
    algorithm: SignatureAlgorithm
    content_type: str
    content: bytes | None
    signing_time: datetime | None
    names_its_certificate: bool
    uses_gbt_identifiers: bool


def verify_signed_data(
    cms: bytes, *, detached_content: bytes | None = None, detached_digest: bytes | None = None
) -> SignedDataEvidence:
    """Evidence for a SignedData with one signer.

    `detached_content` or, where only its digest is at hand (PDF), `detached_digest` (by the signature's digest algorithm).

    Raises:
        RequestError: CMS_MALFORMED (not DER, not SignedData, no certificate), INPUT_MISSING, INPUT_AMBIGUOUS.
        VerificationError: the signature is wrong, the content is another, or the kind of signature is not supported.
    """
    if len(cms) > MAX_CMS_BYTES:
        raise _malformed("larger than 33 MiB")
    try:
        signed = read_signed_data(cms)
    except DerError as problem:
        raise _malformed(str(problem)) from None
    return verify_read_signed_data(signed, detached_content=detached_content, detached_digest=detached_digest)


def verify_read_signed_data(
    signed: SignedData, *, detached_content: bytes | None = None, detached_digest: bytes | None = None
) -> SignedDataEvidence:
    """The same for a SignedData that was read already."""
    try:
        certificate = signer_certificate(signed)
        content_type = read_object_identifier(read(signed.content_type))
    except DerError as problem:
        raise _malformed(str(problem)) from None
    signer = signed.signer
    algorithm = oid.find_algorithm(signer.digest, signer.signature_algorithm, signer.signature_parameters)
    if algorithm is None:
        raise _unsupported("digest and signature algorithm are not a known pair")
    key = _signer_key(certificate, algorithm)
    digest, content = _content_digest(signed, algorithm, detached_content, detached_digest)
    if signer.attributes is not None:
        names_certificate = _check_attributes(signer.attributes, signed.content_type, digest, certificate.der)
        key.verify(algorithm, signer.signed_attributes, signer.signature)
    else:
        names_certificate = False
        _verify_without_attributes(key, algorithm, signed, digest, content)
    return SignedDataEvidence(
        signer_certificate=certificate.der,
        certificates=signed.certificates,
        algorithm=algorithm,
        content_type=content_type,
        content=signed.content,
        signing_time=_signing_time(signer),
        names_its_certificate=names_certificate,
        uses_gbt_identifiers=signed.uses_gbt_identifiers,
    )


def _signer_key(certificate: Certificate, algorithm: SignatureAlgorithm) -> PublicKey:
    try:
        key = load_public_key(certificate.public_key)
    except RequestError:
        raise _unsupported("the signer's key is of a kind that is not known") from None
    if key.key_type is not key_type(algorithm):
        raise _unsupported("the signer's key does not do the signature's algorithm")
    return key


def _verify_without_attributes(
    key: PublicKey, algorithm: SignatureAlgorithm, signed: SignedData, digest: bytes, content: bytes | None
) -> None:
    if signed.content_type not in {oid.RFC_DATA, oid.GBT_DATA}:  # RFC 5652 clause 5.3: attributes are a must
        raise VerificationError(
            Reason.SIGNATURE_WRONG,
            FindingCode.SIGNATURE_MALFORMED,
            "signed attributes are missing beside typed content",
        )
    if content is not None and _are_attributes(content):
        # The signature over somebody's signed attributes, presented as one over content that reads like them:
        # nothing in CMS tells the two apart, so content of that form is never believed without attributes.
        raise _unsupported("content that reads like signed attributes has no signed attributes beside it")
    if algorithm is not SignatureAlgorithm.SM2_SM3:
        key.verify_digest(algorithm, digest, signed.signer.signature)
    elif content is not None:
        key.verify(algorithm, content, signed.signer.signature)
    else:  # Z goes before the message: a digest of the message alone does not help
        raise _unsupported("an SM2 signature without signed attributes can't be judged from a digest")


def _are_attributes(content: bytes) -> bool:
    try:
        items = read(content).expect(SET).children()
        return any(item.expect(SEQUENCE).children()[0].whole == oid.MESSAGE_DIGEST for item in items)
    except (DerError, IndexError):
        return False


def _content_digest(
    signed: SignedData, algorithm: SignatureAlgorithm, detached_content: bytes | None, detached_digest: bytes | None
) -> tuple[bytes, bytes | None]:
    """The digest of what was signed, and the content itself where it is at hand."""
    outside = detached_content is not None or detached_digest is not None
    if signed.content is not None and outside:
        raise RequestError(
            Reason.INPUT_AMBIGUOUS, "the CMS carries its content, and content was given beside it", "Send one of them."
        )
    if signed.content is not None:
        return content_digest(algorithm, signed.content), signed.content
    if detached_content is not None:
        return content_digest(algorithm, detached_content), detached_content
    if detached_digest is None:
        raise RequestError(Reason.INPUT_MISSING, "the CMS is detached", "Send the content beside it.")
    return detached_digest, None


def signer_certificate(signed: SignedData) -> Certificate:
    """The certificate that the signer names, among those inside. Raises DerError where it is not there."""
    signer_id = signed.signer.signer_id
    if signer_id.tag != _KEY_IDENTIFIER:
        parts = signer_id.expect(SEQUENCE).children()
        if len(parts) != 2:
            raise DerError("not an IssuerAndSerialNumber")
        issuer, serial = parts[0].whole, read_integer(parts[1])
    for der in signed.certificates:
        try:
            certificate = Certificate.load(der)
        except RequestError:
            continue  # a certificate that can't be read is nobody's
        if signer_id.tag == _KEY_IDENTIFIER:
            if certificate.key_identifier and certificate.key_identifier == signer_id.content:
                return certificate
        elif certificate.issuer == issuer and certificate.serial == serial:
            return certificate
    raise DerError("the signer's certificate is not inside, or can't be read")


def _check_attributes(attributes: dict[bytes, Element], content_type: bytes, digest: bytes, certificate: bytes) -> bool:
    """True where a signing-certificate attribute names the certificate. Raises VerificationError."""
    declared = attributes.get(oid.CONTENT_TYPE)
    found = attributes.get(oid.MESSAGE_DIGEST)
    if declared is None or found is None or found.tag != OCTET_STRING:
        raise VerificationError(
            Reason.SIGNATURE_WRONG, FindingCode.SIGNATURE_MALFORMED, "content-type or message-digest is missing"
        )
    if declared.whole != content_type or found.content != digest:
        raise VerificationError(
            Reason.CONTENT_MODIFIED, FindingCode.CONTENT_MODIFIED, "the content is not what was signed"
        )
    for attribute, default in ((oid.SIGNING_CERTIFICATE_V2, "sha256"), (oid.SIGNING_CERTIFICATE, "sha1")):
        value = attributes.get(attribute)
        if value is not None:
            _check_signing_certificate(value, default, certificate)
    return oid.SIGNING_CERTIFICATE_V2 in attributes or oid.SIGNING_CERTIFICATE in attributes


def _check_signing_certificate(value: Element, hash_name: str, certificate: bytes) -> None:
    """The first ESSCertID must be the signer's (RFC 5035 clause 3)."""
    try:
        first = value.expect(SEQUENCE).children()[0].expect(SEQUENCE).children()[0].expect(SEQUENCE).children()
        if first[0].tag == SEQUENCE:
            wanted = first[0].children()[0].whole
            hash_name = next(name for name, identifier in oid.DIGESTS.items() if identifier == wanted)
            first = first[1:]
        matches = first[0].expect(OCTET_STRING).content == hashlib.new(hash_name, certificate).digest()
    except (DerError, IndexError, StopIteration):
        matches = False
    if not matches:
        raise VerificationError(
            Reason.SIGNATURE_WRONG, FindingCode.SIGNATURE_WRONG, "the signature names another certificate"
        )


def _signing_time(signer: SignerInfo) -> datetime | None:
    value = (signer.attributes or {}).get(oid.SIGNING_TIME)
    try:
        return None if value is None else read_time(value)
    except DerError:
        return None  # claimed by the signer and relied on by nobody


def _unsupported(what: str) -> VerificationError:
    return VerificationError(Reason.SIGNATURE_WRONG, FindingCode.SIGNATURE_UNSUPPORTED, what)


def _malformed(what: str) -> RequestError:
    return RequestError(
        Reason.CMS_MALFORMED, f"not CMS SignedData in DER: {what}", "Send a ContentInfo with SignedData, DER."
    )
