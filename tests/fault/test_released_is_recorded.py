"""kill -9 of any process at random moments under load: whatever was released is in the log, provably, and the log never forks.

Threats: T3, T14.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from signer.audit.checkpoint import Checkpoint, NoteKey, load_note_key, read_checkpoint, verify_checkpoint
from signer.audit.fsck import inspect_log
from signer.audit.receipt import SignedTree
from signer.audit.tiles import WIDTH, Tiles
from signer.client import Connection, RemoteError
from signer.config import load_config
from signer.v1 import signing_pb2 as sig
from signer.v1 import types_pb2 as types
from tests.conftest import RunningAppliance, free_port_base
from tests.fault.deaths import eventually_signs, kill_at_random
from tests.fault.small_disk import fill_and_free, put_state_on, small_disk
from tests.made_appliances import running

# Inclusion proofs from tiles, each with a dozen files to read; of ten minutes' hundred thousand receipts, so many are taken at random.
_PROVEN_ONE_BY_ONE = 5_000
_KILLED = ("worker-0", "worker-1", "log-writer", "clock", "front", "exporter")


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An appliance of this module's own, to be broken."""
    directory, port = tmp_path_factory.mktemp("recorded"), free_port_base()
    with running(directory, port) as process:
        yield RunningAppliance(directory, port, process.pid)


class _Witness:
    """Keeps every checkpoint that it sees, as somebody outside would."""

    def __init__(self, folder: Path, key: NoteKey) -> None:
        self._folder = folder
        self._key = key
        self.kept: dict[int, Checkpoint] = {}

    def look(self) -> None:
        """Two different checkpoints over the same size would be a fork."""
        try:
            text = (self._folder / "checkpoint").read_text()
        except OSError:
            return
        seen = verify_checkpoint(text, self._key.name, self._key)
        assert self.kept.setdefault(seen.size, seen).root == seen.root


def _keep_signing(appliance: RunningAppliance, stop: threading.Event, released: list[types.LogReceipt]) -> None:
    one = sig.SignRequest(key="message-sm2", message=b"m")
    while not stop.is_set():
        with suppress(RemoteError), Connection(appliance.profile, timeout=5) as connection:
            while not stop.is_set():
                released.append(connection.call(connection.signing.Sign, one).receipt)
                batch = connection.call(connection.signing.SignBatch, sig.SignBatchRequest(requests=[one] * 5))
                released += [item.response.receipt for item in batch.results if item.HasField("response")]


@dataclass
class _Storm:
    """What came of one."""

    released: list[types.LogReceipt]
    witness: _Witness
    times_full: int = 0


def _storm(appliance: RunningAppliance, seconds: float, seed: int, disk: Path | None = None) -> _Storm:
    """`disk`: what the appliance's state is on; filled to the last byte and freed again and again meanwhile."""
    log = load_config(appliance.directory / "signer.toml").log
    witness = _Witness(log.directory, load_note_key(log.public_key_file, log.log_id))
    storm = _Storm([], witness)
    stop = threading.Event()
    threads = [threading.Thread(target=_keep_signing, args=(appliance, stop, storm.released)) for _ in range(4)]
    threads.append(threading.Thread(target=kill_at_random, args=(appliance, _KILLED, stop, seed)))
    if disk is not None:
        threads.append(threading.Thread(target=_fill_and_free, args=(disk, stop, seed, storm)))
    for thread in threads:
        thread.start()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        witness.look()
        time.sleep(0.1)
    stop.set()
    for thread in threads:
        thread.join()
    eventually_signs(appliance)
    return storm


def _fill_and_free(disk: Path, stop: threading.Event, seed: int, storm: _Storm) -> None:
    storm.times_full = fill_and_free(disk, stop, seed)


def _check(appliance: RunningAppliance, storm: _Storm) -> None:
    released, witness = storm.released, storm.witness
    log = load_config(appliance.directory / "signer.toml").log
    key = load_note_key(log.public_key_file, log.log_id)
    wanted = max(receipt.index for receipt in released)
    tree, until = SignedTree(log.directory, key), time.monotonic() + 60
    while tree.checkpoint().size <= wanted:
        assert time.monotonic() < until, "no checkpoint covers what was released"
        time.sleep(0.1)
    assert len({receipt.index for receipt in released}) == len(released), "an index stands for one entry"
    _compare(log.directory, tree.checkpoint().size, released)
    for receipt in random.Random(1).sample(released, min(len(released), _PROVEN_ONE_BY_ONE)):
        assert tree.receipt(receipt.index).entry == receipt.entry  # verifies its proof
    found = inspect_log(log.directory, key, remembered=list(witness.kept.values()))
    assert found.damages == []
    assert read_checkpoint((log.directory / "checkpoint").read_text()).size >= max(witness.kept)


def _compare(folder: Path, size: int, released: list[types.LogReceipt]) -> None:
    """Every receipt's entry is the one under the signed tree, whose root `inspect_log` computes anew from all entries."""
    tiles = Tiles(folder)
    entries = [entry for bundle in range(-(-size // WIDTH)) for entry in tiles.entries(bundle, size)]
    assert [entries[receipt.index] for receipt in released] == [receipt.entry for receipt in released]


def test_what_was_released_is_in_the_log(fragile: RunningAppliance) -> None:
    _check(fragile, _storm(fragile, seconds=8, seed=20261126))


@pytest.mark.soak
def test_what_was_released_is_in_the_log_after_ten_minutes(fragile: RunningAppliance) -> None:
    storm = _storm(fragile, seconds=600, seed=7)
    assert len(storm.released) > 1000
    _check(fragile, storm)


@pytest.fixture(scope="module")
def on_a_small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningAppliance, Path]]:
    """An appliance whose state is on a disk of its own, and that disk."""
    folder, port = tmp_path_factory.mktemp("small"), free_port_base()
    directory = folder / "appliance"
    with small_disk(folder, 64) as disk:
        put_state_on(disk, directory)
        with running(directory, port) as process:
            yield RunningAppliance(directory, port, process.pid), disk


def test_what_was_released_is_in_the_log_though_the_disk_fills_up(
    on_a_small_disk: tuple[RunningAppliance, Path],
) -> None:
    appliance, disk = on_a_small_disk
    storm = _storm(appliance, seconds=10, seed=11, disk=disk)
    assert storm.times_full >= 2
    _check(appliance, storm)


@pytest.mark.soak
def test_what_was_released_is_in_the_log_after_ten_minutes_of_a_disk_that_fills_up(
    on_a_small_disk: tuple[RunningAppliance, Path],
) -> None:
    appliance, disk = on_a_small_disk
    storm = _storm(appliance, seconds=600, seed=13, disk=disk)
    assert len(storm.released) > 500
    assert storm.times_full > 50
    _check(appliance, storm)
