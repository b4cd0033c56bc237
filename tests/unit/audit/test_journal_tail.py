"""What the integrator reads: from memory where it was just appended, from the journal where it was not."""

from __future__ import annotations

from pathlib import Path

import pytest

from signer.audit import journal_tail
from signer.audit.journal_tail import JournalTail
from signer.audit.log_file import LogFile
from signer.audit.merkle import SM3
from signer.errors import ConfigurationError


def _journal(folder: Path) -> LogFile:
    return LogFile.open(folder / "log", "log.example/one")


def _entries(first: int, count: int) -> list[bytes]:
    return [f"entry {index}".encode() for index in range(first, first + count)]


def _expected(first: int, count: int) -> tuple[list[bytes], list[bytes]]:
    entries = _entries(first, count)
    return entries, [SM3.leaf(entry) for entry in entries]


def _spoil(folder: Path, entry: bytes) -> None:
    file = folder / "log"
    file.write_bytes(file.read_bytes().replace(entry, entry[::-1]))


def test_what_was_appended_comes_without_the_file(tmp_path: Path) -> None:
    journal = _journal(tmp_path)
    for first in range(0, 30, 3):
        journal.append(_entries(first, 3))
    _spoil(tmp_path, b"entry 27")
    assert journal.tail.read(0, 30) == _expected(0, 30)
    assert journal.tail.read(20, 10) == _expected(20, 10)
    assert journal.tail.read(20, 10) == _expected(20, 10)  # kept until something behind it is asked for
    journal.close()


def test_what_was_there_before_comes_from_the_file_and_is_checked(tmp_path: Path) -> None:
    journal = _journal(tmp_path)
    journal.append(_entries(0, 10))
    journal.close()
    journal = _journal(tmp_path)
    journal.append(_entries(10, 10))
    _spoil(tmp_path, b"entry 17")
    assert journal.tail.read(5, 15) == _expected(5, 15)  # the newer ones are in memory
    assert journal.tail.read(10, 10) == _expected(10, 10)
    _spoil(tmp_path, b"entry 7")
    with pytest.raises(ConfigurationError, match="altered"):
        journal.tail.read(5, 15)
    journal.close()


def test_who_lags_behind_what_is_kept_reads_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_tail, "_MOST_BYTES", 500)
    journal = _journal(tmp_path)
    journal.append(_entries(0, 100))
    assert journal.tail.read(0, 100) == _expected(0, 100)
    journal.append(_entries(100, 5))
    assert journal.tail.read(100, 5) == _expected(100, 5)
    assert len(journal.tail._records) == 5
    journal.close()


def test_a_checkpoints_worth_at_the_fastest_is_kept(tmp_path: Path) -> None:
    """Reading them again in the file, and hashing them, would cost the appends more than all else of the tree."""
    journal = _journal(tmp_path)
    entries = [b"%330d" % index for index in range(32_000)]
    journal.append(entries)
    (tmp_path / "log").unlink()
    assert journal.tail.read(0, 32_000)[0] == entries
    journal.close()


def test_a_rotation_changes_nothing(tmp_path: Path) -> None:
    journal = _journal(tmp_path)
    journal.append(_entries(0, 40))
    journal.rotate(30)
    assert journal.tail.read(20, 20) == _expected(20, 20)
    journal.append(_entries(40, 5))
    journal.rotate(45)
    assert journal.tail.read(40, 5) == _expected(40, 5)
    journal.close()


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    journal = _journal(tmp_path)
    journal.append(_entries(0, 3))
    with pytest.raises(ConfigurationError):
        JournalTail(tmp_path / "log", 0).read(0, 4)
    journal.close()
