"""A worker of the appliance in every respect, its start, sandbox and metrics too, but for the log, which keeps nothing.

    python -m tests.bench.unlogged_worker …   (arguments of signer.app.worker)

What it answers at the same load, against a worker with its log, is what the log costs. Not a part of the product.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from signer.app import composition, worker
from signer.audit.log import Receipt
from signer.deadline import Deadline


class UnloggedLog:
    """Stands in for the log: gives receipts, keeps nothing."""

    @classmethod
    def from_config(cls, _config: object) -> UnloggedLog:
        """As `LogClient`."""
        return cls()

    def append(self, entries: Sequence[bytes], deadline: Deadline) -> list[Receipt]:
        """As `Log`."""
        deadline.remaining()
        return [Receipt("unlogged", index, entry) for index, entry in enumerate(entries)]

    def close(self) -> None:
        """Nothing to close."""


if __name__ == "__main__":
    vars(composition)["LogClient"] = UnloggedLog  # in this process alone
    sys.exit(worker.main())
