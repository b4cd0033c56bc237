"""HTTPS for browsers: TLS 1.2 or 1.3 by Python's own `ssl`; certificate and key are read again when they change.

No client certificates: anybody may verify a document. Not for SM-TLS, which browsers outside of China don't speak.
"""

from __future__ import annotations

import ssl
from functools import partial

from monitoring import metrics
from monitoring.reloaded_context import ReloadedContext
from signer.certificates.store import earliest_expiry
from signer.errors import ConfigurationError, Reason
from signer.web.portal_config import PortalTlsFiles

# For TLS 1.2; forward secrecy and authenticated encryption. Those of TLS 1.3 are all good.
_TLS12_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


class PortalCertificate(ReloadedContext):
    """The context in force."""

    def __init__(self, files: PortalTlsFiles) -> None:
        """Raises ConfigurationError (START_FAILED)."""
        super().__init__("portal", (files.certificate, files.key), partial(_load, files), ConfigurationError)


def _load(files: PortalTlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_TLS12_CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(files.certificate, files.key, password=lambda: "")  # OpenSSL would ask the terminal
    except (OSError, ValueError) as problem:  # ssl.SSLError is an OSError
        raise ConfigurationError(
            Reason.START_FAILED,
            f"the portal's certificate and key can't be used: {files.certificate.name}, {files.key.name}",
            "Name a PEM certificate with its chain, and its unencrypted key, in [portal].",
        ) from problem
    metrics.certificate_expiry_timestamp_seconds.labels("portal").set(earliest_expiry(files.certificate).timestamp())
    return context
