"""Makes certificates (RFC 5280): the facts come from the caller, the signature from a signing callable. No key is here.

SM2 certificates are signed with the default ID 1234567812345678 (GB/T 35276), or others refuse them.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from asn1crypto import core, keys, x509

from signer.algorithms import SignatureAlgorithm, SignMessage
from signer.errors import Reason, RequestError

_OIDS: dict[SignatureAlgorithm, tuple[str, bool]] = {  # object identifier, NULL parameters
    SignatureAlgorithm.SM2_SM3: ("1.2.156.10197.1.501", False),
    SignatureAlgorithm.RSA_PKCS1_SHA256: ("1.2.840.113549.1.1.11", True),
    SignatureAlgorithm.RSA_PKCS1_SHA384: ("1.2.840.113549.1.1.12", True),
    SignatureAlgorithm.RSA_PKCS1_SHA512: ("1.2.840.113549.1.1.13", True),
}
_DOCUMENT_SIGNING = "1.3.6.1.5.5.7.3.36"  # RFC 9336
_EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4"
_TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
_SERVER_AUTH, _CLIENT_AUTH = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"


class CertificateKind(Enum):
    """What a certificate is for."""

    AUTHORITY = "authority"
    DOCUMENT_SIGNER = "document-signer"
    MESSAGE_SIGNER = "message-signer"
    TIMESTAMP_AUTHORITY = "timestamp-authority"
    TLS_SERVER = "tls-server"
    TLS_CLIENT = "tls-client"


_PURPOSES: dict[CertificateKind, tuple[str, ...]] = {  # extended key usage; none: no such extension
    CertificateKind.DOCUMENT_SIGNER: (_DOCUMENT_SIGNING, _EMAIL_PROTECTION),
    CertificateKind.TIMESTAMP_AUTHORITY: (_TIME_STAMPING,),
    CertificateKind.TLS_SERVER: (_SERVER_AUTH,),
    CertificateKind.TLS_CLIENT: (_CLIENT_AUTH,),
}
# RFC 5280, 4.2.1.3: documents and messages have signatures that the signer can't deny later; a handshake has not
_USAGES: dict[CertificateKind, set[str]] = {
    CertificateKind.AUTHORITY: {"key_cert_sign", "crl_sign"},
    CertificateKind.DOCUMENT_SIGNER: {"digital_signature", "non_repudiation"},
    CertificateKind.MESSAGE_SIGNER: {"digital_signature", "non_repudiation"},
    CertificateKind.TIMESTAMP_AUTHORITY: {"digital_signature", "non_repudiation"},
    CertificateKind.TLS_SERVER: {"digital_signature"},
    CertificateKind.TLS_CLIENT: {"digital_signature"},
}


@dataclass(frozen=True)
class CertificateFacts:
    """What the certificate says. `subject`: (attribute, value) pairs as asn1crypto names them, e.g. ("country_name", "CN").

    `path_length`: with authorities, how many authorities may stand below; None for any number.
    `alternative_names`: (kind, value) pairs, kind "dns", "ip" or "uri" (RFC 5280, 4.2.1.6).
    """

    subject: tuple[tuple[str, str], ...]
    public_key: bytes
    kind: CertificateKind
    not_before: datetime
    not_after: datetime
    path_length: int | None = 0
    alternative_names: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Issuer:
    """Who signs: the issuer's certificate (DER; None for a self-signed root), algorithm, and signing callable."""

    certificate: bytes | None
    algorithm: SignatureAlgorithm
    sign: SignMessage


def issue_certificate(facts: CertificateFacts, issuer: Issuer) -> bytes:
    """A certificate, DER.

    Raises:
        RequestError: ALGORITHM_NOT_ALLOWED, where certificates aren't signed by that algorithm.
        and whatever the signing callable raises.
    """
    subject = x509.Name.build(dict(facts.subject), use_printable=False)
    own_identifier = _key_identifier(facts.public_key)
    if issuer.certificate is None:
        issuer_name, authority_identifier = subject, own_identifier
    else:
        authority = x509.Certificate.load(issuer.certificate)
        issuer_name, authority_identifier = authority.subject, _identifier_of(authority)
    tbs = x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": secrets.randbits(127) | 1 << 126,
            "signature": signature_algorithm(issuer.algorithm),
            "issuer": issuer_name,
            "validity": {
                "not_before": certificate_time(facts.not_before),
                "not_after": certificate_time(facts.not_after),
            },
            "subject": subject,
            "subject_public_key_info": keys.PublicKeyInfo.load(facts.public_key),
            "extensions": _extensions(facts, own_identifier, authority_identifier),
        }
    )
    certificate = x509.Certificate(
        {
            "tbs_certificate": tbs,
            "signature_algorithm": signature_algorithm(issuer.algorithm),
            "signature_value": core.OctetBitString(issuer.sign(tbs.dump())),
        }
    )
    encoded: bytes = certificate.dump()
    return encoded


def signature_algorithm(algorithm: SignatureAlgorithm) -> dict[str, Any]:
    """The AlgorithmIdentifier, as asn1crypto takes it. Raises RequestError (ALGORITHM_NOT_ALLOWED)."""
    if algorithm not in _OIDS:
        raise RequestError(
            Reason.ALGORITHM_NOT_ALLOWED,
            f"certificates are not signed with {algorithm.name}",
            "Use SM2_SM3 or one of the RSA_PKCS1 algorithms.",
        )
    oid, null = _OIDS[algorithm]
    return {"algorithm": oid, "parameters": core.Null()} if null else {"algorithm": oid}


def certificate_time(moment: datetime) -> x509.Time:
    """A Time of certificates and CRLs, whole seconds."""
    # RFC 5280, 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050
    whole = moment.replace(microsecond=0)
    return x509.Time({"utc_time": whole} if whole.year < 2050 else {"general_time": whole})


def _key_identifier(public_key: bytes) -> bytes:
    """RFC 5280, 4.2.1.2 (1): SHA-1 of the key's bits, an identifier without any claim to security."""
    bits = keys.PublicKeyInfo.load(public_key)["public_key"]
    content: bytes = bits.contents[1:]
    return hashlib.sha1(content, usedforsecurity=False).digest()


def _identifier_of(authority: x509.Certificate) -> bytes:
    """What the issuer calls its key; where it doesn't, what we would."""
    written: bytes | None = authority.key_identifier
    return _key_identifier(authority.public_key.dump()) if written is None else written


def _extensions(facts: CertificateFacts, own: bytes, authority: bytes) -> list[dict[str, Any]]:
    is_authority = facts.kind is CertificateKind.AUTHORITY
    extensions: list[dict[str, Any]] = [
        {
            "extn_id": "basic_constraints",
            "critical": True,
            "extn_value": {"ca": True, "path_len_constraint": facts.path_length} if is_authority else {"ca": False},
        },
        {"extn_id": "key_usage", "critical": True, "extn_value": _USAGES[facts.kind]},
        {"extn_id": "key_identifier", "critical": False, "extn_value": own},
        {"extn_id": "authority_key_identifier", "critical": False, "extn_value": {"key_identifier": authority}},
    ]
    if facts.kind in _PURPOSES:
        purposes = list(_PURPOSES[facts.kind])
        # RFC 3161, 2.3: with a timestamp authority it must be critical
        critical = facts.kind is CertificateKind.TIMESTAMP_AUTHORITY
        extensions.append({"extn_id": "extended_key_usage", "critical": critical, "extn_value": purposes})
    if facts.alternative_names:
        names = [_general_name(kind, value) for kind, value in facts.alternative_names]
        extensions.append({"extn_id": "subject_alt_name", "critical": False, "extn_value": names})
    return extensions


def _general_name(kind: str, value: str) -> x509.GeneralName:
    name = {"dns": "dns_name", "ip": "ip_address", "uri": "uniform_resource_identifier"}[kind]
    return x509.GeneralName(name, value)
