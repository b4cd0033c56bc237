"""Judges electronic seals (GB/T 38540-2020; also GM/T 0031-2014 and 2025): evidence, or raises.

In this order: the signer's signature, the document's digest, the seal maker's signature, whether the seal lists the signer's
certificate. `check_validity` is for whoever knows the time of sealing. Whether anybody vouches for the two certificates is not judged
here (`signer.certificates.path`), nor are timestamps inside (`timestamp_token`). SM2 with SM3 and the default ID alone.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from signer.algorithms import KeyType, PublicKey, SignatureAlgorithm, load_public_key
from signer.certificates import Certificate
from signer.cms import object_identifiers as oid
from signer.cms.der import DerError, object_identifier
from signer.cms.electronic_seal_structure import (
    CertificateDigest,
    ElectronicSeal,
    SealGeneration,
    SealSignature,
    read_electronic_seal,
    read_seal_signature,
)
from signer.errors import Reason, RequestError, VerificationError
from signer.findings import FindingCode

_SM2 = SignatureAlgorithm.SM2_SM3
# What seal makers call the digest of a certificate list; whatever else stands there is compared as SM3, the standard's own.
_DIGEST_NAMES = {"SHA256": "sha256", "SHA-256": "sha256", "2.16.840.1.101.3.4.2.1": "sha256"}


@dataclass(frozen=True)
class ElectronicSealEvidence:
    """The seal is as its maker signed it. Certificates are DER. Whether it was valid when it was used: `check_validity`."""

    generation: SealGeneration
    es_id: str
    name: str
    maker_certificate: bytes = field(repr=False)
    valid_from: datetime
    valid_to: datetime


@dataclass(frozen=True)
class SealSignatureEvidence:
    """The seal was put on this very document by a signer whom it lists.

    `signed_at`: claimed; None where there is a timestamp instead (version 1). `timestamp`: DER, not judged, b"" where absent.
    `signature`: the value that such a timestamp is over.
    """

    seal: ElectronicSealEvidence
    signer_certificate: bytes = field(repr=False)
    algorithm: SignatureAlgorithm
    signed_at: datetime | None
    property_info: str
    signature: bytes = field(repr=False)
    timestamp: bytes = field(repr=False)


def verify_seal_signature(data: bytes, data_hash: bytes) -> SealSignatureEvidence:
    """Evidence for a SES_Signature (DER) over a document whose protected bytes have that SM3.

    Raises:
        VerificationError: SIGNATURE_WRONG or CONTENT_MODIFIED; finding signature-malformed, signature-unsupported, signature-wrong,
            content-modified, seal-forged or seal-not-for-signer.
    """
    try:
        return verify_read_seal_signature(read_seal_signature(data), data_hash)
    except DerError as problem:
        raise _wrong(FindingCode.SIGNATURE_MALFORMED, f"not a SES_Signature: {problem}") from None


def verify_read_seal_signature(read: SealSignature, data_hash: bytes) -> SealSignatureEvidence:
    """The same for one that was read already."""
    key = _sm2_key(read.signer_certificate, read.signature_algorithm)
    key.verify(_SM2, read.signed_bytes, read.signature)
    if not hmac.compare_digest(read.data_hash, data_hash):
        raise VerificationError(
            Reason.CONTENT_MODIFIED, FindingCode.CONTENT_MODIFIED, "the document is not the one that was sealed"
        )
    _no_critical_extension(read.extensions)
    seal = verify_read_electronic_seal(read.seal)
    if not _lists(read.seal, read.signer_certificate):
        raise _wrong(FindingCode.SEAL_NOT_FOR_SIGNER, "the seal does not list the signer's certificate")
    return SealSignatureEvidence(
        seal=seal,
        signer_certificate=read.signer_certificate,
        algorithm=_SM2,
        signed_at=read.signed_at,
        property_info=read.property_info,
        signature=read.signature,
        timestamp=read.timestamp,
    )


def verify_electronic_seal(data: bytes) -> ElectronicSealEvidence:
    """Evidence for a SESeal (DER).

    Raises:
        VerificationError: SIGNATURE_WRONG; finding signature-malformed, signature-unsupported or seal-forged.
    """
    try:
        return verify_read_electronic_seal(read_electronic_seal(data))
    except DerError as problem:
        raise _wrong(FindingCode.SIGNATURE_MALFORMED, f"not an electronic seal: {problem}") from None


def verify_read_electronic_seal(seal: ElectronicSeal) -> ElectronicSealEvidence:
    """The same for one that was read already."""
    key = _sm2_key(seal.maker_certificate, seal.signature_algorithm)
    try:
        key.verify(_SM2, seal.signed_bytes, seal.signature)
    except VerificationError:
        raise _wrong(FindingCode.SEAL_FORGED, "the seal maker's signature is wrong") from None
    _no_critical_extension(seal.info.extensions)
    return ElectronicSealEvidence(
        generation=seal.generation,
        es_id=seal.info.es_id,
        name=seal.info.name,
        maker_certificate=seal.maker_certificate,
        valid_from=seal.info.valid_from,
        valid_to=seal.info.valid_to,
    )


def check_validity(seal: ElectronicSealEvidence, at: datetime) -> None:
    """Whether the seal was valid when it was used. Raises VerificationError (finding seal-not-valid)."""
    if not seal.valid_from <= at <= seal.valid_to:
        raise VerificationError(
            Reason.PATH_NOT_TRUSTED, FindingCode.SEAL_NOT_VALID, "the seal was not valid at the time of sealing"
        )


def _lists(seal: ElectronicSeal, certificate: bytes) -> bool:
    """GB/T 38540-2020, certificate list: certificates as they are, or their digests."""
    if certificate in seal.info.certificates:
        return True
    return any(_is_digest_of(item, certificate) for item in seal.info.certificate_digests)


def _is_digest_of(item: CertificateDigest, certificate: bytes) -> bool:
    name = _DIGEST_NAMES.get(item.kind.upper(), "sm3")
    return hmac.compare_digest(item.value, hashlib.new(name, certificate).digest())


def _sm2_key(certificate: bytes, algorithm: str) -> PublicKey:
    if object_identifier(algorithm) not in oid.SM2_SIGNATURES:
        raise _wrong(FindingCode.SIGNATURE_UNSUPPORTED, "the seal is not signed by SM2")
    try:
        key = load_public_key(Certificate.load(certificate).public_key)
    except RequestError as problem:
        raise _wrong(FindingCode.SIGNATURE_MALFORMED, problem.message) from None
    if key.key_type is not KeyType.SM2:
        raise _wrong(FindingCode.SIGNATURE_UNSUPPORTED, "a certificate has another key than SM2")
    return key


def _no_critical_extension(extensions: Sequence[tuple[str, bool]]) -> None:
    """Whoever marks an extension critical forbids to rely on the structure without understanding it; none is understood."""
    if any(critical for _, critical in extensions):
        raise _wrong(FindingCode.SIGNATURE_UNSUPPORTED, "a critical extension that is not understood")


def _wrong(code: FindingCode, message: str) -> VerificationError:
    return VerificationError(Reason.SIGNATURE_WRONG, code, message)
