"""Asks an RFC 3161 authority over HTTP or HTTPS (RFC 3161 clause 3.4): one POST, no redirects, 64 KiB at most, one deadline for all.

Not for judging the answer: `signer.cms.timestamp_token`.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from pathlib import Path
from urllib.parse import urlsplit

from signer.cms.timestamp_token import MAX_RESPONSE_BYTES
from signer.errors import ApplianceError, ConfigurationError, Reason

_QUERY = "application/timestamp-query"
_REPLY = "application/timestamp-reply"


def ask_authority(url: str, request: bytes, *, seconds: float, tls_authority: Path | None = None) -> bytes:
    """The response's bytes, not judged. `tls_authority`: PEM, for https; None: the system's.

    Raises:
        ApplianceError: TIMESTAMP_UNAVAILABLE; not reached, too slow, too large, or not a timestamp reply.
        ConfigurationError: CONFIGURATION_INVALID; the URL or the PEM file can't be used.
    """
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = _connection(url, seconds, tls_authority)
    watchdog: threading.Timer | None = None
    try:
        connection.connect()
        # Timeouts of a socket begin anew with every byte; this one does not.
        watchdog = threading.Timer(seconds, _end, (connection.sock,))
        watchdog.daemon = True
        watchdog.start()
        connection.request("POST", path, request, {"Content-Type": _QUERY, "Accept": _REPLY})
        response = connection.getresponse()
        if response.status != 200 or response.headers.get_content_type() != _REPLY:
            raise _unavailable(f"it answers {response.status} {response.headers.get_content_type()}")
        content = response.read(MAX_RESPONSE_BYTES + 1)
        if response.length and len(content) <= MAX_RESPONSE_BYTES:
            raise _unavailable("its answer is cut off, or too slow")
    except (OSError, http.client.HTTPException) as problem:
        raise _unavailable(type(problem).__name__) from None
    finally:
        if watchdog is not None:
            watchdog.cancel()
        connection.close()
    if len(content) > MAX_RESPONSE_BYTES:
        raise _unavailable(f"its answer is larger than {MAX_RESPONSE_BYTES} bytes")
    return content


def _connection(url: str, seconds: float, tls_authority: Path | None) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "http" and host:
            return http.client.HTTPConnection(host, port, timeout=seconds)
        if parts.scheme == "https" and host:
            context = ssl.create_default_context(cafile=str(tls_authority) if tls_authority else None)
            return http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
    except (OSError, ValueError):
        pass
    raise ConfigurationError(
        Reason.CONFIGURATION_INVALID,
        f"the timestamp authority {url!r} or its TLS authority can't be used",
        "Give http://… or https://…, and a PEM file.",
    )


def _end(connected: socket.socket) -> None:
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has ended already


def _unavailable(why: str) -> ApplianceError:
    return ApplianceError(
        Reason.TIMESTAMP_UNAVAILABLE, f"the timestamp authority gives no timestamp: {why}", "Try again in a minute."
    )
