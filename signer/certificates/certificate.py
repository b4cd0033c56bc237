"""A certificate (RFC 5280), read strictly once, with what paths and reports need. Not for judging it: see `path`."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from signer.errors import Reason, RequestError

# cryptography warns about odd names and serial numbers in strangers' certificates; our log is not theirs to write in
warnings.filterwarnings("ignore", category=UserWarning, module=__name__)

MAX_CERTIFICATE_BYTES = 16 * 1024
_REMEMBERED = 512

# Critical extensions that are understood here; any other one makes a path invalid (RFC 5280, 4.2). Policies are understood
# in that any policy will do (RFC 5280 6.1.1 (c): user-initial-policy-set = any-policy).
_UNDERSTOOD = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    ExtensionOID.CERTIFICATE_POLICIES,
}
# Not processed, and too important to pass over where an authority forgot to mark it critical (RFC 5280, 4.2.1.10)
_NEVER_IGNORED = {ExtensionOID.NAME_CONSTRAINTS}

_USAGES = ("digital_signature", "content_commitment", "key_encipherment", "key_cert_sign", "crl_sign")
_NO_PARAMETERS = {b"", b"\x05\x00"}

Value = TypeVar("Value", bound=x509.ExtensionType)


@dataclass(frozen=True)
class Certificate:
    """`public_key`: SubjectPublicKeyInfo, DER. `subject`, `issuer`: Name, DER. `subject_text`: RFC 4514.

    `key_usage`: RFC 5280 bit names, None where there is no such extension. `extended_key_usage`: dotted, likewise.
    `path_length`: None where unlimited. `key_identifier`, `authority_key_identifier`: b"" where absent.
    `unprocessed`: extensions, dotted, that forbid relying on the certificate because nobody here processes them.
    `signature_oid`: "" where the algorithm has parameters that no signature algorithm known here has.
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
    unprocessed: tuple[str, ...]
    signed_bytes: bytes
    signature: bytes
    signature_oid: str

    @classmethod
    def load(cls, der: bytes) -> Certificate:
        """Reads strict DER: one certificate, nothing behind it, no extension twice, one signature algorithm.

        The last ones are remembered.

        Raises:
            RequestError: CERTIFICATE_MALFORMED.
        """
        if len(der) > MAX_CERTIFICATE_BYTES:
            raise _malformed(f"the certificate is larger than {MAX_CERTIFICATE_BYTES} bytes")
        try:
            return _read(der)
        except Exception:  # noqa: BLE001 - hostile input: two parsers, many kinds of exceptions, one meaning
            raise _malformed("not a certificate in strict DER") from None


@lru_cache(maxsize=_REMEMBERED)
def _read(der: bytes) -> Certificate:
    strict = x509.load_der_x509_certificate(der)
    whole = asn1_x509.Certificate.load(der, strict=True)
    tbs = whole["tbs_certificate"]
    if tbs["signature"].dump() != whole["signature_algorithm"].dump():  # RFC 5280, 4.1.1.2
        raise ValueError("two signature algorithms")
    extensions = strict.extensions
    constraints = _extension(extensions, x509.BasicConstraints)
    usage = _extension(extensions, x509.KeyUsage)
    extended = _extension(extensions, x509.ExtendedKeyUsage)
    own_id = _extension(extensions, x509.SubjectKeyIdentifier)
    authority_id = _extension(extensions, x509.AuthorityKeyIdentifier)
    parameters_known = tbs["signature"]["parameters"].dump() in _NO_PARAMETERS
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
        key_usage=None if usage is None else frozenset(name for name in _USAGES if getattr(usage, name)),
        extended_key_usage=None if extended is None else frozenset(oid.dotted_string for oid in extended),
        key_identifier=b"" if own_id is None else own_id.digest,
        authority_key_identifier=(authority_id and authority_id.key_identifier) or b"",
        unprocessed=tuple(item.oid.dotted_string for item in extensions if _forbids_reliance(item)),
        signed_bytes=strict.tbs_certificate_bytes,
        signature=strict.signature,
        signature_oid=strict.signature_algorithm_oid.dotted_string if parameters_known else "",
    )


def _extension(extensions: x509.Extensions, kind: type[Value]) -> Value | None:
    return next((item.value for item in extensions if isinstance(item.value, kind)), None)


def _forbids_reliance(extension: x509.Extension[x509.ExtensionType]) -> bool:
    return extension.oid in _NEVER_IGNORED or (extension.critical and extension.oid not in _UNDERSTOOD)


def _malformed(what: str) -> RequestError:
    return RequestError(Reason.CERTIFICATE_MALFORMED, what, "Send one X.509 certificate, DER.")
