"""Log entries as RFC 5424 messages over TLS (RFC 5425: octet counting, the server's name verified).

Syslog has no acknowledgement: what was on the way when a connection broke may be missing at the collector. Each message carries its
index, so that a gap shows, and an export can go back. Not for operational logging: that is `monitoring.json_log`.
"""

from __future__ import annotations

import base64
import json
import platform
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from signer.audit.checkpoint import Checkpoint
from signer.audit.export import ExportedEntry
from signer.errors import ApplianceError, ConfigurationError, Reason

# The enterprise number that RFC 5612 keeps for documentation: whoever has one of its own gives it (--enterprise-number).
DOCUMENTATION_NUMBER = 32473
_PRIORITY = 13 * 8 + 6  # RFC 5424, 6.2.1: log audit, informational
_BOM = b"\xef\xbb\xbf"  # RFC 5424, 6.4: the message is UTF-8
_DEFAULT_PORT = 6514
_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class CollectorConfig:
    """`authority`: PEM certificates that may have issued the collector's. `certificate`, `key`: ours, where it asks for one."""

    host: str
    port: int
    authority: Path
    certificate: Path | None = None
    key: Path | None = None

    @classmethod
    def from_url(cls, url: str, authority: Path, certificate: Path | None, key: Path | None) -> CollectorConfig:
        """tls://host[:port]. Raises ConfigurationError (CONFIGURATION_INVALID)."""
        parts = urlsplit(url)
        try:
            port = parts.port or _DEFAULT_PORT
        except ValueError:
            port = 0
        if (
            parts.scheme != "tls"
            or not parts.hostname
            or not port
            or parts.path
            or (certificate is None) != (key is None)
        ):
            raise ConfigurationError(
                Reason.CONFIGURATION_INVALID,
                f"{url!r} can't be sent to: it must be tls://host:port, with both certificate and key or neither",
                "Plain syslog is not offered: entries tell who signed what.",
            )
        return cls(parts.hostname, port, authority, certificate, key)


class SyslogFormat:
    """`origin`: the log's. `enterprise`: the private enterprise number in the structured data's name."""

    def __init__(self, origin: str, enterprise: int = DOCUMENTATION_NUMBER) -> None:
        self._origin = origin
        self._name = f"signer@{enterprise}"
        self._host = _printable(platform.node(), 255)

    def entry(self, item: ExportedEntry) -> bytes:
        """An entry as a message: its own time, its kind as MSGID, index and leaf hash as structured data, its text as the message."""
        try:
            values = json.loads(item.entry)
            time, kind = str(values["time"]), str(values["kind"])
        except (ValueError, KeyError, TypeError):
            time, kind = "-", "entry"
        data = self._data(log=self._origin, index=str(item.index), leaf=item.leaf_hash.hex())
        return self._message(time, kind, data, item.entry)

    def checkpoint(self, checkpoint: Checkpoint) -> bytes:
        """The signed head over what was sent before; the note itself is base64 in the structured data."""
        note = base64.b64encode(checkpoint.text.encode()).decode()
        data = self._data(log=self._origin, size=str(checkpoint.size), root=checkpoint.root.hex(), note=note)
        return self._message("-", "checkpoint", data, b"signed tree head")

    def _data(self, **values: str) -> str:
        parameters = [f'{name}="{_escaped(value)}"' for name, value in values.items()]
        return f"[{self._name} {' '.join(parameters)}]"

    def _message(self, time: str, kind: str, data: str, text: bytes) -> bytes:
        head = f"<{_PRIORITY}>1 {_printable(time, 32)} {self._host} signer - {_printable(kind, 32)} {data} "
        return head.encode() + _BOM + text


class SyslogConnection:
    """A TLS connection to a collector."""

    def __init__(self, config: CollectorConfig) -> None:
        """Connects.

        Raises:
            ApplianceError: COLLECTOR_UNAVAILABLE; not reached, not who it must be, or it does not take our certificate.
            ConfigurationError: CONFIGURATION_INVALID; a file can't be used.
        """
        context = _context(config)
        try:
            plain = socket.create_connection((config.host, config.port), timeout=_TIMEOUT_S)
        except OSError as problem:
            raise _unavailable(config, problem) from None
        try:
            self._socket = context.wrap_socket(plain, server_hostname=config.host)
        except OSError as problem:
            plain.close()
            raise _unavailable(config, problem) from None
        self._config = config

    def send(self, messages: list[bytes]) -> None:
        """All of them, and looks whether the collector is still there. Raises ApplianceError (COLLECTOR_UNAVAILABLE)."""
        try:
            self._socket.sendall(b"".join(b"%d %b" % (len(message), message) for message in messages))
            if self._has_ended():
                raise ConnectionResetError("the collector has closed the connection")
        except OSError as problem:
            raise _unavailable(self._config, problem) from None

    def close(self) -> None:
        """With close_notify, as RFC 5425 clause 4.4 asks; one that is dead already is only closed."""
        try:
            self._socket.settimeout(2)
            self._socket = self._socket.unwrap()  # type: ignore[assignment]  # a plain socket from here on
        except (OSError, ValueError):
            pass
        self._socket.close()

    def _has_ended(self) -> bool:
        self._socket.settimeout(0.05)
        try:
            return not self._socket.recv(1)  # a collector sends nothing but its end
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        finally:
            self._socket.settimeout(_TIMEOUT_S)


def _context(config: CollectorConfig) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(config.authority))  # names are checked, TLS 1.2 or later
        if config.certificate is not None and config.key is not None:
            context.load_cert_chain(config.certificate, config.key)
    except (OSError, ValueError):
        raise ConfigurationError(
            Reason.CONFIGURATION_INVALID,
            "the collector's authority, or our certificate and key, can't be used",
            "Give PEM files.",
        ) from None
    return context


def _unavailable(config: CollectorConfig, problem: OSError) -> ApplianceError:
    why = (
        problem.verify_message
        if isinstance(problem, ssl.SSLCertVerificationError)
        else problem.strerror or str(problem)
    )
    return ApplianceError(
        Reason.COLLECTOR_UNAVAILABLE,
        f"the collector {config.host}:{config.port} can't be sent to: {why}",
        "The next export goes on where this one stopped.",
    )


def _printable(text: str, longest: int) -> str:
    """A header field: printable ASCII without blanks, "-" where nothing is left."""
    return "".join(character for character in text if "!" <= character <= "~")[:longest] or "-"


def _escaped(value: str) -> str:
    """RFC 5424, 6.3.3."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
