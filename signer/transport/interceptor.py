"""Wraps every RPC of ours: request id, identity, the gate, deadline, error to status, refusals on record, metrics.

One wrapper instead of five: on the way of a call of a millisecond each layer shows.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NoReturn

import grpc
from google.rpc import status_pb2
from grpc_status import rpc_status

from monitoring import json_log, metrics
from signer.audit import Log
from signer.authz import Actor
from signer.deadline import Deadline
from signer.errors import SignerError
from signer.services.call import Call, current_call
from signer.signing.signer import refusal_entry
from signer.transport.gate import Gate
from signer.transport.identity import Identify
from signer.transport.overload_record import SUMMED_UP, OverloadRecord
from signer.transport.status_table import to_status

_log = logging.getLogger(__name__)
_OUR_PACKAGE = "/signer.v1."
# What a call may take at the most, whatever deadline the client sets; streams carry many documents.
_LONGEST_CALL_S = 120.0
_LONGEST_STREAM_S = 3600.0
_BATCHES = frozenset({"SigningService/SignBatch", "SigningService/VerifyBatch"})
_CODE_NAMES: dict[int, str] = {code.value[0]: code.name for code in grpc.StatusCode}


class CallInterceptor(grpc.ServerInterceptor):
    """Applies to the services of the contract; health and reflection pass, they need only a trusted certificate."""

    def __init__(self, gate: Gate, identify: Identify, log: Log) -> None:
        """`identify`: who calls, in the way of the one listener that this is for."""
        self._gate = gate
        self._identify = identify
        self._log = log
        self._overloads = OverloadRecord(log)
        self._wrapped: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        self._lock = threading.Lock()

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """The handler with everything around it; made once for each method."""
        method = handler_call_details.method
        if not method.startswith(_OUR_PACKAGE):
            return continuation(handler_call_details)
        wrapped = self._wrapped.get(method)
        if wrapped is not None:
            return wrapped
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        rpc = method.removeprefix(_OUR_PACKAGE)
        with self._lock:
            self._wrapped[method] = self._wrap(handler, rpc)
            return self._wrapped[method]

    def _wrap(self, handler: grpc.RpcMethodHandler[Any, Any], rpc: str) -> grpc.RpcMethodHandler[Any, Any]:
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(
                self._unary(handler.unary_unary, rpc), handler.request_deserializer, handler.response_serializer
            )
        assert handler.stream_stream is not None, f"{rpc}: this kind of RPC is not wrapped yet"
        return grpc.stream_stream_rpc_method_handler(
            self._stream(handler.stream_stream, rpc), handler.request_deserializer, handler.response_serializer
        )

    def _unary(self, inner: Callable[..., Any], rpc: str) -> Callable[[Any, grpc.ServicerContext], Any]:
        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            with _Measured(rpc) as measured:
                try:
                    call = self._open(rpc, context, _LONGEST_CALL_S)
                    items = len(request.requests) if rpc in _BATCHES else 1
                    with self._gate.unary(call.actor, call.deadline, items):
                        answered = inner(request, context)
                except Exception as problem:  # noqa: BLE001 - the boundary: every exception becomes a status
                    status = self._refuse(rpc, problem)
                else:
                    return answered
                measured.status = _CODE_NAMES[status.code]
            _abort(context, status)

        return answer

    def _stream(
        self, inner: Callable[..., Iterator[Any]], rpc: str
    ) -> Callable[[Iterator[Any], grpc.ServicerContext], Iterator[Any]]:
        def answer(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
            with _Measured(rpc) as measured:
                try:
                    call = self._open(rpc, context, _LONGEST_STREAM_S)
                    with self._gate.stream(call.actor, call.deadline) as turn:
                        current_call.set(replace(call, turn=turn))
                        yield from inner(requests, context)
                except Exception as problem:  # noqa: BLE001 - the boundary: every exception becomes a status
                    status = self._refuse(rpc, problem)
                else:
                    return
                measured.status = _CODE_NAMES[status.code]
            _abort(context, status)

        return answer

    def _open(self, rpc: str, context: grpc.ServicerContext, longest: float) -> Call:
        request_id = secrets.token_hex(8)
        json_log.request_id.set(request_id)
        current_call.set(Call(Actor("", rpc, request_id), Deadline.after(longest)))
        caller = self._identify(context)
        left: float | None = context.time_remaining()  # None where the client set no deadline, whatever the stubs say
        call = Call(
            Actor(caller.name, rpc, request_id, caller.address),
            Deadline.after(longest if left is None else min(left, longest)),
        )
        current_call.set(call)
        call.deadline.remaining()
        return call

    def _refuse(self, rpc: str, problem: Exception) -> status_pb2.Status:
        status = to_status(problem)
        reason = problem.reason.value if hasattr(problem, "reason") else "internal"
        metrics.refusals.labels(reason).inc()
        call = current_call.get()
        if reason in SUMMED_UP:
            # As many as there are in a flood: an entry each would be the flood's second victim.
            metrics.labelled(metrics.overload_refusals, call.actor.client, reason).inc()
            self._overloads.note(call.actor, reason)
            return status
        _log.info("refused", extra={"fields": {"rpc": rpc, "client": call.actor.client, "reason": reason}})
        if hasattr(problem, "reason"):
            try:
                self._log.append([refusal_entry(call.actor, problem)], Deadline.after(2))  # type: ignore[arg-type]  # duck-typed errors
            except SignerError:
                # The refusal stands even if it can't be recorded: nothing is released by it.
                _log.warning("a refusal could not be recorded")
        return status


class _Measured:
    """Counts and times one RPC."""

    def __init__(self, rpc: str) -> None:
        self._rpc = rpc
        self._started = time.monotonic()
        self.status = "OK"

    def __enter__(self) -> _Measured:
        metrics.labelled(metrics.requests_in_flight, self._rpc).inc()
        return self

    def __exit__(self, *_: object) -> None:
        metrics.labelled(metrics.requests_in_flight, self._rpc).dec()
        metrics.labelled(metrics.requests, self._rpc, self.status).inc()
        metrics.labelled(metrics.request_seconds, self._rpc).observe(time.monotonic() - self._started)


def _abort(context: grpc.ServicerContext, status: status_pb2.Status) -> NoReturn:
    context.abort_with_status(rpc_status.to_status(status))
    raise AssertionError("abort_with_status returned")
