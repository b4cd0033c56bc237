"""Tiles and checkpoints on a real disk: proofs from them hold, an interrupted integration is done again, damage is told."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import gmssl_pyx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring import metrics
from signer.algorithms import SignMessage, load_public_key, sm2
from signer.audit.checkpoint import CheckpointError, NoteKey, cosign, read_checkpoint, verify_checkpoint, verify_note
from signer.audit.log_file import LogFile
from signer.audit.merkle import SM3, consistency_proof, inclusion_proof, root_of, verify_consistency, verify_inclusion
from signer.audit.tiles import Tiles, bundle_path, tile_path
from signer.audit.tree import EVERY_S, Integrator, Tree
from signer.errors import ConfigurationError, VerificationError
from tests.sm2_keys import new_sm2_key


@pytest.fixture(scope="module")
def key() -> tuple[NoteKey, SignMessage]:
    spki, sign = new_sm2_key()
    return NoteKey("log.example/one", load_public_key(spki)), sign


@pytest.fixture(scope="module")
def signed_text(key: tuple[NoteKey, SignMessage]) -> str:
    return cosign("log.example/one\n7\n" + "A" * 43 + "=\n\n", key[0], key[1])


def _entries(first: int, count: int) -> list[bytes]:
    return [f"entry {number}".encode() * (number % 5 + 1) for number in range(first, first + count)]


def _grown(folder: Path, key: tuple[NoteKey, SignMessage], *steps: int) -> Tree:
    tree = Tree(folder, key[0])
    for step in steps:
        tree.integrate(_entries(tree.size, step), key[1])
    return tree


def test_paths_are_those_of_tlog_tiles() -> None:
    assert tile_path(0, 0, 256) == "tile/0/000"
    assert tile_path(1, 1234067, 256) == "tile/1/x001/x234/067"
    assert tile_path(0, 273, 112) == "tile/0/273.p/112"
    assert bundle_path(1000, 256) == "tile/entries/x001/000"


@pytest.mark.parametrize("steps", [(1,), (255, 1), (256,), (256, 1), (257,), (300, 300, 300), (1,) * 20, (66_000,)])
def test_proofs_from_tiles_hold(tmp_path: Path, key: tuple[NoteKey, SignMessage], steps: tuple[int, ...]) -> None:
    tree = _grown(tmp_path, key, *steps)
    size = sum(steps)
    checkpoint = verify_checkpoint((tmp_path / "checkpoint").read_text(), "log.example/one", key[0])
    assert (checkpoint.size, tree.size) == (size, size)
    tiles = Tiles(tmp_path)
    read = partial(tiles.node, size)
    leaves = [SM3.leaf(entry) for entry in _entries(0, size)]
    assert checkpoint.root == root_of(SM3, read, size)
    for index in {0, size - 1, size // 2, random.randrange(size)}:
        proof = inclusion_proof(SM3, read, index, size)
        verify_inclusion(SM3, leaves[index], index, size, proof, checkpoint.root)
        assert tiles.entry(index, size) == _entries(index, 1)[0]
    old = max(1, size // 3)
    old_root = root_of(SM3, read, old)
    verify_consistency(SM3, old, old_root, size, checkpoint.root, consistency_proof(SM3, read, old, size))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=2, max_size=6))
def test_a_tree_goes_on_where_another_stopped(
    tmp_path_factory: pytest.TempPathFactory, key: tuple[NoteKey, SignMessage], steps: list[int]
) -> None:
    folder, other = tmp_path_factory.mktemp("a"), tmp_path_factory.mktemp("b")
    for step in steps:
        tree = Tree(folder, key[0])
        tree.open()
        tree.integrate(_entries(tree.size, step), key[1])
    _grown(other, key, sum(steps))
    assert (
        read_checkpoint((folder / "checkpoint").read_text()).root
        == read_checkpoint((other / "checkpoint").read_text()).root
    )


def test_what_was_written_before_a_crash_is_written_again(tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> None:
    _grown(tmp_path, key, 200)

    def die(_: bytes) -> bytes:
        raise KeyboardInterrupt

    tree = Tree(tmp_path, key[0])
    tree.open()
    with pytest.raises(KeyboardInterrupt):
        tree.integrate(_entries(200, 700), die)  # tiles are there, the checkpoint is not
    tree = Tree(tmp_path, key[0])
    tree.open()
    assert tree.size == 200
    assert tree.integrate(_entries(200, 700), key[1])
    again = Tree(tmp_path, key[0])
    again.open()
    assert again.size == 900


def test_partial_tiles_that_nobody_needs_go(tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> None:
    _grown(tmp_path, key, *[7] * 60)
    partial_files = list((tmp_path / "tile").rglob("*.p/*"))
    assert len(partial_files) <= 2 * 3  # two checkpoints, tiles of two levels and bundles


def test_a_wrong_signature_makes_no_checkpoint(tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> None:
    tree = Tree(tmp_path, key[0])
    with pytest.raises(VerificationError):
        tree.integrate(_entries(0, 3), lambda _: sm2.encode_signature(bytes(31) + b"\x01" + bytes(31) + b"\x01"))
    assert not (tmp_path / "checkpoint").exists()


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "checkpoint"])
def test_damage_is_told_when_the_tree_is_opened(tmp_path: Path, key: tuple[NoteKey, SignMessage], path: str) -> None:
    _grown(tmp_path, key, 300)
    file = tmp_path / path
    content = bytearray(file.read_bytes())
    content[5] ^= 1
    file.write_bytes(content)
    if path == "tile/0/000":
        Tree(tmp_path, key[0]).open()  # level 1 vouches for it; fsck reads everything
        return
    with pytest.raises(ConfigurationError):
        Tree(tmp_path, key[0]).open()


def test_another_logs_checkpoint_and_a_strangers_are_refused(key: tuple[NoteKey, SignMessage], tmp_path: Path) -> None:
    _grown(tmp_path, key, 5)
    text = (tmp_path / "checkpoint").read_text()
    with pytest.raises(CheckpointError, match="not of"):
        verify_checkpoint(text, "log.example/two", key[0])
    spki, sign = new_sm2_key()
    stranger = NoteKey("log.example/one", load_public_key(spki))
    with pytest.raises(CheckpointError, match="not signed"):
        verify_checkpoint(text, "log.example/one", stranger)
    witness = NoteKey("witness.example", load_public_key(spki))
    both = cosign(text, witness, sign)
    assert verify_note(both, [key[0], witness]) == {"log.example/one", "witness.example"}
    assert verify_checkpoint(both, "log.example/one", key[0]).size == 5


@settings(max_examples=200)
@given(st.data())
def test_no_changed_byte_of_a_checkpoint_passes(
    key: tuple[NoteKey, SignMessage], signed_text: str, data: st.DataObject
) -> None:
    text = signed_text
    changed = bytearray(text.encode())
    place = data.draw(st.integers(0, len(changed) - 1))
    changed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises((CheckpointError, UnicodeDecodeError)):
        verify_checkpoint(bytes(changed).decode(), "log.example/one", key[0])


@given(st.text(max_size=200) | st.from_regex(r"\A[a-z]+\n[0-9]+\n[A-Za-z0-9+/=]+\n\n— [a-z]+ [A-Za-z0-9+/=]+\n\Z"))
def test_what_is_no_checkpoint_is_told(key: tuple[NoteKey, SignMessage], text: str) -> None:
    with pytest.raises(CheckpointError):
        verify_checkpoint(text, "log.example/one", key[0])


def test_the_signature_is_right_for_gmssl(tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> None:
    import base64

    _grown(tmp_path, key, 5)
    body, _, line = (tmp_path / "checkpoint").read_text().partition("\n\n")
    signature = base64.b64decode(line.split(" ")[2])[4:]
    assert gmssl_pyx.sm2_verify(key[0].public_key.spki[-64:], body.encode() + b"\n", signature)


def test_the_integrator_stays_close_behind_the_journal(tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> None:
    journal = LogFile.open(tmp_path / "log", "l")
    integrator = Integrator(lambda: Tree(tmp_path, key[0]), journal.tail.read, lambda: journal.count, key[1])
    integrator.start()
    until = time.monotonic() + 30
    for first in range(0, 600, 3):
        journal.append(_entries(first, 3))
    while _size(tmp_path) < 600 and time.monotonic() < until:
        time.sleep(0.05)
    assert _size(tmp_path) == 600
    journal.append(_entries(600, 1))
    integrator.stop()
    assert _size(tmp_path) == 601
    assert not integrator._thread.is_alive()
    journal.close()


def test_under_load_checkpoints_come_at_their_pace(tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> None:
    """There is always something new here: whatever is signed, another entry came meanwhile."""
    journal = LogFile.open(tmp_path / "log", "l")
    signed = []

    def sign(message: bytes) -> bytes:
        signed.append(journal.append(_entries(journal.count, 1)))
        return key[1](message)

    integrator = Integrator(lambda: Tree(tmp_path, key[0]), journal.tail.read, lambda: journal.count, sign)
    journal.append(_entries(0, 1))
    started = time.monotonic()
    integrator.start()
    _eventually(lambda: _size(tmp_path) >= 3)
    integrator.stop()
    assert 3 <= len(signed) <= (time.monotonic() - started) / EVERY_S + 1
    journal.close()


def test_what_no_checkpoint_covers_shows_while_none_can_be_signed(
    tmp_path: Path, key: tuple[NoteKey, SignMessage]
) -> None:
    broken = threading.Event()

    def sign(message: bytes) -> bytes:
        if broken.is_set():
            raise OSError("the log key's token is away")
        return key[1](message)

    journal = LogFile.open(tmp_path / "log", "l")
    integrator = Integrator(lambda: Tree(tmp_path, key[0]), journal.tail.read, lambda: journal.count, sign)
    integrator.start()
    journal.append(_entries(0, 3))
    _eventually(lambda: _size(tmp_path) == 3)
    broken.set()
    journal.append(_entries(3, 4))
    _eventually(lambda: metrics.log_unsigned_entries._value.get() == 4)
    broken.clear()
    _eventually(lambda: _size(tmp_path) == 7 and metrics.log_unsigned_entries._value.get() == 0)
    integrator.stop()
    journal.close()


def _eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def _size(folder: Path) -> int:
    file = folder / "checkpoint"
    return read_checkpoint(file.read_text()).size if file.exists() else 0
