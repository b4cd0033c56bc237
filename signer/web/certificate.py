"""HTTPS for browsers: TLS 1.2 or 1.3 by Python's own `ssl`; certificate and key are read again when they change.

No client certificates: anybody may verify a document. Not for SM-TLS, which browsers outside of China don't speak.
"""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from monitoring import metrics
from signer.certificates.store import earliest_expiry
from signer.errors import ConfigurationError, Reason
from signer.web.portal_config import PortalTlsFiles

_log = logging.getLogger(__name__)
# For TLS 1.2; forward secrecy and authenticated encryption. Those of TLS 1.3 are all good.
_TLS12_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


class PortalCertificate:
    """The context in force."""

    def __init__(self, files: PortalTlsFiles) -> None:
        """Raises ConfigurationError (START_FAILED)."""
        self._files = files
        self._seen = self._look()
        self._context = _load(files)

    def context(self) -> ssl.SSLContext:
        """For the next connection; anew where the files changed. What can't be read leaves the former one in force."""
        seen = self._look()
        if seen != self._seen:
            self._seen = seen
            try:
                self._context = _load(self._files)
                _log.info("the portal's certificate was reloaded")
            except ConfigurationError as problem:
                _log.error(f"the portal's certificate was not reloaded: {problem}")
        return self._context

    def _look(self) -> list[tuple[int, int, int]]:
        return [_stamp(file) for file in (self._files.certificate, self._files.key)]


def _stamp(file: Path) -> tuple[int, int, int]:
    try:
        state = file.stat()
    except OSError:
        return (0, 0, 0)
    return (state.st_mtime_ns, state.st_ino, state.st_size)


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
