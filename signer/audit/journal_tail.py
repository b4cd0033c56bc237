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

# What comes between two checkpoints at forty thousand entries a second; a tree that is further behind reads the older ones in the file.
_MOST_BYTES = 16 * 1024 * 1024


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
                self._drop(1)

    def read(self, first: int, count: int) -> tuple[list[bytes], list[bytes]]:
        """`count` durable entries from the index `first` on, and their leaf hashes. Forgets what is before them.

        Raises:
            ConfigurationError: as `LogReader.read`, where they are not kept.
        """
        with self._guard:
            self._drop(min(first - self._first, len(self._records)))
            older = min(max(self._first - first, 0), count)
            kept = list(islice(self._records, count - older))
        if older + len(kept) < count:
            older, kept = count, []  # more than are durable: the file says it
        entries = self._reader.read(first, older) if older else []
        leaves = [SM3.leaf(entry) for entry in entries]
        kept_entries, kept_leaves = split_records(kept)
        return entries + kept_entries, leaves + kept_leaves

    def _drop(self, count: int) -> None:
        """The oldest ones; none where the number is negative."""
        for _ in range(count):
            self._bytes -= len(self._records.popleft())
            self._first += 1
