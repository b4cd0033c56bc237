"""The portal's way to the appliance: VerifyDocument and Timestamp over mutual TLS, a bounded number of calls at once; nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from signer.client import ClientProfile, Connection, RemoteError
from signer.v1 import document_pb2 as wire
from signer.v1 import timestamp_pb2
from signer.web.portal_config import PortalLimits
from signer.web.refusal import Refusal, busy, too_large, unavailable

_log = logging.getLogger(__name__)
_TURN_S = 10.0
Answer = TypeVar("Answer")


class Appliance:
    """One connection, shared by all uploads."""

    def __init__(self, profile: ClientProfile, limits: PortalLimits) -> None:
        """Raises ProfileError."""
        self._connection = Connection(profile, timeout=limits.verification_seconds)
        self._threads = ThreadPoolExecutor(limits.verifications, thread_name_prefix="verify")
        self._turns = asyncio.Semaphore(limits.verifications)

    async def verify(self, pdf: bytes) -> wire.VerifyDocumentResponse:
        """The answer on a file.

        Raises:
            Refusal: busy, unavailable.
        """
        return await self._in_turn(self._verify, pdf)

    async def stamp(self, query: bytes) -> bytes:
        """TimeStampResp for a TimeStampReq, DER.

        Raises:
            Refusal: busy, unavailable.
        """
        return await self._in_turn(self._stamp, query)

    async def _in_turn(self, ask: Callable[[bytes], Answer], content: bytes) -> Answer:
        try:
            async with asyncio.timeout(_TURN_S):
                await self._turns.acquire()
        except TimeoutError:
            raise busy() from None
        call = asyncio.get_running_loop().run_in_executor(self._threads, ask, content)
        # The turn is over when the call is, even where nobody waits for it any more.
        call.add_done_callback(lambda _: self._turns.release())
        try:
            return await asyncio.shield(call)
        except RemoteError as problem:
            raise _refusal(problem) from None

    def close(self) -> None:
        """Calls under way are given up."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._connection.close()

    def _verify(self, pdf: bytes) -> wire.VerifyDocumentResponse:
        request = wire.VerifyDocumentRequest(pdf=pdf)
        return self._connection.call(self._connection.documents.VerifyDocument, request)

    def _stamp(self, query: bytes) -> bytes:
        request = timestamp_pb2.TimestampRequest(request=query)
        return self._connection.call(self._connection.timestamps.Timestamp, request).response


def _refusal(problem: RemoteError) -> Refusal:
    if problem.status == "RESOURCE_EXHAUSTED":
        return busy(max(1, round(problem.retry_after or 5)))
    if problem.reason == "TOO_LARGE":
        return too_large()
    # Its own messages are safe to show, yet they are for us: a grant that is missing is nothing to a policyholder.
    fields = {"status": problem.status, "reason": problem.reason, "message": problem.message}
    _log.error("the appliance can't verify for the portal", extra={"fields": fields})
    return unavailable()
