"""Reads the journal's records, each checked against its leaf hash, and knows their form. Not for writing: `log_file` does that."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from signer.audit.merkle import SM3
from signer.errors import ConfigurationError, Reason

MAX_ENTRY_BYTES = 0xFFFF  # what an entry bundle of the tree can hold
_HASH_BYTES = 32
_HEAD = struct.Struct(">II")  # the entry's length and its complement
_HEAD_BYTES = _HEAD.size
_ALL_ONES = 0xFFFF_FFFF
_CHUNK_BYTES = 96 * 1024  # read at once; larger than any record
_MAX_HEADER_BYTES = 1024
_FIRST = re.compile(rb"signer-log-1 ([^\n]+)\n")
_ROTATED = re.compile(rb"signer-log-2 ([1-9]\d{0,18}) ([^\n]+)\n")
# No entry is text with these in it, and no hash has them but by a chance of 2^-60: where they stand, a write was torn.
_TORN = bytes(8)
_SECTOR_BYTES = 512  # what a disk writes whole or not at all


def header(log_id: str, first: int) -> bytes:
    """The first line of a journal whose oldest record has the index `first`."""
    return (f"signer-log-2 {first} {log_id}\n" if first else f"signer-log-1 {log_id}\n").encode()


def read_header(file: Path, line: bytes) -> tuple[str, int]:
    """The log's id and the index of the first record. Raises ConfigurationError (START_FAILED)."""
    if match := _FIRST.fullmatch(line):
        return match[1].decode("utf-8", "replace"), 0
    if match := _ROTATED.fullmatch(line):
        return match[2].decode("utf-8", "replace"), int(match[1])
    raise refused(file, "is not a log", "Restore it from its backup.")


def record(entry: bytes) -> bytes:
    """An entry as it stands in the journal."""
    length = len(entry)
    return _HEAD.pack(length, length ^ _ALL_ONES) + entry + SM3.leaf(entry)


def split_records(records: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
    """The entries and the leaf hashes of what `record` made."""
    return [whole[_HEAD_BYTES:-_HASH_BYTES] for whole in records], [whole[-_HASH_BYTES:] for whole in records]


def record_bytes(entry: bytes) -> int:
    """How long its record is."""
    return _HEAD_BYTES + len(entry) + _HASH_BYTES


class LogReader:
    """Reads entries again and again as they are appended, each time from where it stopped; a rotation may come between."""

    def __init__(self, file: Path, *, hashes: bool = True) -> None:
        """`hashes`: whether records are checked against theirs; not where each is compared with another copy anyway."""
        self._file = file
        self._hashes = hashes
        self._header = b""
        self._index = 0  # of the entry at _offset
        self._offset = 0

    def read(self, first: int, count: int) -> list[bytes]:
        """`count` durable entries from the index `first` on.

        Raises:
            ConfigurationError: a record was altered, there are fewer, or `first` is before the journal's oldest record.
        """
        entries: list[bytes] = []
        with self._file.open("rb") as stream:
            line = stream.readline(_MAX_HEADER_BYTES)
            if line != self._header or first < self._index:
                self._header, self._offset, self._index = line, len(line), read_header(self._file, line)[1]
                if first < self._index:
                    raise refused(
                        self._file,
                        f"begins at entry {self._index}, entry {first} is missed",
                        "Restore the log's folder from its backup, and keep this one.",
                    )
            while self._index < first + count:
                skipped = max(first - self._index, 0)
                entries += self._read_some(stream.fileno(), first + count - self._index)[skipped:]
        return entries

    def _read_some(self, descriptor: int, most: int) -> list[bytes]:
        """The next entries, at least one. Raises ConfigurationError."""
        records = _complete_records(os.pread(descriptor, _CHUNK_BYTES, self._offset), most)
        if not records:
            raise _altered(self._file, self._offset)
        entries, leaves = split_records(records)
        if self._hashes:
            for number, (entry, leaf) in enumerate(zip(entries, leaves, strict=True)):
                if SM3.leaf(entry) != leaf:
                    raise _altered(self._file, self._offset + sum(map(len, records[:number])))
        self._index += len(records)
        self._offset += sum(map(len, records))
        return entries


def read_log(file: Path) -> Iterator[bytes]:
    """Every entry in order from the journal's oldest on (`first_index`), checked against its leaf hash; ends at the zeros, or at a
    record whose writing was torn. Its writer may append meanwhile.

    Raises:
        ConfigurationError: a record was altered, or something stands behind the end.
    """
    with file.open("rb") as stream:
        read_header(file, stream.readline(_MAX_HEADER_BYTES))
        start, before = stream.tell(), b""
        while whole := _read_record(stream):
            if _is_sound(whole):
                yield _entry(whole)
                start, before = stream.tell(), b""
                continue
            # The end: nothing was written here, or the writing of it was torn; an append returns only after its flush.
            if _is_torn(whole, start) and not any(any(block) for block in iter(lambda: stream.read(1 << 16), b"")):
                return
            # Records are written in order. One that was being written is whole when it is read again behind what came after it.
            if whole == before:
                raise _altered(file, start)
            before = whole
            stream.seek(0, os.SEEK_END)  # what the stream has read ahead goes
            stream.seek(start)


def _complete_records(data: bytes, most: int) -> list[bytes]:
    """Those at the front of the data whose heads are sound and of which nothing is missing; up to that many."""
    records: list[bytes] = []
    place = 0
    while len(records) < most and place + _HEAD_BYTES <= len(data):
        length, complement = _HEAD.unpack_from(data, place)
        end = place + _HEAD_BYTES + length + _HASH_BYTES
        if not 0 < length <= MAX_ENTRY_BYTES or length ^ complement != _ALL_ONES or end > len(data):
            break
        records.append(data[place:end])
        place = end
    return records


def _read_record(stream: BinaryIO) -> bytes:
    """The bytes of the next record, or as many as are there; without a sound head no more than that."""
    head = stream.read(_HEAD_BYTES)
    length = _length(head)
    return head + stream.read(length + _HASH_BYTES) if length else head


def _length(whole: bytes) -> int:
    """Of the entry, 0 without a sound head."""
    if len(whole) < _HEAD_BYTES:
        return 0
    length: int
    length, complement = _HEAD.unpack_from(whole)
    return length if length <= MAX_ENTRY_BYTES and length ^ complement == _ALL_ONES else 0


def _is_complete(whole: bytes) -> bool:
    length = _length(whole)
    return length > 0 and len(whole) == _HEAD_BYTES + length + _HASH_BYTES


def _is_sound(whole: bytes) -> bool:
    return _is_complete(whole) and SM3.leaf(_entry(whole)) == whole[-_HASH_BYTES:]


def _is_torn(whole: bytes, start: int) -> bool:
    """Whether an unsound record's end was never written: it is not there, or zeros stand for it, from any byte or sector on."""
    if not _length(whole):
        return len(whole) < _HEAD_BYTES or whole[-1] == 0
    in_last_sector = (start + len(whole) - 1) % _SECTOR_BYTES + 1
    return not _is_complete(whole) or _TORN in whole or not any(whole[-in_last_sector:])


def first_index(file: Path) -> int:
    """The index of the journal's oldest record. Raises ConfigurationError, OSError."""
    with file.open("rb") as stream:
        return read_header(file, stream.readline(_MAX_HEADER_BYTES))[1]


def refused(file: Path, what: str, remedy: str) -> ConfigurationError:
    """The error for a journal that can't be used."""
    return ConfigurationError(Reason.START_FAILED, f"{file}: {what}", remedy)


def _altered(file: Path, offset: int) -> ConfigurationError:
    return refused(
        file,
        f"the record at byte {offset} was altered",
        "Keep the file as evidence and restore the log from its backup.",
    )


def _entry(whole: bytes) -> bytes:
    return whole[_HEAD_BYTES:-_HASH_BYTES]
