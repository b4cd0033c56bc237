"""The one error hierarchy of the signer package, and what every error carries.

An error has a stable `reason` for programs, a `message` that is safe to show to the caller (no secrets, no personal data,
no server paths) and a `remedy` that says what to do next. `signer.transport.status_table` maps reasons to gRPC statuses.
Not for findings: what a verification found out about somebody's signature is an answer (`signer.findings`), not an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Stable reason codes; they travel in google.rpc.ErrorInfo and are part of the public API."""

    # the request
    INPUT_MISSING = "input-missing"
    INPUT_AMBIGUOUS = "input-ambiguous"
    INPUT_MALFORMED = "input-malformed"
    DIGEST_LENGTH = "digest-length"
    SM2_ID_INVALID = "sm2-id-invalid"
    BATCH_TOO_LARGE = "batch-too-large"
    BATCH_EMPTY = "batch-empty"
    PAGE_TOKEN_INVALID = "page-token-invalid"  # noqa: S105 - the name of a field, not a credential
    SIGNATURE_MALFORMED = "signature-malformed"
    PUBLIC_KEY_MALFORMED = "public-key-malformed"
    CERTIFICATE_MALFORMED = "certificate-malformed"
    CMS_MALFORMED = "cms-malformed"
    DATA_MALFORMED = "data-malformed"
    DATA_INVALID = "data-invalid"
    ISSUE_ID_INVALID = "issue-id-invalid"
    ISSUE_ID_REUSED = "issue-id-reused"
    ISSUE_IN_PROGRESS = "issue-in-progress"
    SEAL_INVALID = "seal-invalid"
    SEAL_PLACE_OFF_PAGE = "seal-place-off-page"
    SEAL_KEYWORD_NOT_FOUND = "seal-keyword-not-found"
    DOCUMENT_UNSAFE_TO_SEAL = "document-unsafe-to-seal"
    NOT_SUPPORTED = "not-supported"
    TOO_LARGE = "too-large"
    DEADLINE_EXCEEDED = "deadline-exceeded"
    # keys and who may use them
    KEY_UNKNOWN = "key-unknown"
    KEY_VERSION_UNKNOWN = "key-version-unknown"
    KEY_PURPOSE = "key-purpose"
    KEY_NOT_ACTIVE = "key-not-active"
    ALGORITHM_NOT_ALLOWED = "algorithm-not-allowed"
    ALGORITHM_UNKNOWN = "algorithm-unknown"
    CLIENT_UNIDENTIFIED = "client-unidentified"
    CLIENT_UNKNOWN = "client-unknown"
    GRANT_MISSING = "grant-missing"
    RATE_EXCEEDED = "rate-exceeded"
    DOCUMENT_UNKNOWN = "document-unknown"
    TEMPLATE_UNKNOWN = "template-unknown"
    # the appliance
    LOG_UNAVAILABLE = "log-unavailable"
    CLOCK_NOT_TRUSTED = "clock-not-trusted"
    DATABASE_UNAVAILABLE = "database-unavailable"
    STORAGE_UNAVAILABLE = "storage-unavailable"
    STORAGE_CORRUPTED = "storage-corrupted"
    REVOCATION_UNAVAILABLE = "revocation-unavailable"
    INSPECTOR_UNAVAILABLE = "inspector-unavailable"
    OVERLOADED = "overloaded"
    OWN_SIGNATURE_WRONG = "own-signature-wrong"
    LAYOUT_UNKNOWN = "layout-unknown"
    CONFIGURATION_INVALID = "configuration-invalid"
    GRANTS_INVALID = "grants-invalid"
    PORT_IN_USE = "port-in-use"
    START_FAILED = "start-failed"
    # verification: raised by verify functions, turned into findings by services
    SIGNATURE_WRONG = "signature-wrong"
    CONTENT_MODIFIED = "content-modified"
    LOG_PROOF_WRONG = "log-proof-wrong"
    CHECKPOINT_WRONG = "checkpoint-wrong"
    LOG_DAMAGED = "log-damaged"
    LOG_BEHIND = "log-behind"
    LOG_UNKNOWN = "log-unknown"
    LOG_FORKED = "log-forked"
    LOG_ROLLED_BACK = "log-rolled-back"
    LOG_ARCHIVED = "log-archived"
    COSIGNATURE_WRONG = "cosignature-wrong"
    TIMESTAMP_WRONG = "timestamp-wrong"
    TIMESTAMP_UNAVAILABLE = "timestamp-unavailable"
    COLLECTOR_UNAVAILABLE = "collector-unavailable"
    PATH_NOT_TRUSTED = "path-not-trusted"


@dataclass(frozen=True)
class FieldViolation:
    """One fault in caller's data: `field` is a JSON path ("$.vehicle.plate") or a request field, `description` in English."""

    field: str
    description: str


class SignerError(Exception):
    """Root of all errors that the signer package raises on purpose. `retry_after`: seconds after which it may be gone."""

    def __init__(
        self,
        reason: Reason,
        message: str,
        remedy: str = "",
        *,
        violations: tuple[FieldViolation, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.reason = reason
        self.message = message
        self.remedy = remedy
        self.violations = violations

    def __str__(self) -> str:
        return f"{self.message} [{self.reason.value}]" + (f" {self.remedy}" if self.remedy else "")


class RequestError(SignerError):
    """The caller's request can't be served as it stands."""


class AccessError(SignerError):
    """The caller is not who it must be, or has no grant."""


class ApplianceError(SignerError):
    """Something of the appliance's own (log, database, storage, own result) stops the request."""


class ConfigurationError(SignerError):
    """Configuration, grants or state at start can't be used."""


class VerificationError(SignerError):
    """A verification did not succeed; carries the finding's code so that services can answer with it."""

    def __init__(self, reason: Reason, finding_code: str, message: str) -> None:
        super().__init__(reason, message)
        self.finding_code = finding_code
