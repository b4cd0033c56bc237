"""The journal: the append-only file that makes entries durable, with their SM3 leaf hashes; one writer, durable appends.

Layout: a header line with the log's id and, where that is not 0, the index of the first record (after a rotation); then
records: 4-byte big-endian length and its complement, entry, 32-byte leaf hash; then zeros. Space is written ahead as zeros, so that
an append overwrites and its flush waits for no journal of the file system. Not for reading it: `log_records` does that.
"""

from __future__ import annotations

import errno
import fcntl
import os
from array import array
from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

from signer.audit.durable_file import sync_folder
from signer.audit.journal_tail import JournalTail
from signer.audit.log import Receipt
from signer.audit.log_records import LogReader, header, read_header, read_log, record, record_bytes, refused
from signer.deadline import Deadline
from signer.errors import ApplianceError, Reason

__all__ = ["DirectLog", "LogFile", "LogReader", "read_log"]

# Zeros written ahead at a time: room for some hundred entries, and little to lose on a small disk.
_AHEAD_BYTES = 64 * 1024


class LogFile:
    """The open file of the one writer."""

    def __init__(self, file: Path, descriptor: int, log_id: str, first: int, size: int, offsets: array[int]) -> None:
        self._file = file
        self._descriptor = descriptor
        self.log_id = log_id
        self._size = size  # of header and records; beyond it the file holds zeros
        self._allocated = os.fstat(descriptor).st_size
        self._offsets = offsets  # of every record here, so that a rotation need not look for its place
        self.first = first  # index of the oldest record here; what is before it is in the tree's entry bundles alone
        self.count = first + len(offsets)  # of the log: the index that the next entry gets
        self.tail = JournalTail(file, self.count)  # of what is appended from now on

    @property
    def size(self) -> int:
        """Bytes of header and records."""
        return self._size

    @classmethod
    def open(cls, file: Path, log_id: str) -> LogFile:
        """Opens or makes the file, takes the writer's lock, checks every record, cuts a torn end.

        A torn end was never acknowledged: `append` returns only after the flush.

        Raises:
            ConfigurationError: START_FAILED when another writer has it, it is another log, or a record was altered.
        """
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = _lock(file)
        try:
            _rotated(file).unlink(missing_ok=True)  # of a rotation that did not come to its end
            if os.fstat(descriptor).st_size == 0:
                os.pwrite(descriptor, header(log_id, 0), 0)
                os.fsync(descriptor)
                sync_folder(file.parent)
            first, size, offsets = _check(file, log_id)
            os.ftruncate(descriptor, size)  # a torn end goes, and zeros that are written anew when they are needed
            os.fsync(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(file, descriptor, log_id, first, size, offsets)

    def rotate(self, first: int) -> None:
        """Lets the records before the index `first` go: the journal becomes a new file that begins there.

        Only for entries that are durable elsewhere. A crash leaves the old file or the new one, each complete. Call it where
        `append` is called: no append may run meanwhile, so that nothing is read here but what stays, as it stands.

        Raises:
            OSError: nothing changed.
        """
        assert self.first <= first <= self.count
        place = self._offsets[first - self.first] if first < self.count else self._size
        begin = header(self.log_id, first)
        new = _rotated(self._file)
        descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # before its name is the journal's
            data = begin + _read_whole(self._descriptor, self._size - place, place)
            _write_whole(descriptor, data, 0)
            os.fsync(descriptor)
            new.replace(self._file)
        except BaseException:
            os.close(descriptor)
            new.unlink(missing_ok=True)
            raise
        os.close(self._descriptor)
        moved = place - len(begin)
        self._offsets = array("Q", [offset - moved for offset in self._offsets[first - self.first :]])
        self._descriptor, self.first, self._size, self._allocated = descriptor, first, len(data), len(data)
        try:
            sync_folder(self._file.parent)
        except (
            OSError
        ) as problem:  # which of the two a crash would leave is not known; what comes next goes to the new one
            raise SystemExit(f"the log's folder can't be flushed: {problem.strerror}") from problem

    def append(self, entries: Sequence[bytes]) -> int:
        """Makes the entries durable and returns the first one's index.

        Raises:
            ApplianceError: LOG_UNAVAILABLE; the file's records are as they were before.
            SystemExit: the write or the flush failed and nobody can know what is on the disk; a new process must read
                it again.
        """
        records = [record(entry) for entry in entries]
        data = b"".join(records)
        if self._size + len(data) > self._allocated:
            self._write_ahead(len(data))
        try:
            _write_whole(self._descriptor, data, self._size)
            os.fdatasync(self._descriptor)
        except OSError as problem:
            raise SystemExit(f"the log can't be written or flushed: {problem.strerror}") from problem
        *places, self._size = accumulate(map(len, records), initial=self._size)
        self._offsets.extend(places)
        first = self.count
        self.tail.add(records)  # before the count says that they are there
        self.count += len(entries)
        return first

    def _write_ahead(self, needed: int) -> None:
        try:
            _write_whole(self._descriptor, bytes(max(_AHEAD_BYTES, needed)), self._size)
            os.fsync(self._descriptor)
        except OSError as problem:
            os.ftruncate(self._descriptor, self._allocated)
            raise ApplianceError(
                Reason.LOG_UNAVAILABLE,
                f"the log can't be written ({errno.errorcode.get(problem.errno or 0, 'error')})",
                "Free space on the log's volume; signing goes on by itself then.",
            ) from problem
        self._allocated = self._size + max(_AHEAD_BYTES, needed)

    def close(self) -> None:
        """Gives the writer's lock back."""
        os.close(self._descriptor)


class DirectLog:
    """A `Log` over an open file, for administration while the service is down: the lock makes us the one writer."""

    def __init__(self, file: LogFile) -> None:
        self._file = file

    def append(self, entries: Sequence[bytes], deadline: Deadline) -> list[Receipt]:
        """See `Log.append`."""
        deadline.remaining()
        first = self._file.append(entries)
        return [Receipt(self._file.log_id, first + offset, entry) for offset, entry in enumerate(entries)]


def _lock(file: Path) -> int:
    """The journal's descriptor, its lock held. Raises ConfigurationError (START_FAILED)."""
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise refused(file, "another process writes this log", "End the other appliance first.") from None
        # A rotation may have put another file in its place between the two steps.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), file.stat()):
                return descriptor
        os.close(descriptor)


def _rotated(file: Path) -> Path:
    return file.with_name(f".{file.name}.rotated")


def _check(file: Path, log_id: str) -> tuple[int, int, array[int]]:
    """Index of the first record, size of the sound part, and where its records begin."""
    with file.open("rb") as stream:
        line = stream.readline()
    named, first = read_header(file, line)
    if named != log_id:
        raise refused(file, "is not this appliance's log", f"Expected the log {log_id}; restore the right file.")
    size, offsets = len(line), array("Q")
    for entry in read_log(file):
        offsets.append(size)
        size += record_bytes(entry)
    return first, size, offsets


def _read_whole(descriptor: int, size: int, offset: int) -> bytes:
    data = os.pread(descriptor, size, offset)
    if len(data) != size:
        raise OSError(errno.EIO, "short read")
    return data


def _write_whole(descriptor: int, data: bytes, offset: int) -> None:
    if os.pwrite(descriptor, data, offset) != len(data):
        raise OSError(errno.ENOSPC, "short write")
