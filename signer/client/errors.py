"""What the appliance answered instead of a result: gRPC status, reason code, remedy, field violations."""

from __future__ import annotations

from typing import cast

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status


class RemoteError(Exception):
    """An RPC that failed. `reason` is "" where the server gave none (TLS refused, not reachable).

    `retry_after`: seconds after which the server says that the same call may succeed; None where it says nothing.
    """

    def __init__(
        self,
        status: str,
        message: str,
        reason: str = "",
        violations: tuple[tuple[str, str], ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{status}{f' ({reason})' if reason else ''}: {message}")
        self.status = status
        self.message = message
        self.reason = reason
        self.violations = violations
        self.retry_after = retry_after

    @classmethod
    def from_rpc_error(cls, problem: grpc.RpcError, address: str, why: str = "") -> RemoteError:
        """Reads the rich status where there is one. `why`: what is known beside gRPC about a connection that failed."""
        call = cast(grpc.Call, problem)  # every error that a stub raises is also the call that it ended
        code = call.code()
        rich = rpc_status.from_call(call)
        if rich is not None:
            return cls.from_status(rich)
        text = call.details() or ""
        if code is grpc.StatusCode.UNAVAILABLE:
            text = (
                f"{address} can't be reached over mutual TLS ({why or text}); is the appliance running there, and does it trust "
                "this client certificate?"
            )
        return cls(code.name, text)

    @classmethod
    def from_status(cls, status: status_pb2.Status) -> RemoteError:
        """From a google.rpc.Status, e.g. of one item of a batch."""
        reason = ""
        retry_after: float | None = None
        violations: tuple[tuple[str, str], ...] = ()
        for detail in status.details:
            info = error_details_pb2.ErrorInfo()
            bad = error_details_pb2.BadRequest()
            retry = error_details_pb2.RetryInfo()
            if detail.Unpack(info):
                reason = info.reason
            elif detail.Unpack(retry):
                retry_after = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
            elif detail.Unpack(bad):
                violations = tuple((item.field, item.description) for item in bad.field_violations)
        names = {code.value[0]: code.name for code in grpc.StatusCode}
        return cls(names.get(status.code, str(status.code)), status.message, reason, violations, retry_after)
