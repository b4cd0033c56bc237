"""The journal lets go what stands in full bundles under a signed head; nothing is lost. An older copy of a log is refused (T13, T14)."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from signer.algorithms import SignMessage
from signer.audit import log_records
from signer.audit import rotation as rotation_module
from signer.audit import tree as tree_module
from signer.audit.checkpoint import Checkpoint, NoteKey
from signer.audit.fsck import inspect_log
from signer.audit.known_heads import refuse_older_copy, remember_head
from signer.audit.log_file import LogFile, LogReader, read_log
from signer.audit.log_records import first_index
from signer.audit.receipt import SignedTree
from signer.audit.rotation import JournalRotation
from signer.audit.tiles import WIDTH
from signer.audit.tree import Tree
from signer.errors import ConfigurationError, Reason
from tests.merkle_logs import new_log_key, same_length_entries


@pytest.fixture(scope="module")
def key() -> tuple[NoteKey, SignMessage]:
    return new_log_key("l")


def _journal(folder: Path, count: int) -> LogFile:
    journal = LogFile.open(folder / "log", "l")
    journal.append(same_length_entries(count))
    return journal


def _signed(folder: Path, key: tuple[NoteKey, SignMessage], count: int) -> Checkpoint:
    checkpoint = Tree(folder, key[0]).integrate(same_length_entries(count), key[1])
    assert checkpoint is not None
    return checkpoint


def test_a_rotated_journal_goes_on_with_the_same_indexes(tmp_path: Path) -> None:
    journal = _journal(tmp_path, 1000)
    reader = LogReader(tmp_path / "log")
    entries = same_length_entries(1000)
    assert reader.read(0, 300) == entries[:300]
    before = journal.size
    journal.rotate(768)
    assert journal.size < before
    assert (journal.first, journal.count) == (768, 1000)
    assert reader.read(800, 200) == entries[800:]  # a reader that was in the middle of the old file
    assert journal.append([b"next"]) == 1000
    assert reader.read(1000, 1) == [b"next"]
    journal.close()
    again = LogFile.open(tmp_path / "log", "l")
    assert (again.first, again.count) == (768, 1001)
    assert again.append([b"and one"]) == 1001
    again.rotate(1002)  # everything
    assert again.append([b"last"]) == 1002
    again.close()
    assert list(read_log(tmp_path / "log")) == [b"last"]
    with pytest.raises(ConfigurationError, match="is missed"):
        LogReader(tmp_path / "log").read(5, 1)


def test_the_lock_goes_with_the_new_file(tmp_path: Path) -> None:
    journal = _journal(tmp_path, 300)
    journal.rotate(256)
    with pytest.raises(ConfigurationError, match="another process writes"):
        LogFile.open(tmp_path / "log", "l")
    journal.close()
    LogFile.open(tmp_path / "log", "l").close()


def test_a_rotation_reads_nothing_but_what_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever appends waits for it: a journal that is read from its beginning held every signature for more than a second."""
    journal = _journal(tmp_path, 1000)
    kept = (tmp_path / "log").read_bytes()[journal.size - 8 * len(_record()) : journal.size]
    read: list[int] = []
    pread = os.pread

    def counted(descriptor: int, size: int, offset: int) -> bytes:
        read.append(size)
        return pread(descriptor, size, offset)

    with monkeypatch.context() as patched:
        patched.setattr(os, "pread", counted)
        patched.setattr(Path, "open", None)
        journal.rotate(992)
    assert read == [len(kept)]
    assert (tmp_path / "log").read_bytes() == b"signer-log-2 992 l\n" + kept
    journal.close()


def _record() -> bytes:
    return log_records.record(same_length_entries(1)[0])


@pytest.mark.parametrize("step", ["pwrite", "pread", "fsync", "replace"])
def test_a_rotation_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    journal = _journal(tmp_path, 600)

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patched:
        patched.setattr(*((Path, "replace", fail) if step == "replace" else (os, step, fail)))
        with pytest.raises(OSError, match="full"):
            journal.rotate(512)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["log"]
    assert journal.append([b"next"]) == 600
    journal.close()
    assert list(read_log(tmp_path / "log")) == [*same_length_entries(600), b"next"]


def test_what_a_killed_rotation_left_is_nobodys(tmp_path: Path) -> None:
    _journal(tmp_path, 600).close()
    (tmp_path / ".log.rotated").write_bytes(b"signer-log-2 512 l\nhalf of a rec")
    journal = LogFile.open(tmp_path / "log", "l")
    assert (journal.first, journal.count) == (0, 600)
    assert not (tmp_path / ".log.rotated").exists()
    journal.close()


@pytest.mark.parametrize(
    "header", [b"signer-log-2 0 l\n", b"signer-log-2 07 l\n", b"signer-log-2 l\n", b"signer-log-3 1 l\n"]
)
def test_another_header_is_refused(tmp_path: Path, header: bytes) -> None:
    (tmp_path / "log").write_bytes(header)
    with pytest.raises(ConfigurationError):
        LogFile.open(tmp_path / "log", "l")


def test_the_journal_is_rotated_when_the_bundles_hold_the_same(
    tmp_path: Path, key: tuple[NoteKey, SignMessage]
) -> None:
    journal = _journal(tmp_path, 1000)
    checkpoint = _signed(tmp_path, key, 1000)
    small = JournalRotation(journal, tmp_path, 1 << 30)
    small.follow(checkpoint)
    small.look()
    assert journal.first == 0  # not large enough
    rotation = JournalRotation(journal, tmp_path, 1000)
    rotation.look()
    assert journal.first == 0  # nothing was compared yet
    rotation.follow(checkpoint)
    rotation.look()
    assert (journal.first, first_index(tmp_path / "log")) == (768, 768)
    journal.close()
    found = inspect_log(tmp_path, key[0], journal=tmp_path / "log")
    assert (found.damages, found.entries) == ([], 1000)


def test_few_bundles_are_compared_at_a_time(
    tmp_path: Path, key: tuple[NoteKey, SignMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that an earlier process wrote: it begins with the journal's oldest entry."""
    monkeypatch.setattr(rotation_module, "_MOST_BUNDLES", 2)
    journal = _journal(tmp_path, 1600)
    checkpoint = _signed(tmp_path, key, 1600)
    rotation = JournalRotation(journal, tmp_path, 1000)
    begins = []
    for _ in range(5):
        rotation.follow(checkpoint)
        rotation.look()
        begins.append(journal.first)
    assert begins == [0, 0, 1536, 1536, 1536]  # when all six are compared
    assert journal.append(same_length_entries(10)) == 1600
    journal.close()
    assert list(read_log(tmp_path / "log")) == [*same_length_entries(1600)[1536:], *same_length_entries(10)]


def test_comparing_never_falls_behind_the_checkpoints() -> None:
    assert rotation_module._MOST_BUNDLES * WIDTH > tree_module._MOST_ENTRIES + WIDTH


def test_an_entry_that_its_bundle_does_not_hold_stays_in_the_journal(
    tmp_path: Path, key: tuple[NoteKey, SignMessage], caplog: pytest.LogCaptureFixture
) -> None:
    journal = _journal(tmp_path, 600)
    checkpoint = _signed(tmp_path, key, 600)
    bundle = tmp_path / "tile/entries/001"
    bundle.write_bytes(bundle.read_bytes().replace(b"entry 000300", b"entry 000301"))
    rotation = JournalRotation(journal, tmp_path, 1000)
    rotation.follow(checkpoint)
    rotation.look()
    assert journal.first == 0
    assert "can't be rotated" in caplog.text
    journal.close()


def test_fsck_tells_what_is_wrong_with_a_rotated_journal(tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> None:
    _signed(tmp_path, key, 600)
    journal = _journal(tmp_path, 700)
    journal.rotate(640)
    journal.close()

    def codes() -> set[str]:
        return {item.code for item in inspect_log(tmp_path, key[0], journal=tmp_path / "log").damages}

    assert codes() == {"journal-gap"}
    (tmp_path / "log").unlink()
    journal = LogFile.open(tmp_path / "log", "l")
    journal.append([*same_length_entries(580), b"entry 999999"])
    journal.rotate(512)
    journal.close()
    assert codes() == {"journal-differs"}


def test_a_folder_behind_a_remembered_head_is_refused(tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> None:
    folder, head = tmp_path / "log", tmp_path / "log-head"
    folder.mkdir()
    journal = _journal(folder, 400)
    _signed(folder, key, 300)
    older = shutil.copytree(folder, tmp_path / "older")
    tree = Tree(folder, key[0])
    tree.open()
    newer = tree.integrate(same_length_entries(400)[300:], key[1])
    assert newer is not None
    refuse_older_copy(folder, key[0], journal, [head])  # nothing is remembered yet
    remember_head(head, newer)
    refuse_older_copy(folder, key[0], journal, [head])
    with pytest.raises(ConfigurationError, match="older copy") as caught:
        refuse_older_copy(older, key[0], journal, [head])
    assert caught.value.reason is Reason.LOG_ROLLED_BACK
    assert "audit restart" in str(caught.value)
    forged = tmp_path / "forged"
    forged.mkdir()
    Tree(forged, key[0]).integrate([b"x", *same_length_entries(500)], key[1])
    big = _journal(tmp_path / "big", 501)
    with pytest.raises(ConfigurationError) as forked:
        refuse_older_copy(forged, key[0], big, [head])
    assert forked.value.reason is Reason.LOG_FORKED
    head.write_text("damaged\n")
    with pytest.raises(ConfigurationError, match="not a remembered head"):
        refuse_older_copy(folder, key[0], journal, [head])
    big.close()
    journal.close()


def test_a_journal_behind_or_ahead_of_its_tree_is_refused(tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> None:
    _signed(tmp_path, key, 600)
    short = _journal(tmp_path, 599)
    with pytest.raises(ConfigurationError, match="ends at entry 599") as caught:
        refuse_older_copy(tmp_path, key[0], short, [])
    assert caught.value.reason is Reason.LOG_ROLLED_BACK
    short.append([b"x"] * 50)
    short.rotate(640)
    with pytest.raises(ConfigurationError, match="begins at entry 640"):
        refuse_older_copy(tmp_path, key[0], short, [])
    short.close()
    assert SignedTree(tmp_path, key[0]).checkpoint().size == 600


def test_another_logs_head_is_refused(tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> None:
    """After a restart under a new id, until `signer audit restart` has ended."""
    other = NoteKey("other", key[0].public_key), key[1]
    (tmp_path / "other").mkdir()
    remember_head(tmp_path / "log-head", _signed(tmp_path / "other", other, 5))
    journal = _journal(tmp_path / "new", 1)
    with pytest.raises(ConfigurationError, match="remembers the log other"):
        refuse_older_copy(tmp_path / "new", key[0], journal, [tmp_path / "log-head"])
    journal.close()
