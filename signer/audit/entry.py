"""What one entry of the log says, as canonical JSON bytes. Numbers and keyed digests only, no personal data.

Not for operational logging: that is `monitoring.json_log`.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from signer.errors import ConfigurationError, Reason

_canonical = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), sort_keys=True
)  # made once: dumps makes one a call


class KeyedDigest:
    """HMAC-SM3 under a key of this appliance: whoever lacks it learns nothing from a digest, even of short data."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def from_file(cls, file: Path) -> KeyedDigest:
        """Reads the 32-byte key (64 hex digits). Raises ConfigurationError."""
        try:
            key = bytes.fromhex(file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            key = b""
        if len(key) != 32:
            raise ConfigurationError(
                Reason.START_FAILED,
                f"{file}: no key for keyed digests (64 hex digits)",
                "Restore it, or run signer init.",
            )
        return cls(key)

    def of(self, content: bytes) -> str:
        """64 hex digits."""
        return hmac.digest(self._key, content, "sm3").hex()


@dataclass(frozen=True)
class LogEntry:
    """An entry before it is encoded.

    `kind`: "signature", "refusal", "start", "stop", "process", "configuration", "administration", "clock-step", "restart".
    `subject`: keyed digest of what was signed (the digest that went to
    the token), empty where there is none. `detail`: fixed words and names from configuration.
    """

    kind: str
    request_id: str = ""
    client: str = ""
    rpc: str = ""
    key: str = ""
    algorithm: str = ""
    subject: str = ""
    detail: str = ""

    def encode(self, moment: datetime | None = None) -> bytes:
        """Canonical JSON: sorted keys, no spaces, UTF-8, empty members left out. `time` is UTC with microseconds."""
        members = {name: value for name, value in self.__dict__.items() if value}
        members["time"] = (moment or datetime.now(UTC)).isoformat(timespec="microseconds")
        return _canonical.encode(members).encode()
