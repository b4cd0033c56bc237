"""The append-only file that holds the log: entries with their SM3 leaf hashes, one writer, durable appends.

Layout: a header line with the log's id, then records: 4-byte big-endian length, entry, 32-byte leaf hash. Stands in for the
tiles and checkpoints of the Merkle log; the leaf hashes are already those of its tree.
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
MAX_ENTRY_BYTES = 64 * 1024


class LogFile:
    """The open file of the one writer."""

    def __init__(self, descriptor: int, log_id: str, size: int, count: int) -> None:
        self._descriptor = descriptor
        self.log_id = log_id
        self._size = size
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
            if size < os.fstat(descriptor).st_size:
                os.ftruncate(descriptor, size)
                os.fsync(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(descriptor, log_id, size, count)

    def append(self, entries: Sequence[bytes]) -> int:
        """Makes the entries durable and returns the first one's index.

        Raises:
            ApplianceError: LOG_UNAVAILABLE; the file is as it was before.
            SystemExit: the flush failed and nobody can know what is on the disk; a new process must read it again.
        """
        data = b"".join(struct.pack(">I", len(entry)) + entry + leaf_hash(entry) for entry in entries)
        try:
            _write_whole(self._descriptor, data, self._size)
        except OSError as problem:
            os.ftruncate(self._descriptor, self._size)
            raise ApplianceError(
                Reason.LOG_UNAVAILABLE,
                f"the log can't be written ({errno.errorcode.get(problem.errno or 0, 'error')})",
                "Free space on the log's volume; signing goes on by itself then.",
            ) from problem
        try:
            os.fdatasync(self._descriptor)
        except OSError as problem:
            raise SystemExit(f"the log can't be flushed: {problem.strerror}") from problem
        self._size += len(data)
        first = self.count
        self.count += len(entries)
        return first

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


def read_log(file: Path) -> Iterator[bytes]:
    """Every entry in order, checked against its leaf hash. Raises ConfigurationError where a record was altered."""
    with file.open("rb") as stream:
        if not stream.readline().startswith(_MAGIC):
            raise _refused(file, "is not a log", "Restore it from its backup.")
        while head := stream.read(4):
            if len(head) < 4:
                return
            length = struct.unpack(">I", head)[0]
            if length == 0 or length > MAX_ENTRY_BYTES:
                raise _altered(file, stream.tell() - 4)
            body = stream.read(length + _HASH_BYTES)
            if len(body) < length + _HASH_BYTES:
                return
            if leaf_hash(body[:length]) != body[length:]:
                raise _altered(file, stream.tell() - len(body) - 4)
            yield body[:length]


def _check(file: Path, log_id: str) -> tuple[int, int]:
    """Size of the sound part and number of entries in it."""
    with file.open("rb") as stream:
        header = stream.readline()
    if header != _MAGIC + log_id.encode() + b"\n":
        raise _refused(file, "is not this appliance's log", f"Expected the log {log_id}; restore the right file.")
    size = len(header)
    count = 0
    for entry in read_log(file):
        size += 4 + len(entry) + _HASH_BYTES
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


def _write_whole(descriptor: int, data: bytes, offset: int) -> None:
    if os.pwrite(descriptor, data, offset) != len(data):
        raise OSError(errno.ENOSPC, "short write")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
