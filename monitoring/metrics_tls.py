"""Mutual TLS for the metrics listener: TLS 1.2 or 1.3, certificates with P-256, P-384 or RSA keys, a client certificate always.

OpenSSL by Python's own `ssl`; files are read again when they change. Not for SM-TLS, which Prometheus does not speak.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from monitoring import metrics
from monitoring.reloaded_context import ReloadedContext

_LEAST_RSA_BITS = 2048
_CURVES = (ec.SECP256R1, ec.SECP384R1)
# For TLS 1.2; forward secrecy and authenticated encryption. Those of TLS 1.3 are all good.
_TLS12_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


class TlsFilesUnusable(Exception):
    """A file for the metrics listener can't be used; reason, message and remedy as other packages' errors have them."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.reason = "metrics-tls-unusable"
        self.message = message
        self.remedy = "Correct certificate, key and client_authority in [monitoring] (PEM)."

    def __str__(self) -> str:
        return f"{self.message} [{self.reason}] {self.remedy}"


@dataclass(frozen=True)
class TlsFiles:
    """PEM. `client_authority`: who issues the certificates of those that may scrape; one of its own, not the clients'."""

    certificate: Path
    key: Path
    client_authority: Path


class TlsMaterial(ReloadedContext):
    """The context in force."""

    def __init__(self, files: TlsFiles) -> None:
        """Raises TlsFilesUnusable."""
        named = (files.certificate, files.key, files.client_authority)
        super().__init__("metrics listener", named, partial(_load, files), TlsFilesUnusable)


def _load(files: TlsFiles) -> ssl.SSLContext:
    own = _certificates(files.certificate)
    for certificate in (*own, *_certificates(files.client_authority)):
        _check_key(certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_ciphers(_TLS12_CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.num_tickets = 0  # a resumed session would skip the look at the client's certificate
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
        context.load_verify_locations(files.client_authority)
    except (OSError, ValueError) as problem:  # ssl.SSLError is an OSError
        raise TlsFilesUnusable(
            f"the metrics listener's key does not fit or can't be read: {files.key.name}"
        ) from problem
    metrics.certificate_expiry_timestamp_seconds.labels("metrics-listener").set(own[0].not_valid_after_utc.timestamp())
    return context


def _no_password() -> str:
    """OpenSSL would ask the terminal for an encrypted key's."""
    return ""


def _certificates(file: Path) -> list[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as problem:
        raise TlsFilesUnusable(f"{file.name}: no certificate can be read from it") from problem
    return found


def _check_key(certificate: x509.Certificate) -> None:
    try:
        key = certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        raise TlsFilesUnusable("a certificate of the metrics listener has a key of an unknown kind") from problem
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES):
        return
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS:
        return
    raise TlsFilesUnusable("certificates of the metrics listener need P-256, P-384 or RSA keys of 2048 bits or more")
