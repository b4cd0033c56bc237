"""The one table from reason codes to gRPC statuses, and the rich status that carries reason, remedy and field violations.

Whatever is not one of our own errors becomes INTERNAL with the request's id and no text of its own.
"""

from __future__ import annotations

import logging

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from hsm.errors import HsmError
from monitoring import json_log
from policy_render.errors import RenderError
from signer.errors import SignerError
from signer.transport.reasons import RETRY_SOON, STATUS_OF_REASON

_log = logging.getLogger(__name__)
_DOMAIN = "signer"


def status_code(problem: Exception) -> grpc.StatusCode:
    """The gRPC status of an error; INTERNAL for one that isn't ours."""
    if isinstance(problem, SignerError | HsmError | RenderError):
        return STATUS_OF_REASON[problem.reason.value]
    return grpc.StatusCode.INTERNAL


def wire_reason(reason: str) -> str:
    """A reason as google.rpc.ErrorInfo wants it: "key-unknown" becomes "KEY_UNKNOWN"."""
    return reason.upper().replace("-", "_")


def to_status(problem: Exception) -> status_pb2.Status:
    """The rich status of an error: ErrorInfo always, BadRequest where data is at fault, RetryInfo where waiting helps."""
    request_id = json_log.request_id.get()
    if not isinstance(problem, SignerError | HsmError | RenderError):
        _log.error("unexpected error", exc_info=problem)
        return _status(
            grpc.StatusCode.INTERNAL,
            f"internal error; the server's log explains it under request_id {request_id}",
            error_details_pb2.ErrorInfo(reason="INTERNAL", domain=_DOMAIN, metadata={"request_id": request_id}),
        )
    reason = problem.reason.value
    metadata = {"remedy": problem.remedy, "request_id": request_id}
    details: list[error_details_pb2.ErrorInfo | error_details_pb2.BadRequest | error_details_pb2.RetryInfo] = [
        error_details_pb2.ErrorInfo(
            reason=wire_reason(reason),
            domain=_DOMAIN,
            metadata={name: value for name, value in metadata.items() if value},
        )
    ]
    violations = getattr(problem, "violations", ())
    if violations:
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(field=item.field, description=item.description)
                    for item in violations
                ]
            )
        )
    delay = getattr(problem, "retry_after", None)
    if delay is None and reason in RETRY_SOON:
        delay = 1.0
    if delay is not None:
        wait = duration_pb2.Duration()
        wait.FromNanoseconds(max(1_000_000, int(delay * 1e9)))
        details.append(error_details_pb2.RetryInfo(retry_delay=wait))
    text = problem.message + (f". {problem.remedy}" if problem.remedy else "")
    return _status(STATUS_OF_REASON[reason], text, *details)


def _status(
    code: grpc.StatusCode,
    message: str,
    *details: error_details_pb2.ErrorInfo | error_details_pb2.BadRequest | error_details_pb2.RetryInfo,
) -> status_pb2.Status:
    number: int = code.value[0]
    packed = []
    for detail in details:
        item = any_pb2.Any()
        item.Pack(detail)
        packed.append(item)
    return status_pb2.Status(code=number, message=message, details=packed)
