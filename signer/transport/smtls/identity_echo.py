"""What a worker offers the front's self-test on its inner listener: it answers who it takes the caller for,
and where it takes the call to come from.

Reads the identity by the same function and from the same place as every call of the contract. Answers reserved names only, which
no certificate from outside can bear: to a real client this service doesn't exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc

from signer.errors import AccessError
from signer.transport.identity import RESERVED_PREFIX, inner_caller
from signer.transport.smtls.inner import ASK_MANY, ASK_ONE, caller_answer


class IdentityEcho(grpc.GenericRpcHandler):
    """One unary and one streaming method; requests' bytes are ignored, answers are `caller_answer`."""

    def __init__(self) -> None:
        self._one: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(_answer)
        self._many: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(_answer_each)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """By the method's path."""
        return {ASK_ONE: self._one, ASK_MANY: self._many}.get(handler_call_details.method)


def _answer(_request: bytes, context: grpc.ServicerContext) -> bytes:
    try:
        caller = inner_caller(context)
    except AccessError as problem:
        context.abort(grpc.StatusCode.UNAUTHENTICATED, problem.message)
    if not caller.name.startswith(RESERVED_PREFIX):
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
    return caller_answer(caller.name, caller.address)


def _answer_each(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
    for request in requests:
        yield _answer(request, context)
