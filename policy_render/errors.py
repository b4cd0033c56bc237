"""RenderError, the root of this package's errors; of the same shape as the other packages' errors. Never quotes data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Stable reason codes of this package."""

    TEMPLATE_UNKNOWN = "template-unknown"
    TEMPLATE_ALTERED = "template-altered"
    TEMPLATE_UNFIT = "template-unfit"
    DATA_MALFORMED = "data-malformed"
    DATA_INVALID = "data-invalid"
    CHARACTER_NOT_PRINTABLE = "character-not-printable"
    FONT_MISSING = "font-missing"
    PICTURE_UNFIT = "picture-unfit"
    RENDERER_UNAVAILABLE = "renderer-unavailable"
    RENDERER_TIMEOUT = "renderer-timeout"
    RENDERING_FAILED = "rendering-failed"


@dataclass(frozen=True)
class Violation:
    """One fault in the data: `field` is a JSON path such as "$.coverages[2].premium"; `description` holds no value."""

    field: str
    description: str


class RenderError(Exception):
    """Root of all errors of the policy_render package."""

    def __init__(
        self, reason: Reason, message: str, remedy: str = "", *, violations: tuple[Violation, ...] = ()
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.remedy = remedy
        self.violations = violations

    def __str__(self) -> str:
        return f"{self.message} [{self.reason.value}] {self.remedy}".rstrip()
