"""A point in time by which a request must be answered, handed down to everything that can wait.

Not for retention periods or validity of certificates: those are calendar times.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from signer.errors import Reason, RequestError


@dataclass(frozen=True)
class Deadline:
    """Seconds on the monotonic clock after which the caller no longer waits."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Seconds left, at least 0.

        Raises:
            RequestError: DEADLINE_EXCEEDED when nothing is left; a step that the caller can't see the end of is not begun.
        """
        left = self.at - time.monotonic()
        if left <= 0:
            raise RequestError(
                Reason.DEADLINE_EXCEEDED, "the deadline passed before the work was done", "Allow more time."
            )
        return left
