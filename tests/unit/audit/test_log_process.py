"""The log writer's process and its clients over a real socket: many at once, one flush, a signed tree behind it, a restart between.

Threats: T3, T14.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from signer.audit.checkpoint import load_note_key, read_checkpoint
from signer.audit.fsck import inspect_log
from signer.audit.log_client import LogClient, LogConfig
from signer.audit.log_file import read_log
from signer.config import load_config
from signer.deadline import Deadline
from signer.errors import ApplianceError
from tests.conftest import free_port_base
from tests.log_writers import log_writer
from tests.made_appliances import make


@pytest.fixture(scope="module")
def config_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo appliance that nobody started."""
    directory = tmp_path_factory.mktemp("log-writer")
    make(directory, free_port_base())
    return directory / "signer.toml"


@pytest.fixture
def config(config_file: Path) -> LogConfig:
    return load_config(config_file).log


def test_many_threads_get_places_of_their_own(config_file: Path, config: LogConfig) -> None:
    places: dict[int, bytes] = {}
    before = len(list(read_log(config.file)))
    with log_writer(config_file):
        client = LogClient(config.socket)

        def work(name: int) -> None:
            for number in range(20):
                entries = [f"{name}/{number}/{part}".encode() for part in range(3)]
                receipts = client.append(entries, Deadline.after(10))
                assert [receipt.entry for receipt in receipts] == entries
                assert receipts[2].index == receipts[0].index + 2
                places.update({receipt.index: receipt.entry for receipt in receipts})

        threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()
    entries = list(read_log(config.file))
    assert len(entries) == before + 8 * 20 * 3 + 3  # and the writer's start, configuration and stop
    assert all(entries[index] == entry for index, entry in places.items())


def test_start_and_stop_and_the_configuration_are_entries_under_a_checkpoint(
    config_file: Path, config: LogConfig
) -> None:
    with log_writer(config_file):
        pass
    kinds = [json.loads(entry)["kind"] for entry in list(read_log(config.file))[-3:]]
    assert kinds == ["start", "configuration", "stop"]
    checkpoint = read_checkpoint((config.directory / "checkpoint").read_text())
    assert checkpoint.size == len(list(read_log(config.file)))
    key = load_note_key(config.public_key_file, config.log_id)
    assert not inspect_log(config.directory, key, journal=config.file).damages


def test_without_a_writer_nothing_is_released_and_it_comes_back(config_file: Path, config: LogConfig) -> None:
    client = LogClient(config.socket)
    with pytest.raises(ApplianceError, match="can't be reached"):
        client.append([b"x"], Deadline.after(1))
    with log_writer(config_file):
        first = client.append([b"x"], Deadline.after(5))[0].index
    with log_writer(config_file):
        assert client.append([b"y"], Deadline.after(5))[0].index == first + 4
    client.close()


def test_nonsense_on_the_socket_costs_only_its_connection(config_file: Path, config: LogConfig) -> None:
    with log_writer(config_file):
        for nonsense in (b"\xff" * 100, b"\x00\x00\x00\x05\x00\x00\x00\xffa", b"\x00"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as raw:
                raw.connect(str(config.socket))
                raw.sendall(nonsense)
        client = LogClient(config.socket)
        assert client.append([b"x"], Deadline.after(5))
        client.close()


def test_kill_9_at_any_moment_loses_no_receipt_and_the_log_never_forks(config_file: Path, config: LogConfig) -> None:
    """Appends go on from four threads while the writer is killed again and again; every checkpoint that was ever seen is kept."""
    receipts: dict[int, bytes] = {}
    checkpoints: list[str] = []
    stop = threading.Event()
    client = LogClient(config.socket)

    def work(name: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                receipt = client.append([f"{name}-{number}-{os.urandom(4).hex()}".encode()], Deadline.after(5))[0]
            except ApplianceError:
                time.sleep(0.01)
                continue
            assert receipts.setdefault(receipt.index, receipt.entry) == receipt.entry

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        with log_writer(config_file) as process:
            until = time.monotonic() + 0.4 + int.from_bytes(os.urandom(1), "big") / 300
            while time.monotonic() < until:
                checkpoints.append((config.directory / "checkpoint").read_text())
                time.sleep(0.05)
            process.kill()
            process.wait()
    stop.set()
    for thread in threads:
        thread.join()
    with log_writer(config_file):
        pass
    client.close()
    entries = list(read_log(config.file))
    assert receipts
    assert all(entries[index] == entry for index, entry in receipts.items())
    key = load_note_key(config.public_key_file, config.log_id)
    remembered = [read_checkpoint(text) for text in dict.fromkeys(checkpoints)]
    found = inspect_log(config.directory, key, remembered=remembered, journal=config.file)
    assert not found.damages
    assert found.entries == len(entries)
