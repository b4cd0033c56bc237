"""Old entries leave the machine, hashes stay: nothing young goes, nothing goes that was not copied, every proof still holds."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signer.algorithms import SignMessage
from signer.audit import LogEntry
from signer.audit.bundle_archive import copy_bundles, latest_date, plan_archive, remove_bundles
from signer.audit.checkpoint import NoteKey
from signer.audit.export import Exporter
from signer.audit.fsck import inspect_log
from signer.audit.log_file import LogFile
from signer.audit.receipt import SignedTree
from signer.errors import ApplianceError, ConfigurationError, Reason
from tests.merkle_logs import grown, new_log_key

_NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def key() -> tuple[NoteKey, SignMessage]:
    return new_log_key("l")


@pytest.fixture
def log(tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> Path:
    """1,100 entries, one a day up to now; the journal begins at 1024."""
    folder = tmp_path / "log"
    entries = [
        LogEntry("signature", request_id=str(number)).encode(_NOW - timedelta(days=1100 - number))
        for number in range(1100)
    ]
    folder.mkdir()
    grown(folder, key, entries)
    journal = LogFile.open(folder / "log", "l")
    journal.append(entries)
    journal.rotate(1024)
    journal.close()
    return folder


def _archive(log: Path, to: Path, key: NoteKey, before: datetime) -> tuple[int, int]:
    plan = plan_archive(log, key, before, months=6, now=_NOW)
    copy_bundles(log, to, plan, key)
    remove_bundles(log, to, plan, _NOW)
    return plan.entries


def test_entries_older_than_the_date_go_and_proofs_still_hold(
    log: Path, tmp_path: Path, key: tuple[NoteKey, SignMessage]
) -> None:
    to = tmp_path / "archive"
    before = SignedTree(log, key[0]).receipt(100)
    assert _archive(log, to, key[0], _NOW - timedelta(days=700)) == (0, 256)
    assert _archive(log, to, key[0], _NOW - timedelta(days=200)) == (256, 768)
    assert sorted(file.name for file in (log / "tile/entries").iterdir()) == ["003", "004.p"]
    with pytest.raises(ApplianceError, match="moved to the log's archive") as caught:
        SignedTree(log, key[0]).receipt(100)
    assert caught.value.reason is Reason.LOG_ARCHIVED
    assert SignedTree(log, key[0], archives=[tmp_path / "elsewhere", to]).receipt(100) == before
    assert SignedTree(log, key[0]).receipt(800).verify().index == 800
    archived = (log / "archived").read_text(encoding="utf-8")
    assert archived.startswith("3\n")
    assert archived.count(str(to)) == 2
    without = inspect_log(log, key[0], journal=log / "log")
    assert (without.damages, without.entries, without.archived) == ([], 1100 - 768, 768)
    whole = inspect_log(log, key[0], journal=log / "log", archives=[to])
    assert (whole.damages, whole.entries, whole.archived) == ([], 1100, 0)
    assert sum(len(part.entries) for part in Exporter(log, key[0], [to]).parts(None)) == 1100


def test_what_must_stay_online_is_not_moved(log: Path, key: tuple[NoteKey, SignMessage]) -> None:
    allowed = latest_date(_NOW, 6)
    assert allowed == datetime(2026, 5, 23, tzinfo=UTC)
    assert latest_date(datetime(2026, 8, 31, tzinfo=UTC), 6) == datetime(2026, 2, 28, tzinfo=UTC)
    for months in (0, 6):  # never fewer than six, whatever is configured
        with pytest.raises(ConfigurationError, match="too late"):
            plan_archive(log, key[0], allowed + timedelta(days=1), months=months, now=_NOW)
    with pytest.raises(ConfigurationError, match="last 12 months"):
        plan_archive(log, key[0], allowed, months=12, now=_NOW)
    plan = plan_archive(log, key[0], allowed, months=6, now=_NOW)
    assert plan.entries == (0, 768)  # entry 916 is younger: its bundle stays whole


def test_what_the_journal_still_has_stays(log: Path, key: tuple[NoteKey, SignMessage]) -> None:
    (log / "log").unlink()
    journal = LogFile.open(log / "log", "l")
    journal.append([b"x"] * 600)
    journal.rotate(512)
    journal.close()
    assert plan_archive(log, key[0], latest_date(_NOW, 6), months=6, now=_NOW).entries == (0, 512)


def test_a_copy_that_is_not_what_the_tree_says_moves_nothing(
    log: Path, tmp_path: Path, key: tuple[NoteKey, SignMessage]
) -> None:
    plan = plan_archive(log, key[0], _NOW - timedelta(days=300), months=6, now=_NOW)
    to = tmp_path / "archive"
    (to / "tile/entries").mkdir(parents=True)
    (to / "tile/entries/001").write_bytes(b"another log's")
    with pytest.raises(ConfigurationError, match="another tile/entries/001"):
        copy_bundles(log, to, plan, key[0])
    shutil.rmtree(to)
    bundle = log / "tile/entries/001"
    bundle.write_bytes(bundle.read_bytes().replace(b'"300"', b'"301"'))
    with pytest.raises(ConfigurationError, match="not those of the tree"):
        copy_bundles(log, to, plan, key[0])
    assert bundle.exists()
    assert not (log / "archived").exists()


def test_an_interrupted_move_is_done_again(log: Path, tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> None:
    plan = plan_archive(log, key[0], _NOW - timedelta(days=300), months=6, now=_NOW)
    to = tmp_path / "archive"
    copy_bundles(log, to, plan, key[0])
    copy_bundles(log, to, plan, key[0])
    remove_bundles(log, to, plan, _NOW)
    remove_bundles(log, to, plan, _NOW)
    assert inspect_log(log, key[0], archives=[to]).entries == 1100


def test_a_lost_bundle_is_not_taken_for_an_archived_one(
    log: Path, tmp_path: Path, key: tuple[NoteKey, SignMessage]
) -> None:
    _archive(log, tmp_path / "archive", key[0], _NOW - timedelta(days=700))
    (log / "tile/entries/002").unlink()
    assert {item.code for item in inspect_log(log, key[0]).damages} == {"entries-missing"}
    (log / "archived").write_text("many\n")
    with pytest.raises(ConfigurationError, match="number of bundles"):
        SignedTree(log, key[0]).receipt(100)
