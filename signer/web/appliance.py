"""The portal's way to the appliance: VerifyDocument over mutual TLS, a bounded number of calls at once. Asks for nothing else."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from signer.client import ClientProfile, Connection, RemoteError
from signer.v1 import document_pb2 as wire
from signer.web.portal_config import PortalLimits
from signer.web.refusal import Refusal, busy, too_large, unavailable

_log = logging.getLogger(__name__)
_TURN_S = 10.0


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
        try:
            async with asyncio.timeout(_TURN_S):
                await self._turns.acquire()
        except TimeoutError:
            raise busy() from None
        call = asyncio.get_running_loop().run_in_executor(self._threads, self._call, pdf)
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

    def _call(self, pdf: bytes) -> wire.VerifyDocumentResponse:
        request = wire.VerifyDocumentRequest(pdf=pdf)
        return self._connection.call(self._connection.documents.VerifyDocument, request)


def _refusal(problem: RemoteError) -> Refusal:
    if problem.status == "RESOURCE_EXHAUSTED":
        return busy(max(1, round(problem.retry_after or 5)))
    if problem.reason == "TOO_LARGE":
        return too_large()
    # Its own messages are safe to show, yet they are for us: a grant that is missing is nothing to a policyholder.
    fields = {"status": problem.status, "reason": problem.reason, "message": problem.message}
    _log.error("the appliance can't verify for the portal", extra={"fields": fields})
    return unavailable()
