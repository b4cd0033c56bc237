"""When the journal has grown, what stands in full entry bundles under a signed checkpoint leaves it: the tree keeps that for good.

So the journal's size, and what the writer reads at its start, stay bounded. Before anything goes, every entry is compared with its
bundle on the disk, right before: some bundles after each checkpoint, since whoever appends waits while much is compared at once. Two
threads: the integrator's compares, the appends' exchanges the files. Not for moving bundles out: `bundle_archive`.
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
_MOST_BUNDLES = 48  # at a time: more than one checkpoint adds, so that it never falls behind


class JournalRotation:
    """For one open journal. `follow` is the integrator's, `look` is the appends'."""

    def __init__(self, journal: LogFile, folder: Path, limit: int) -> None:
        """`folder`: the log's. `limit`: bytes from which on the journal is rotated."""
        self._journal = journal
        self._tiles = Tiles(folder)
        self._limit = limit
        self._reader = LogReader(folder / "log", hashes=False)
        # Set by the integrator's thread alone. Every entry before them stands in a full bundle: `_compared` so far, `_covered` when
        # there was nothing left to compare.
        self._compared = self._covered = journal.first
        self._not_before = 0.0

    def follow(self, checkpoint: Checkpoint) -> None:
        """After each checkpoint: where the journal is due, compares it with the full bundles. Raises nothing about the rotation."""
        begin, full = self._compared, checkpoint.size // WIDTH * WIDTH
        if self._journal.size < self._limit or full <= begin or time.monotonic() < self._not_before:
            return
        end = min(full, begin + _MOST_BUNDLES * WIDTH)
        try:
            self._compare(begin, end, checkpoint.size)
        except (OSError, ConfigurationError) as problem:
            self._not_before = time.monotonic() + _AGAIN_AFTER_S
            told = problem.message if isinstance(problem, ConfigurationError) else type(problem).__name__
            _log.error("the journal can't be rotated", extra={"fields": {"problem": told}})
        else:
            self._compared = end
            if end == full:
                self._covered = end

    def look(self) -> None:
        """Between appends: exchanges the files where that is due, and prepared."""
        metrics.log_journal_bytes.set(self._journal.size)
        covered, first = self._covered, self._journal.first
        # At least half of it must go, or a tree that lags would have the files exchanged again and again.
        due = self._journal.size >= self._limit and (covered - first) * 2 >= self._journal.count - first
        if not due or covered <= first or time.monotonic() < self._not_before:
            return
        try:
            self._journal.rotate(covered)
        except OSError as problem:  # a full disk; the old journal goes on
            self._not_before = time.monotonic() + _AGAIN_AFTER_S
            _log.error("the journal is not rotated", extra={"fields": {"problem": type(problem).__name__}})
        else:
            _log.info("journal rotated", extra={"fields": {"first": self._journal.first}})

    def _compare(self, begin: int, end: int, size: int) -> None:
        for first in range(begin, end, WIDTH):
            if self._reader.read(first, WIDTH) != self._tiles.entries(first // WIDTH, size):
                raise _differs(first)


def _differs(begin: int) -> ConfigurationError:
    return ConfigurationError(
        Reason.LOG_DAMAGED,
        f"the entry bundle from entry {begin} on differs from the journal",
        "Run signer audit fsck --journal; keep the files.",
    )
