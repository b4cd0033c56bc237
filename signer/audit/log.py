"""What the rest of the appliance sees of the log: append entries, get receipts once they are durable.

A receipt names log, index and entry; its proof comes with the next checkpoint (`receipt`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from signer.deadline import Deadline


@dataclass(frozen=True)
class Receipt:
    """Says that `entry` is durable at place `index` (from 0) of the log `log_id`."""

    log_id: str
    index: int
    entry: bytes


class Log(Protocol):
    """An append-only log."""

    def append(self, entries: Sequence[bytes], deadline: Deadline) -> list[Receipt]:
        """Makes all entries durable, in order and next to each other, before it returns.

        Raises:
            ApplianceError: LOG_UNAVAILABLE; whatever was to be released must not be.
            RequestError: DEADLINE_EXCEEDED.
        """
        ...
