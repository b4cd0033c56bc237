"""The append-only file that holds the log: entries with their SM3 leaf hashes, one writer, durable appends.

Layout: a header line with the log's id, then records: 4-byte big-endian length and its complement, entry, 32-byte leaf hash;
then zeros. Space is written ahead as zeros, so that an append overwrites and its flush waits for no journal of the file system. Stands in
for the tiles and checkpoints of the Merkle log; the leaf hashes are already those of its tree.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from signer.audit.log import Receipt, leaf_hash
from signer.deadline import Deadline
from signer.errors import ApplianceError, ConfigurationError, Reason

_MAGIC = b"signer-log-1 "
_HASH_BYTES = 32
_HEAD_BYTES = 8
MAX_ENTRY_BYTES = 0xFFFF  # what an entry bundle of the tree can hold
# Zeros written ahead at a time: room for some hundred entries, and little to lose on a small disk.
_AHEAD_BYTES = 64 * 1024
# No entry is text with these in it, and no hash has them but by a chance of 2^-60: where they stand, a write was torn.
_TORN = bytes(8)


class LogFile:
    """The open file of the one writer."""

    def __init__(self, descriptor: int, log_id: str, size: int, count: int) -> None:
        self._descriptor = descriptor
        self.log_id = log_id
        self._size = size  # of header and records; beyond it the file holds zeros
        self._allocated = os.fstat(descriptor).st_size
        self.count = count

    @classmethod
    def open(cls, file: Path, log_id: str) -> LogFile:
        """Opens or makes the file, takes the writer's lock, checks every record, cuts a torn end.

        A torn end was never acknowledged: `append` returns only after the flush.

        Raises:
            ConfigurationError: START_FAILED when another writer has it, it is another log, or a record was altered.
        """
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _refused(file, "another process writes this log", "End the other appliance first.") from None
            if os.fstat(descriptor).st_size == 0:
                os.pwrite(descriptor, _MAGIC + log_id.encode() + b"\n", 0)
                os.fsync(descriptor)
                _sync_folder(file.parent)
            size, count = _check(file, log_id)
            os.ftruncate(descriptor, size)  # a torn end goes, and zeros that are written anew when they are needed
            os.fsync(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(descriptor, log_id, size, count)

    def append(self, entries: Sequence[bytes]) -> int:
        """Makes the entries durable and returns the first one's index.

        Raises:
            ApplianceError: LOG_UNAVAILABLE; the file's records are as they were before.
            SystemExit: the write or the flush failed and nobody can know what is on the disk; a new process must read
                it again.
        """
        data = b"".join(_head(len(entry)) + entry + leaf_hash(entry) for entry in entries)
        if self._size + len(data) > self._allocated:
            self._write_ahead(len(data))
        try:
            _write_whole(self._descriptor, data, self._size)
            os.fdatasync(self._descriptor)
        except OSError as problem:
            raise SystemExit(f"the log can't be written or flushed: {problem.strerror}") from problem
        self._size += len(data)
        first = self.count
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


class LogReader:
    """Reads entries again and again as they are appended, each time from where it stopped."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._index = 0  # of the entry at _offset
        self._offset = 0

    def read(self, first: int, count: int) -> list[bytes]:
        """`count` durable entries from the index `first` on.

        Raises:
            ConfigurationError: a record was altered, or there are fewer.
        """
        if first < self._index or self._offset == 0:
            with self._file.open("rb") as stream:
                self._offset, self._index = len(stream.readline()), 0
        entries: list[bytes] = []
        with self._file.open("rb") as stream:
            stream.seek(self._offset)
            while self._index < first + count:
                head = stream.read(_HEAD_BYTES)
                length = struct.unpack_from(">I", head)[0] if len(head) == _HEAD_BYTES else 0
                body = stream.read(length + _HASH_BYTES)
                if not length or head != _head(length) or leaf_hash(body[:length]) != body[length:]:
                    raise _altered(self._file, self._offset)
                if self._index >= first:
                    entries.append(body[:length])
                self._index += 1
                self._offset += _HEAD_BYTES + length + _HASH_BYTES
        return entries


def read_log(file: Path) -> Iterator[bytes]:
    """Every entry in order, checked against its leaf hash; ends at the zeros, or at a record whose writing was torn.

    Raises:
        ConfigurationError: a record was altered, or something stands behind the end.
    """
    with file.open("rb") as stream:
        if not stream.readline().startswith(_MAGIC):
            raise _refused(file, "is not a log", "Restore it from its backup.")
        while len(head := stream.read(_HEAD_BYTES)) == _HEAD_BYTES:
            start = stream.tell() - _HEAD_BYTES
            length = struct.unpack_from(">I", head)[0]
            sound = head == _head(length) and 0 < length <= MAX_ENTRY_BYTES
            body = stream.read(length + _HASH_BYTES) if sound else b""
            if sound and len(body) == length + _HASH_BYTES and leaf_hash(body[:length]) == body[length:]:
                yield body[:length]
                continue
            # The end: nothing was written here, or the writing of it was torn; an append returns only after its flush.
            torn = (len(body) < length + _HASH_BYTES or _TORN in body) if sound else head[-1] == 0
            if not torn or any(any(block) for block in iter(lambda: stream.read(1 << 16), b"")):
                raise _altered(file, start)
            return


def _check(file: Path, log_id: str) -> tuple[int, int]:
    """Size of the sound part and number of entries in it."""
    with file.open("rb") as stream:
        header = stream.readline()
    if header != _MAGIC + log_id.encode() + b"\n":
        raise _refused(file, "is not this appliance's log", f"Expected the log {log_id}; restore the right file.")
    size = len(header)
    count = 0
    for entry in read_log(file):
        size += _HEAD_BYTES + len(entry) + _HASH_BYTES
        count += 1
    return size, count


def _refused(file: Path, what: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(Reason.START_FAILED, f"{file}: {what}", remedy)


def _altered(file: Path, offset: int) -> ConfigurationError:
    return _refused(
        file,
        f"the record at byte {offset} was altered",
        "Keep the file as evidence and restore the log from its backup.",
    )


def _head(length: int) -> bytes:
    return struct.pack(">II", length, length ^ 0xFFFF_FFFF)


def _write_whole(descriptor: int, data: bytes, offset: int) -> None:
    if os.pwrite(descriptor, data, offset) != len(data):
        raise OSError(errno.ENOSPC, "short write")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
