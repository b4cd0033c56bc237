"""What opens strangers' PDFs for the use cases here: the inspector's process, behind a protocol."""

from __future__ import annotations

from typing import Protocol

from signer.pades.inspection import InspectionReport
from signer.pades.stranger_plan import PreparedStranger, StrangerPlan


class StrangerPdfs(Protocol):
    """Prepares and judges; `signer.pades.inspector` is one."""

    def prepare(self, pdf: bytes, plan: StrangerPlan, *, timeout: float) -> PreparedStranger:
        """A PDF with one more update. Raises UnsafeToSeal, ApplianceError, RequestError."""
        ...

    def inspect(self, pdf: bytes, *, timeout: float | None = None) -> InspectionReport:
        """The report on a file. Raises ApplianceError, RequestError."""
        ...
