"""The worker's side of the inspector: hands a stranger's PDF over and reads the report. Opens no PDF itself."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from isolation.errors import FrameTooLarge, PeerClosed, PoolTimeout, PoolUnavailable
from isolation.pool import call_pool
from monitoring import metrics
from signer.errors import ApplianceError, Reason, RequestError
from signer.findings import FindingCode, finding
from signer.pades.evidence import Integrity
from signer.pades.inspection import MAX_REPORT_BYTES, InspectionReport, ReportMalformed
from signer.pades.inspector_task import Task, TextPlace, places_from_json, write_task
from signer.pades.stranger_plan import (
    MAX_APPENDED_BYTES,
    PreparedStranger,
    StrangerPlan,
    Unsafe,
    UnsafeToSeal,
    read_answer,
)

# A file that ends its process sooner than this is asked about once more: the pool may just have been restarted.
_ASK_AGAIN_WITHIN_S = 2.0
_MAX_ANSWER_BYTES = max(MAX_REPORT_BYTES, MAX_APPENDED_BYTES)


class Limit(StrEnum):
    """What ended an inspection; label values of metrics. PROCESS: its own limits, or a crash."""

    WAITING = "waiting"
    PROCESS = "process"
    REPORT = "report"


@dataclass(frozen=True)
class InspectorConfig:
    """`socket`: where the pool listens. `timeout`: seconds for one file, waiting included; more than the pool's own."""

    socket: Path
    timeout: float


class Inspector:
    """Asks the inspector pool. Any number of threads may use one object."""

    def __init__(self, config: InspectorConfig) -> None:
        self._config = config

    @classmethod
    def from_config(cls, config: InspectorConfig) -> Inspector:
        """Nothing is opened yet: each file has a connection of its own."""
        return cls(config)

    def inspect(self, pdf: bytes, *, timeout: float | None = None) -> InspectionReport:
        """The report on a file; UNREADABLE with the finding inspection-limit where its process did not survive it.

        Raises:
            ApplianceError: INSPECTOR_UNAVAILABLE, OVERLOADED.
            RequestError: DEADLINE_EXCEEDED, when the caller's `timeout` (seconds) passed before ours.
        """
        with metrics.inspector_queue.track_inprogress(), metrics.inspection_seconds.time():
            try:
                return InspectionReport.from_json(self._ask(write_task(Task.INSPECT, "", pdf), timeout), pdf)
            except PeerClosed:
                return _limit_hit(Limit.PROCESS)
            except (FrameTooLarge, ReportMalformed):
                return _limit_hit(Limit.REPORT)

    def find_text(self, pdf: bytes, text: str, *, timeout: float) -> list[TextPlace]:
        """Where a text stands in a PDF, page by page.

        Raises:
            ApplianceError: INSPECTOR_UNAVAILABLE, OVERLOADED.
            RequestError: DEADLINE_EXCEEDED; DOCUMENT_UNSAFE_TO_SEAL, when its text can't be read.
        """
        try:
            return places_from_json(self._ask(write_task(Task.FIND_TEXT, text, pdf), timeout))
        except (PeerClosed, FrameTooLarge, ValueError):
            raise RequestError(
                Reason.DOCUMENT_UNSAFE_TO_SEAL, "the document's text can't be read", "Give the seal's place as a box."
            ) from None

    def prepare(self, pdf: bytes, plan: StrangerPlan, *, timeout: float) -> PreparedStranger:
        """A stranger's PDF with one more update.

        Raises:
            UnsafeToSeal: it is refused, says why.
            ApplianceError: INSPECTOR_UNAVAILABLE, OVERLOADED.
            RequestError: DEADLINE_EXCEEDED.
        """
        try:
            return read_answer(self._ask(write_task(Task.PREPARE, plan.to_json(), pdf), timeout), pdf)
        except (PeerClosed, FrameTooLarge, ValueError):
            raise UnsafeToSeal(Unsafe.DAMAGED) from None

    def _ask(self, request: bytes, timeout: float | None) -> bytes:
        allowed = self._config.timeout if timeout is None else min(timeout, self._config.timeout)
        try:
            return self._ask_pool(request, allowed)
        except PoolUnavailable:
            raise ApplianceError(
                Reason.INSPECTOR_UNAVAILABLE, "documents can't be inspected now", "Try again in a moment."
            ) from None
        except PoolTimeout:
            metrics.inspection_limits_hit.labels(Limit.WAITING.value).inc()
            raise self._too_late(allowed) from None

    def _ask_pool(self, request: bytes, allowed: float) -> bytes:
        started = time.monotonic()
        try:
            return call_pool(self._config.socket, request, timeout=allowed, limit=_MAX_ANSWER_BYTES, again=False)
        except PeerClosed:
            spent = time.monotonic() - started
            if spent > _ASK_AGAIN_WITHIN_S or spent >= allowed:
                raise
            left = allowed - spent
            return call_pool(self._config.socket, request, timeout=left, limit=_MAX_ANSWER_BYTES, again=False)

    def _too_late(self, allowed: float) -> ApplianceError | RequestError:
        if allowed < self._config.timeout:
            return RequestError(
                Reason.DEADLINE_EXCEEDED, "the deadline passed before the work was done", "Allow more time."
            )
        return ApplianceError(Reason.OVERLOADED, "too many documents wait to be inspected", "Try again in a moment.")


def _limit_hit(limit: Limit) -> InspectionReport:
    metrics.inspection_limits_hit.labels(limit.value).inc()
    return InspectionReport(Integrity.UNREADABLE, None, (finding(FindingCode.INSPECTION_LIMIT),))
