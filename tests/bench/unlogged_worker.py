"""A worker of the appliance in every respect, its start, sandbox and metrics too, but for the log, which keeps nothing.

    python -m tests.bench.unlogged_worker …   (arguments of signer.app.worker)

What it answers at the same load, against a worker with its log, is what the log costs. Not a part of the product.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from signer.app import composition, worker
from signer.app.process_reach import enter_supervisor_sandbox
from signer.audit.log import Receipt
from signer.config import load_config
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


def main() -> int:
    """As `worker.main`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    # The supervisor's workers inherit its limits: each of their system calls passes both filters.
    enter_supervisor_sandbox(load_config(parser.parse_known_args()[0].config))
    vars(composition)["LogClient"] = UnloggedLog  # in this process alone
    return worker.main()


if __name__ == "__main__":
    sys.exit(main())
