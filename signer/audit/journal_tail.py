"""The newest entries of a journal, kept in memory with their hashes until the tree has them: what was just written is neither read
nor hashed again. Not for what a process finds at its start, and not for checking the journal: both read the file (`log_records`).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from signer.audit.log_records import LogReader, split_records
from signer.audit.merkle import SM3

# Some ten thousand records; a tree that is further behind reads the file.
_MOST_BYTES = 4 * 1024 * 1024


class JournalTail:
    """`add` is the appends' thread's, `read` the integrator's."""

    def __init__(self, file: Path, count: int) -> None:
        """`count`: how many entries the log has; none of them is kept."""
        self._reader = LogReader(file)
        self._guard = threading.Lock()  # over the next three
        self._first = count  # index of the oldest that is kept
        self._records: deque[bytes] = deque()
        self._bytes = 0

    def add(self, records: Sequence[bytes]) -> None:
        """The next records of the journal, durable by now."""
        with self._guard:
            self._records.extend(records)
            self._bytes += sum(map(len, records))
            while self._bytes > _MOST_BYTES:
                self._drop_oldest()

    def read(self, first: int, count: int) -> tuple[list[bytes], list[bytes]]:
        """`count` durable entries from the index `first` on, and their leaf hashes. Forgets what is before them.

        Raises:
            ConfigurationError: as `LogReader.read`, where they are not kept.
        """
        with self._guard:
            while self._records and self._first < first:
                self._drop_oldest()
            kept = list(islice(self._records, count)) if self._first == first else []
        if len(kept) < count:
            entries = self._reader.read(first, count)
            return entries, [SM3.leaf(entry) for entry in entries]
        return split_records(kept)

    def _drop_oldest(self) -> None:
        self._bytes -= len(self._records.popleft())
        self._first += 1
