"""Which gRPC status each reason code becomes. A test holds that every reason of every package stands here."""

from __future__ import annotations

from grpc import StatusCode

_BY_STATUS: dict[StatusCode, tuple[str, ...]] = {
    StatusCode.INVALID_ARGUMENT: (
        "input-missing",
        "input-ambiguous",
        "input-malformed",
        "digest-length",
        "sm2-id-invalid",
        "batch-too-large",
        "batch-empty",
        "page-token-invalid",
        "signature-malformed",
        "public-key-malformed",
        "certificate-malformed",
        "cms-malformed",
        "data-malformed",
        "data-invalid",
        "issue-id-invalid",
        "seal-invalid",
        "seal-place-off-page",
        "seal-keyword-not-found",
        "document-unsafe-to-seal",
        "algorithm-not-allowed",
        "algorithm-unknown",
        "signature-wrong",
        "content-modified",
        "path-not-trusted",
        "cosignature-wrong",
        "character-not-printable",
    ),
    StatusCode.NOT_FOUND: ("log-unknown", "key-unknown", "key-version-unknown", "template-unknown", "document-unknown"),
    StatusCode.FAILED_PRECONDITION: ("key-purpose", "key-not-active", "hsm-mechanism-unsupported", "log-archived"),
    StatusCode.ALREADY_EXISTS: ("issue-id-reused",),
    StatusCode.ABORTED: ("issue-in-progress",),
    StatusCode.UNIMPLEMENTED: ("not-supported",),
    StatusCode.RESOURCE_EXHAUSTED: ("too-large", "overloaded", "rate-exceeded"),
    StatusCode.DEADLINE_EXCEEDED: ("deadline-exceeded", "renderer-timeout"),
    StatusCode.UNAUTHENTICATED: ("client-unidentified",),
    StatusCode.PERMISSION_DENIED: ("client-unknown", "grant-missing"),
    StatusCode.UNAVAILABLE: (
        "log-unavailable",
        "clock-not-trusted",
        "log-behind",
        "database-unavailable",
        "storage-unavailable",
        "inspector-unavailable",
        "timestamp-unavailable",
        "revocation-unavailable",
        "collector-unavailable",
        "renderer-unavailable",
        "hsm-unavailable",
        "hsm-busy",
        "hsm-pin-incorrect",
        "hsm-pin-refused-before",
        "hsm-pin-locked",
        "hsm-pin-missing",
    ),
    StatusCode.INTERNAL: (
        "own-signature-wrong",
        "log-proof-wrong",
        "checkpoint-wrong",
        "log-damaged",
        "log-forked",
        "log-rolled-back",
        "timestamp-wrong",
        "layout-unknown",
        "storage-corrupted",
        "configuration-invalid",
        "grants-invalid",
        "port-in-use",
        "start-failed",
        "template-altered",
        "template-unfit",
        "picture-unfit",
        "font-missing",
        "rendering-failed",
        "hsm-key-missing",
        "hsm-key-unusable",
        "hsm-request-refused",
        "hsm-result-malformed",
        "hsm-configuration",
    ),
}

STATUS_OF_REASON: dict[str, StatusCode] = {
    reason: status for status, reasons in _BY_STATUS.items() for reason in reasons
}

# Reasons where the same request may succeed in a moment.
RETRY_SOON = frozenset(
    {
        "issue-in-progress",
        "overloaded",
        "log-unavailable",
        "clock-not-trusted",
        "log-behind",
        "database-unavailable",
        "inspector-unavailable",
        "renderer-unavailable",
        "hsm-unavailable",
        "hsm-busy",
    }
)
