"""When the journal has grown, what stands in full entry bundles under a signed checkpoint leaves it: the tree keeps that for good.

So the journal's size, and what the writer reads at its start, stay bounded. Before anything goes, every entry is compared with its
bundle on the disk. Two threads: the integrator's compares, the appends' exchanges the files. Not for moving bundles out: `bundle_archive`.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from monitoring import metrics
from signer.audit.checkpoint import Checkpoint
from signer.audit.log_file import LogFile
from signer.audit.log_records import LogReader
from signer.audit.tiles import WIDTH, Tiles
from signer.errors import ConfigurationError, Reason

_log = logging.getLogger(__name__)
_AGAIN_AFTER_S = 60.0


class JournalRotation:
    """For one open journal. `follow` is the integrator's, `look` is the appends'."""

    def __init__(self, journal: LogFile, folder: Path, limit: int) -> None:
        """`folder`: the log's. `limit`: bytes from which on the journal is rotated."""
        self._journal = journal
        self._file = folder / "log"
        self._tiles = Tiles(folder)
        self._limit = limit
        self._covered = (
            0  # every entry before it stands in a full bundle, compared; set by the integrator's thread alone
        )
        self._not_before = 0.0

    def follow(self, checkpoint: Checkpoint) -> None:
        """After each checkpoint: where the journal is due, compares it with the bundles. Raises nothing about the rotation."""
        first, full = self._journal.first, checkpoint.size // WIDTH * WIDTH
        # At least half of it must go, or a tree that lags would have the files exchanged again and again.
        due = self._journal.size >= self._limit and (full - first) * 2 >= self._journal.count - first
        if not due or full <= self._covered or time.monotonic() < self._not_before:
            return
        try:
            self._compare(first, full, checkpoint.size)
        except (OSError, ConfigurationError) as problem:
            self._not_before = time.monotonic() + _AGAIN_AFTER_S
            told = problem.message if isinstance(problem, ConfigurationError) else type(problem).__name__
            _log.error("the journal is not rotated", extra={"fields": {"problem": told}})
        else:
            self._covered = full

    def look(self) -> None:
        """Between appends: exchanges the files where that was prepared."""
        metrics.log_journal_bytes.set(self._journal.size)
        if self._covered <= self._journal.first or time.monotonic() < self._not_before:
            return
        try:
            self._journal.rotate(self._covered)
        except OSError as problem:  # a full disk; the old journal goes on
            self._not_before = time.monotonic() + _AGAIN_AFTER_S
            _log.error("the journal is not rotated", extra={"fields": {"problem": type(problem).__name__}})
        else:
            _log.info("journal rotated", extra={"fields": {"first": self._journal.first}})

    def _compare(self, first: int, full: int, size: int) -> None:
        reader = LogReader(self._file)
        for begin in range(first, full, WIDTH):
            if list(reader.read(begin, WIDTH)) != self._tiles.entries(begin // WIDTH, size):
                raise _differs(begin)


def _differs(begin: int) -> ConfigurationError:
    return ConfigurationError(
        Reason.LOG_DAMAGED,
        f"the entry bundle from entry {begin} on differs from the journal",
        "Run signer audit fsck --journal; keep the files.",
    )
