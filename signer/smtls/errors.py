"""The errors of this room: reason code, message that is safe to show, remedy. The shape of every error root of the project."""

from __future__ import annotations

from enum import StrEnum


class SmTlsReason(StrEnum):
    """Stable codes; they are also the label values of the metric `signer_public_handshakes`."""

    LIBRARY_UNFIT = "library-unfit"
    CREDENTIALS_UNUSABLE = "credentials-unusable"
    # what ends a handshake
    TIMEOUT = "handshake-timeout"
    PEER_CLOSED = "peer-closed"
    PROTOCOL = "protocol"
    NO_ALPN = "no-alpn"
    NO_CERTIFICATE = "no-certificate"
    AUTHORITY_UNKNOWN = "authority-unknown"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NOT_YET_VALID = "certificate-not-yet-valid"
    CERTIFICATE_USAGE = "certificate-usage"
    CERTIFICATE_SIGNATURE = "certificate-signature"
    CERTIFICATE_NAME = "certificate-name"
    CERTIFICATE_INVALID = "certificate-invalid"
    NOT_SM2 = "not-sm2"
    REVOKED = "revoked"
    REVOCATION_UNKNOWN = "revocation-unknown"
    REFUSED_BY_PEER = "refused-by-peer"
    UNREACHABLE = "unreachable"


class SmTlsError(Exception):
    """Root of this room's errors."""

    def __init__(self, reason: SmTlsReason, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} [{self.reason.value}]" + (f" {self.remedy}" if self.remedy else "")
