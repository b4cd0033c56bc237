"""When a failed call may be made again: only where the server's answer, or the kind of call, says that this is safe.

Not a way round an overloaded appliance: the delay that it asks for is kept, and the caller's deadline spans all attempts.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from signer.client.errors import RemoteError
from signer.v1 import document_pb2, signing_pb2

# Asking again has no effect that the first time hasn't: questions, and issues, which an issue_id makes one.
_REPEATABLE = (
    document_pb2.GetTemplateRequest,
    document_pb2.IssueDocumentRequest,
    document_pb2.ListTemplatesRequest,
    document_pb2.RenderDocumentRequest,
    document_pb2.VerifyDocumentRequest,
    signing_pb2.ListKeysRequest,
    signing_pb2.VerifyBatchRequest,
    signing_pb2.VerifyMessageRequest,
    signing_pb2.VerifyRequest,
)
# With these and a delay, the server says: nothing was done, try again then.
_NOTHING_DONE = frozenset({"UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED"})


@dataclass(frozen=True)
class RetryPolicy:
    """`attempts`: in all. Seconds: of waits that the server didn't set; each is doubled and varied at random."""

    attempts: int = 4
    first_wait: float = 0.1
    longest_wait: float = 5.0

    def wait_after(self, problem: RemoteError, request: Any, attempt: int) -> float | None:
        """Seconds until the next attempt, None where there must be none. `attempt`: which one failed, from 1."""
        if attempt >= self.attempts:
            return None
        if problem.retry_after is not None and problem.status in _NOTHING_DONE:
            # not all at the same moment: up to half as long again
            return problem.retry_after * random.uniform(1.0, 1.5)  # noqa: S311 - spreads load, keeps no secret
        # The connection broke, before or after the call's effect: nobody says which.
        if problem.status == "UNAVAILABLE" and not problem.reason and isinstance(request, _REPEATABLE):
            longest: float = min(self.longest_wait, self.first_wait * 2 ** (attempt - 1))
            return longest * random.uniform(0.5, 1.0)  # noqa: S311 - as above
        return None
