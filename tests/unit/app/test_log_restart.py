"""A lost log begins anew under another id, linked to the last known head of the old one, and only so (T13)."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from asn1crypto import pem

from signer.algorithms import SignMessage
from signer.app.log_restart import restart_log
from signer.audit.checkpoint import CheckpointError, NoteKey
from signer.audit.fsck import inspect_log
from signer.audit.known_heads import refuse_older_copy, remember_head
from signer.audit.log_client import LogConfig
from signer.audit.log_file import LogFile, read_log
from signer.audit.receipt import SignedTree
from signer.audit.tree import Tree
from signer.errors import ConfigurationError
from tests.merkle_logs import new_log_key, same_length_entries


@pytest.fixture(scope="module")
def key() -> tuple[NoteKey, SignMessage]:
    return new_log_key("old/1")


@pytest.fixture
def lost(tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> LogConfig:
    """The log old/1 had 400 entries, and its folder was restored to 300; the configuration names the new log."""
    folder = tmp_path / "state" / "log"
    folder.mkdir(parents=True)
    tree = Tree(folder, key[0])
    tree.integrate(same_length_entries(300), key[1])
    journal = LogFile.open(folder / "log", "old/1")
    journal.append(same_length_entries(300))
    journal.close()
    backup = shutil.copytree(folder, tmp_path / "backup")
    newest = tree.integrate(same_length_entries(400)[300:], key[1])
    assert newest is not None
    remember_head(tmp_path / "state" / "log-head", newest)
    (tmp_path / "last").write_text(newest.text)
    shutil.rmtree(folder)
    backup.rename(folder)
    (tmp_path / "log.pem").write_bytes(pem.armor("PUBLIC KEY", key[0].public_key.spki))
    return LogConfig(folder, tmp_path / "log.sock", "new/2", tmp_path / "log.pem", tmp_path / "state" / "log-head")


def _first_entry(config: LogConfig) -> dict[str, str]:
    entry: dict[str, str] = json.loads(next(read_log(config.file)))
    return entry


def test_the_new_log_begins_with_the_head_of_the_old_one(
    lost: LogConfig, tmp_path: Path, key: tuple[NoteKey, SignMessage]
) -> None:
    restarted = restart_log(lost, tmp_path / "last")
    assert restarted.previous.size == 400
    entry = _first_entry(lost)
    assert entry["kind"] == "restart"
    root = restarted.previous.root.hex()
    assert entry["detail"] == f"previous log old/1, size 400, root {root}; its folder has 300 entries"
    assert restarted.put_aside == lost.directory.with_name("log.old_1")
    assert SignedTree(restarted.put_aside, key[0]).checkpoint().size == 300  # kept whole
    assert not lost.head_file.exists()
    assert (restarted.put_aside / "log-head-before-restart").exists()
    new_key = NoteKey("new/2", key[0].public_key)
    journal = LogFile.open(lost.file, "new/2")
    refuse_older_copy(lost.directory, new_key, journal, [lost.head_file])
    Tree(lost.directory, new_key).integrate(list(read_log(lost.file)), key[1])
    journal.close()
    assert not inspect_log(lost.directory, new_key, journal=lost.file).damages


def _start_writer(state: Path, key: NoteKey) -> None:
    """As far as the log writer's start judges the folder."""
    journal = LogFile.open(state / "log" / "log", key.name)
    try:
        refuse_older_copy(state / "log", key, journal, [state / "log-head"])
    finally:
        journal.close()


def test_nothing_starts_in_between_and_the_command_goes_on(
    lost: LogConfig, tmp_path: Path, key: tuple[NoteKey, SignMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted at each of its renames: a writer is refused, and the same command brings it to its end."""
    rename = Path.rename
    new_key = NoteKey("new/2", key[0].public_key)
    for step, survived in enumerate((0, 1, 1)):  # the second and third go on from where the one before was interrupted
        done = 0

        def interrupted(self: Path, target: Path, limit: int = survived) -> Path:
            nonlocal done
            if done == limit:
                raise KeyboardInterrupt
            done += 1
            return rename(self, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", interrupted)
            with pytest.raises(KeyboardInterrupt):
                restart_log(lost, tmp_path / "last")
        copy = shutil.copytree(tmp_path / "state", tmp_path / f"copy-{step}")
        with pytest.raises(ConfigurationError):
            _start_writer(copy, new_key)
        config = replace(lost, directory=copy / "log", head_file=copy / "log-head")
        assert restart_log(config, tmp_path / "last").put_aside == copy / "log.old_1"
        assert _first_entry(config)["detail"].endswith("its folder has 300 entries")


def test_what_can_not_be_linked_is_refused(lost: LogConfig, tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> None:
    with pytest.raises(ConfigurationError, match="still names the old log"):
        restart_log(replace(lost, log_id="old/1"), tmp_path / "last")
    with pytest.raises(ConfigurationError, match="can't be read"):
        restart_log(lost, tmp_path / "nothing")
    (tmp_path / "forged").write_text((tmp_path / "last").read_text().replace("\n400\n", "\n401\n"))
    with pytest.raises(CheckpointError):
        restart_log(lost, tmp_path / "forged")
    writer = LogFile.open(lost.file, "old/1")
    with pytest.raises(ConfigurationError, match="another process writes"):
        restart_log(lost, tmp_path / "last")
    writer.close()
    restart_log(lost, tmp_path / "last")
    begun = replace(lost, log_id="new/2")
    (tmp_path / "other").mkdir()
    other = NoteKey("third/3", key[0].public_key)
    checkpoint = Tree(tmp_path / "other", other).integrate([b"x"], key[1])
    assert checkpoint is not None
    (tmp_path / "third").write_text(checkpoint.text)
    with pytest.raises(ConfigurationError, match="has begun already"):
        restart_log(begun, tmp_path / "third")


def test_a_folder_that_is_gone_is_said_to_be_lost(lost: LogConfig, tmp_path: Path) -> None:
    shutil.rmtree(lost.directory)
    assert restart_log(lost, tmp_path / "last").put_aside is None
    assert _first_entry(lost)["detail"].endswith("its folder is lost")
