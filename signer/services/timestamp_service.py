"""TimestampService: hands requests to our own authority as they are."""

from __future__ import annotations

import grpc

from signer.documents.timestamp_authority import TimestampAuthority
from signer.errors import Reason, RequestError
from signer.services.call import current_call
from signer.v1 import timestamp_pb2 as wire
from signer.v1.timestamp_pb2_grpc import TimestampServiceServicer


class TimestampServicer(TimestampServiceServicer):
    """Answers the RPC of TimestampService."""

    def __init__(self, authority: TimestampAuthority | None) -> None:
        """None: this appliance is no timestamp authority."""
        self._authority = authority

    def Timestamp(self, request: wire.TimestampRequest, context: grpc.ServicerContext) -> wire.TimestampResponse:
        """A token, or a refusal."""
        if self._authority is None:
            raise RequestError(
                Reason.NOT_SUPPORTED, "this appliance is no timestamp authority", "Configure [timestamps] keys."
            )
        call = current_call.get()
        return wire.TimestampResponse(response=self._authority.answer(call.actor, request.request, call.deadline))
