"""A certificate (RFC 5280), read strictly once, with what paths and reports need. Not for judging it: that is `path`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from signer.errors import Reason, RequestError

MAX_CERTIFICATE_BYTES = 16 * 1024

# Critical extensions that are understood here; any other one makes a path invalid (RFC 5280, 4.2).
_UNDERSTOOD = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    ExtensionOID.CERTIFICATE_POLICIES,
}


@dataclass(frozen=True)
class Certificate:
    """`public_key`: SubjectPublicKeyInfo, DER. `subject`, `issuer`: Name, DER. `subject_text`: RFC 4514.

    `key_usage`: RFC 5280 bit names, None where there is no such extension. `extended_key_usage`: dotted, likewise.
    `path_length`: None where unlimited. `key_identifier`, `authority_key_identifier`: b"" where absent.
    """

    der: bytes
    public_key: bytes
    subject: bytes
    issuer: bytes
    subject_text: str
    serial: int
    not_before: datetime
    not_after: datetime
    is_authority: bool
    path_length: int | None
    key_usage: frozenset[str] | None
    extended_key_usage: frozenset[str] | None
    key_identifier: bytes
    authority_key_identifier: bytes
    has_unknown_critical: bool
    signed_bytes: bytes
    signature: bytes
    signature_oid: str

    @classmethod
    def load(cls, der: bytes) -> Certificate:
        """Reads strict DER.

        Raises:
            RequestError: CERTIFICATE_MALFORMED.
        """
        if len(der) > MAX_CERTIFICATE_BYTES:
            raise _malformed(f"the certificate is larger than {MAX_CERTIFICATE_BYTES} bytes")
        try:
            strict = x509.load_der_x509_certificate(der)
            return _read(der, strict)
        except Exception:  # noqa: BLE001 - hostile input: two parsers, many kinds of exceptions, one meaning
            raise _malformed("not a certificate in strict DER") from None


def _read(der: bytes, strict: x509.Certificate) -> Certificate:
    tbs = asn1_x509.Certificate.load(der, strict=True)["tbs_certificate"]
    extensions = strict.extensions
    found = {extension.oid: extension.value for extension in extensions}
    constraints = found.get(ExtensionOID.BASIC_CONSTRAINTS)
    usage = found.get(ExtensionOID.KEY_USAGE)
    extended = found.get(ExtensionOID.EXTENDED_KEY_USAGE)
    own_id = found.get(ExtensionOID.SUBJECT_KEY_IDENTIFIER)
    authority_id = found.get(ExtensionOID.AUTHORITY_KEY_IDENTIFIER)
    assert constraints is None or isinstance(constraints, x509.BasicConstraints)
    assert extended is None or isinstance(extended, x509.ExtendedKeyUsage)
    return Certificate(
        der=der,
        public_key=tbs["subject_public_key_info"].dump(),
        subject=tbs["subject"].dump(),
        issuer=tbs["issuer"].dump(),
        subject_text=strict.subject.rfc4514_string(),
        serial=strict.serial_number,
        not_before=strict.not_valid_before_utc,
        not_after=strict.not_valid_after_utc,
        is_authority=constraints is not None and constraints.ca,
        path_length=None if constraints is None else constraints.path_length,
        key_usage=_usage_names(usage) if isinstance(usage, x509.KeyUsage) else None,
        extended_key_usage=None if extended is None else frozenset(oid.dotted_string for oid in extended),
        key_identifier=own_id.digest if isinstance(own_id, x509.SubjectKeyIdentifier) else b"",
        authority_key_identifier=(
            (authority_id.key_identifier or b"") if isinstance(authority_id, x509.AuthorityKeyIdentifier) else b""
        ),
        has_unknown_critical=any(
            extension.critical and extension.oid not in _UNDERSTOOD for extension in extensions
        ),
        signed_bytes=strict.tbs_certificate_bytes,
        signature=strict.signature,
        signature_oid=strict.signature_algorithm_oid.dotted_string,
    )


def _usage_names(usage: x509.KeyUsage) -> frozenset[str]:
    names = ("digital_signature", "content_commitment", "key_encipherment", "key_cert_sign", "crl_sign")
    return frozenset(name for name in names if getattr(usage, name))


def _malformed(what: str) -> RequestError:
    return RequestError(Reason.CERTIFICATE_MALFORMED, what, "Send one X.509 certificate, DER.")
