"""OCSP: what an authority's responder says about a certificate (RFC 6960), read strictly; believed with the authority's signature only.

Responders: the issuer itself, or one whom the issuer itself gave a certificate for this purpose (clause 4.2.2.2). Whether that
certificate was revoked in turn is not looked at. RSA, P-256 and SM2 (default ID). Also makes requests; sending them is
`signer.app.revocation_fetch`'s matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.x509 import ocsp

from signer.algorithms import load_path_key, verify_x509_signature
from signer.certificates.certificate import Certificate
from signer.errors import Reason, RequestError, SignerError

MAX_RESPONSE_BYTES = 256 * 1024
_MAX_ANSWERS, _MAX_RESPONDERS = 64, 8
_OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
_HASHES = {  # CertID; SHA-1 has no security to offer here and needs none: it only says which certificate is meant
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "1.2.156.10197.1.401": "sm3",
}
# Without nextUpdate newer information is always there (clause 4.2.2.1): such an answer is good for as long as it takes to use it.
_NO_NEXT_UPDATE = timedelta(minutes=10)


@dataclass(frozen=True)
class CertificateId:
    """Which certificate an answer is about (clause 4.1.1)."""

    hash_name: str
    name_hash: bytes
    key_hash: bytes
    serial: int

    @classmethod
    def of(cls, certificate: Certificate, issuer: Certificate, hash_name: str = "sha1") -> CertificateId:
        """The identifier of a certificate."""
        key = asn1_x509.Certificate.load(issuer.der).public_key["public_key"]
        digest: Callable[[bytes], bytes] = lambda data: hashlib.new(hash_name, data, usedforsecurity=False).digest()  # noqa: E731 - one line is enough
        return cls(hash_name, digest(issuer.subject), digest(bytes(key.contents[1:])), certificate.serial)


@dataclass(frozen=True)
class OcspAnswer:
    """About one certificate. `good`: whether the responder knows it as not revoked. `revoked_at`: None unless revoked."""

    certificate: CertificateId
    good: bool
    revoked_at: datetime | None
    this_update: datetime
    next_update: datetime


@dataclass(frozen=True)
class OcspResponse:
    """A response that was granted. `responders`: certificates that it brings along, DER."""

    answers: tuple[OcspAnswer, ...]
    produced_at: datetime
    responders: tuple[bytes, ...] = field(repr=False)
    signed_bytes: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    signature_oid: str

    @classmethod
    def load(cls, der: bytes) -> OcspResponse:
        """Reads an OCSPResponse strictly. Raises RequestError (INPUT_MALFORMED)."""
        try:
            if len(der) > MAX_RESPONSE_BYTES:
                raise ValueError("too large")  # noqa: TRY301 - one way out for all that is wrong
            return _read(der)
        except Exception:  # noqa: BLE001 - two parsers with many kinds of exceptions, one meaning
            raise RequestError(Reason.INPUT_MALFORMED, "not an OCSP response that can be judged") from None

    def find(self, certificate: Certificate, issuer: Certificate) -> OcspAnswer | None:
        """What the issuer, or who may speak for it, says about a certificate; None where nothing that can be believed."""
        for answer in self.answers:
            if answer.certificate != CertificateId.of(certificate, issuer, answer.certificate.hash_name):
                continue
            return answer if self._speaks_for(issuer) else None
        return None

    def _speaks_for(self, issuer: Certificate) -> bool:
        if self._is_signed_by(issuer):
            return True
        for der in self.responders:
            try:
                responder = Certificate.load(der)
            except RequestError:
                continue
            if self._may_respond(responder, issuer) and self._is_signed_by(responder):
                return True
        return False

    def _may_respond(self, responder: Certificate, issuer: Certificate) -> bool:
        """Clause 4.2.2.2: issued by this very authority, for this purpose, and valid when it answered."""
        if responder.issuer != issuer.subject or _OCSP_SIGNING not in (responder.extended_key_usage or ()):
            return False
        if responder.unprocessed or not responder.not_before <= self.produced_at <= responder.not_after:
            return False
        if responder.key_usage is not None and "digital_signature" not in responder.key_usage:
            return False
        return _signed(responder.signature_oid, issuer, responder.signed_bytes, responder.signature)

    def _is_signed_by(self, signer: Certificate) -> bool:
        return _signed(self.signature_oid, signer, self.signed_bytes, self.signature)


def build_request(certificate: Certificate, issuer: Certificate) -> bytes:
    """An OCSPRequest about one certificate, DER. CertID by SHA-1, which every responder knows (RFC 5019, 2.1.1)."""
    asked = CertificateId.of(certificate, issuer)
    identifier = {
        "hash_algorithm": {"algorithm": "sha1"},
        "issuer_name_hash": asked.name_hash,
        "issuer_key_hash": asked.key_hash,
        "serial_number": asked.serial,
    }
    request: bytes = asn1_ocsp.OCSPRequest({"tbs_request": {"request_list": [{"req_cert": identifier}]}}).dump()
    return request


def _read(der: bytes) -> OcspResponse:
    strict = ocsp.load_der_ocsp_response(der)
    if strict.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise ValueError("not granted")
    whole = asn1_ocsp.OCSPResponse.load(der, strict=True)["response_bytes"]["response"].parsed
    items = list(whole["tbs_response_data"]["responses"])
    answers = list(strict.responses)
    if not 1 <= len(answers) <= _MAX_ANSWERS or len(items) != len(answers):
        raise ValueError("no answer, or too many")
    critical = [*strict.extensions, *(extra for answer in items for extra in _extensions(answer))]
    if any(extra.critical if isinstance(extra, x509.Extension) else extra["critical"].native for extra in critical):
        raise ValueError("an extension that is not processed")
    return OcspResponse(
        answers=tuple(_answer(item, answer) for item, answer in zip(items, answers, strict=True)),
        produced_at=strict.produced_at_utc,
        responders=tuple(item.dump() for item in _certificates(whole))[:_MAX_RESPONDERS],
        signed_bytes=strict.tbs_response_bytes,
        signature=strict.signature,
        signature_oid=strict.signature_algorithm_oid.dotted_string,
    )


def _extensions(item: asn1_ocsp.SingleResponse) -> list[asn1_ocsp.SingleResponseExtension]:
    extensions = item["single_extensions"]
    return list(extensions) if extensions.native is not None else []


def _certificates(whole: asn1_ocsp.BasicOCSPResponse) -> list[asn1_x509.Certificate]:
    certificates = whole["certs"]
    return list(certificates) if certificates.native is not None else []


def _answer(item: asn1_ocsp.SingleResponse, answer: ocsp.OCSPSingleResponse) -> OcspAnswer:
    identifier = item["cert_id"]
    status = answer.certificate_status
    return OcspAnswer(
        certificate=CertificateId(
            _HASHES[identifier["hash_algorithm"]["algorithm"].dotted],
            identifier["issuer_name_hash"].native,
            identifier["issuer_key_hash"].native,
            identifier["serial_number"].native,
        ),
        good=status is ocsp.OCSPCertStatus.GOOD,
        revoked_at=answer.revocation_time_utc if status is ocsp.OCSPCertStatus.REVOKED else None,
        this_update=answer.this_update_utc,
        next_update=answer.next_update_utc or answer.this_update_utc + _NO_NEXT_UPDATE,
    )


def _signed(oid: str, signer: Certificate, message: bytes, signature: bytes) -> bool:
    try:
        verify_x509_signature(oid, load_path_key(signer.public_key), message, signature)
    except SignerError:
        return False
    return True
