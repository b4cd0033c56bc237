"""kill -9 while the journal is rotated: no receipt is lost, the log never forks. An older copy of the log does not start (T13, T14).

Threat: T14.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from demo.appliance import signer
from signer.app.child_process import listen_on
from signer.audit.checkpoint import load_note_key, read_checkpoint
from signer.audit.fsck import inspect_log
from signer.audit.log_client import LogClient, LogConfig
from signer.audit.log_file import read_log
from signer.audit.log_records import first_index
from signer.audit.receipt import SignedTree
from signer.config import load_config
from signer.deadline import Deadline
from signer.errors import ApplianceError
from tests.conftest import free_port_base
from tests.log_writers import log_writer
from tests.made_appliances import make

_ENTRY_BYTES = 6_000  # so that a full bundle is more than the journal's limit


@pytest.fixture(scope="module")
def config_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo appliance that nobody started, with a small journal."""
    directory = tmp_path_factory.mktemp("rotation")
    make(directory, free_port_base())
    file = directory / "signer.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("\n[log]\n", "\n[log]\njournal_mebibytes = 1\n"), encoding="utf-8")
    return file


def _work(config: LogConfig, receipts: dict[int, bytes], stop: threading.Event) -> None:
    """Appends until it is told to end, as workers do; what a killed writer did not answer is not a receipt."""
    client, number = LogClient(config.socket), 0
    while not stop.is_set():
        number += 1
        entries = [
            f"{number}-{part}-".encode() + os.urandom(8).hex().encode() + b"." * _ENTRY_BYTES for part in range(32)
        ]
        try:
            answered = client.append(entries, Deadline.after(5))
        except ApplianceError:
            time.sleep(0.01)
            continue
        for receipt in answered:
            assert receipts.setdefault(receipt.index, receipt.entry) == receipt.entry
        time.sleep(0.02)
    client.close()


def _kill_while_it_rotates(config: LogConfig, process: subprocess.Popen[bytes], exchanged: bool, delay: float) -> None:
    """While the new file is being written, or as soon as it has taken the old one's place."""
    new, first = config.directory / ".log.rotated", first_index(config.file)
    until = time.monotonic() + 60
    while first_index(config.file) == first and (exchanged or not new.exists()):
        assert time.monotonic() < until, "the journal was not rotated"
    time.sleep(delay)
    process.kill()
    process.wait()


def test_kill_9_around_a_rotation_loses_no_receipt(config_file: Path) -> None:
    config = load_config(config_file).log
    receipts: dict[int, bytes] = {}
    remembered = []
    stop = threading.Event()
    worker = threading.Thread(target=_work, args=(config, receipts, stop))
    worker.start()
    try:
        for exchanged, delay in ((False, 0.0), (True, 0.0), (False, 0.003)):
            with log_writer(config_file) as process:
                _kill_while_it_rotates(config, process, exchanged, delay)
                remembered.append(read_checkpoint((config.directory / "checkpoint").read_text()))
    finally:
        stop.set()
        worker.join()
    with log_writer(config_file):
        pass
    assert receipts
    assert first_index(config.file) > 0
    key = load_note_key(config.public_key_file, config.log_id)
    found = inspect_log(config.directory, key, remembered=remembered, journal=config.file)
    assert not found.damages
    assert found.entries == first_index(config.file) + len(list(read_log(config.file)))
    tree = SignedTree(config.directory, key)
    for index in sorted(receipts)[:: max(1, len(receipts) // 200)]:
        assert tree.receipt(index).entry == receipts[index]


def _refused_start(config_file: Path) -> str:
    config = load_config(config_file)
    with listen_on(config.log.socket) as listener:
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "signer.app.log_writer", "--config", str(config_file)),
                *("--listen-fd", str(listener.fileno()), "--ready-fd", "1"),
            ],
            pass_fds=[listener.fileno()],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 1
    return ended.stderr


def test_an_older_copy_of_the_log_does_not_start_until_it_is_restarted(config_file: Path) -> None:
    config = load_config(config_file).log
    with log_writer(config_file):
        pass
    backup = shutil.copytree(config.directory, config_file.parent / "backup")
    with log_writer(config_file):
        pass
    last = config_file.parent / "last"
    shutil.copy(config.directory / "checkpoint", last)
    shutil.rmtree(config.directory)
    backup.rename(config.directory)
    assert "log-rolled-back" in _refused_start(config_file)
    restart = ("audit", "restart", "--config", str(config_file), "--previous-checkpoint", str(last))
    with pytest.raises(subprocess.CalledProcessError):
        signer(*restart)  # the old id is still configured
    text = config_file.read_text(encoding="utf-8")
    config_file.write_text(text.replace(f'id = "{config.log_id}"', 'id = "after-the-fire"'), encoding="utf-8")
    assert "not this appliance's log" in _refused_start(config_file)
    signer(*restart)
    with log_writer(config_file):
        pass
    entries = list(read_log(config.file))
    assert f"previous log {config.log_id}, size {read_checkpoint(last.read_text()).size}".encode() in entries[0]
    key = load_note_key(config.public_key_file, "after-the-fire")
    assert not inspect_log(config.directory, key, journal=config.file).damages
