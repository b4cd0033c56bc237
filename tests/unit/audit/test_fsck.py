"""Whatever is done to a log's files has a name: cut, reordered, replaced, rolled back, forked, altered tiles and checkpoints.

Threat: T13.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from signer.algorithms import SignMessage, load_public_key
from signer.audit import fsck
from signer.audit.checkpoint import NoteKey, read_checkpoint
from signer.audit.fsck import inspect_log
from signer.audit.log_file import LogFile
from signer.audit.merkle import verify_consistency
from signer.audit.receipt import SignedTree
from signer.audit.tree import Tree
from signer.errors import ApplianceError, RequestError
from tests.merkle_logs import grown, same_length_entries
from tests.sm2_keys import new_sm2_key


@pytest.fixture(scope="module")
def key() -> tuple[NoteKey, SignMessage]:
    spki, sign = new_sm2_key()
    return NoteKey("log.example", load_public_key(spki)), sign


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, key: tuple[NoteKey, SignMessage]) -> Path:
    """A sound log of 700 entries with its journal."""
    folder = tmp_path_factory.mktemp("sound")
    entries = same_length_entries(700)
    grown(folder, key, entries[:400], entries[400:])
    journal = LogFile.open(folder / "log", "l")
    journal.append(entries)
    journal.close()
    return folder


@pytest.fixture
def log(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "log"))


def _codes(folder: Path, key: NoteKey, *remembered: str, journal: bool = False) -> set[str]:
    known = [read_checkpoint(text) for text in remembered]
    found = inspect_log(folder, key, remembered=known, journal=folder / "log" if journal else None)
    return {damage.code for damage in found.damages}


def test_a_sound_log_has_no_findings(log: Path, key: tuple[NoteKey, SignMessage]) -> None:
    text = (log / "checkpoint").read_text()
    assert _codes(log, key[0], text, journal=True) == set()
    assert inspect_log(log, key[0]).entries == 700


def test_kept_checkpoints_of_a_sound_log_agree_with_it(
    sound: Path, tmp_path: Path, key: tuple[NoteKey, SignMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fsck, "_AT_ONCE", 100)
    kept = []
    for size in (600, 1, 255, 300):
        older = tmp_path / str(size)
        older.mkdir()
        grown(older, key, same_length_entries(700)[:size])
        kept.append((older / "checkpoint").read_text())
    assert _codes(sound, key[0], *kept) == set()


def _edit(file: Path, change: Callable[[bytes], bytes]) -> None:
    file.write_bytes(change(file.read_bytes()))


def _swap(content: bytes) -> bytes:
    """The first two entries of a bundle, of one length."""
    length = 2 + int.from_bytes(content[:2], "big")
    return content[length : 2 * length] + content[:length] + content[2 * length :]


def test_reordered_entries(log: Path, key: tuple[NoteKey, SignMessage]) -> None:
    _edit(log / "tile/entries/001", _swap)
    assert _codes(log, key[0]) >= {"entry-reordered", "root-wrong"}


def test_a_replaced_entry(log: Path, key: tuple[NoteKey, SignMessage]) -> None:
    _edit(log / "tile/entries/001", lambda content: content[:7] + bytes((content[7] ^ 1,)) + content[8:])
    assert _codes(log, key[0]) >= {"entry-replaced", "root-wrong"}


def test_a_cut_end(log: Path, key: tuple[NoteKey, SignMessage]) -> None:
    (bundle,) = (log / "tile/entries").glob("002.p/188")
    length = 2 + int.from_bytes(bundle.read_bytes()[:2], "big")
    _edit(bundle, lambda content: content[:-length])
    assert _codes(log, key[0]) == {"entries-missing"}
    bundle.unlink()
    assert _codes(log, key[0]) == {"entries-missing"}


@pytest.mark.parametrize("tile", ["tile/0/000", "tile/0/002.p/188", "tile/1/000.p/2"])
def test_altered_and_missing_tiles(log: Path, key: tuple[NoteKey, SignMessage], tile: str) -> None:
    _edit(log / tile, lambda content: content[:40] + bytes((content[40] ^ 1,)) + content[41:])
    assert _codes(log, key[0]) in ({"tile-altered"}, {"entry-replaced"})
    (log / tile).unlink()
    assert _codes(log, key[0]) == {"tile-missing"}


def test_a_checkpoint_that_was_edited_or_lost(log: Path, key: tuple[NoteKey, SignMessage]) -> None:
    _edit(log / "checkpoint", lambda content: content.replace(b"\n700\n", b"\n699\n"))
    assert _codes(log, key[0]) == {"checkpoint-wrong"}
    (log / "checkpoint").unlink()
    assert _codes(log, key[0]) == {"checkpoint-missing"}


def test_an_older_copy_is_found_by_a_checkpoint_that_was_kept(
    sound: Path, tmp_path: Path, key: tuple[NoteKey, SignMessage]
) -> None:
    older = tmp_path / "older"
    older.mkdir()
    grown(older, key, same_length_entries(700)[:400])
    assert _codes(older, key[0]) == set()
    assert _codes(older, key[0], (sound / "checkpoint").read_text()) == {"rolled-back"}


def test_a_log_written_anew_is_found_by_a_checkpoint_that_was_kept(
    sound: Path, tmp_path: Path, key: tuple[NoteKey, SignMessage]
) -> None:
    """Whoever holds the log's key can forge a consistent log, but not what others remember."""
    forged = tmp_path / "forged"
    forged.mkdir()
    entries = same_length_entries(800)
    entries[17] = b"x" * len(entries[17])
    grown(forged, key, entries)
    assert _codes(forged, key[0]) == set()
    assert _codes(forged, key[0], (sound / "checkpoint").read_text()) == {"forked"}


def test_the_journal_is_compared(log: Path, key: tuple[NoteKey, SignMessage]) -> None:
    (log / "log").unlink()
    journal = LogFile.open(log / "log", "l")
    journal.append(same_length_entries(650))
    journal.close()
    assert _codes(log, key[0], journal=True) == {"journal-cut"}
    _edit(log / "log", lambda content: content[:-700] + b"y" + content[-699:])
    assert _codes(log, key[0], journal=True) <= {"journal-damaged", "journal-cut"}
    (log / "log").unlink()
    journal = LogFile.open(log / "log", "l")
    journal.append(list(reversed(same_length_entries(700))))
    journal.close()
    assert _codes(log, key[0], journal=True) == {"journal-differs"}


def test_any_flipped_bit_of_any_file_is_found(log: Path, key: tuple[NoteKey, SignMessage]) -> None:
    files = [
        file
        for file in log.rglob("*")
        if file.is_file()
        and file.name != "log"
        # partial files of the checkpoint before are nobody's any more
        and not (
            file.name.isdigit()
            and any(int(other.name) > int(file.name) for other in file.parent.glob("?*") if file.parent.suffix == ".p")
        )
    ]
    assert len(files) >= 8
    chosen = random.Random(7)
    for file in files:
        right = file.read_bytes()
        for _ in range(6):
            place, bit = chosen.randrange(len(right)), chosen.randrange(8)
            file.write_bytes(right[:place] + bytes((right[place] ^ 1 << bit,)) + right[place + 1 :])
            assert _codes(log, key[0]), (file, place, bit)
        file.write_bytes(right)
    assert _codes(log, key[0]) == set()


def test_receipts_prove_themselves_and_consistency_joins_checkpoints(
    log: Path, key: tuple[NoteKey, SignMessage]
) -> None:
    signed = SignedTree(log, key[0])
    entries = same_length_entries(700)
    for index in (0, 255, 256, 699):
        receipt = signed.receipt(index)
        assert receipt.entry == entries[index]
        assert receipt.verify().size == 700
    with pytest.raises(ApplianceError, match="no checkpoint covers"):
        signed.receipt(700)
    tree = Tree(log, key[0])
    tree.open()
    old = signed.checkpoint()
    tree.integrate([b"one more"], key[1])
    new = signed.checkpoint()
    proof = signed.consistency(old.size, new)
    assert verify_consistency_of(old.size, old.root, new.size, new.root, proof) == 700
    with pytest.raises(RequestError):
        signed.consistency(new.size + 1, new)
    assert signed.consistency(0, new) == []


def verify_consistency_of(old: int, old_root: bytes, size: int, root: bytes, proof: list[bytes]) -> int:
    from signer.audit.merkle import SM3

    return verify_consistency(SM3, old, old_root, size, root, proof).old


def test_a_log_without_a_checkpoint_says_so(tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> None:
    with pytest.raises(ApplianceError, match="no checkpoint yet"):
        SignedTree(tmp_path, key[0]).receipt(0)
