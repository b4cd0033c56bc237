"""The log writer's process and its clients over a real socket: many at once, one flush, a restart in between."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from signer.app.child_process import listen_on
from signer.audit.log_client import LogClient
from signer.audit.log_file import read_log
from signer.deadline import Deadline
from signer.errors import ApplianceError


@contextmanager
def _writer(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    listener = listen_on(folder / "log.sock")
    ready, say_ready = socket.socketpair()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "signer.app.log_writer", "--file", str(folder / "log"), "--log-id", "l"),
            *("--listen-fd", str(listener.fileno()), "--ready-fd", str(say_ready.fileno())),
        ],
        pass_fds=[listener.fileno(), say_ready.fileno()],
    )
    say_ready.close()
    listener.close()
    assert ready.recv(1) == b"1"
    ready.close()
    yield process
    process.terminate()
    assert process.wait(10) == 0


def test_many_threads_get_places_of_their_own(tmp_path: Path) -> None:
    places: dict[int, bytes] = {}
    with _writer(tmp_path):
        client = LogClient(tmp_path / "log.sock")

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
    entries = list(read_log(tmp_path / "log"))
    assert len(entries) == 8 * 20 * 3 + 2  # and the writer's start and stop
    assert all(entries[index] == entry for index, entry in places.items())


def test_without_a_writer_nothing_is_released_and_it_comes_back(tmp_path: Path) -> None:
    client = LogClient(tmp_path / "log.sock")
    with pytest.raises(ApplianceError, match="can't be reached"):
        client.append([b"x"], Deadline.after(1))
    with _writer(tmp_path):
        assert client.append([b"x"], Deadline.after(5))[0].index == 1
    with _writer(tmp_path):
        assert client.append([b"y"], Deadline.after(5))[0].index == 4
    client.close()


def test_nonsense_on_the_socket_costs_only_its_connection(tmp_path: Path) -> None:
    with _writer(tmp_path):
        for nonsense in (b"\xff" * 100, b"\x00\x00\x00\x05\x00\x00\x00\xffa", b"\x00"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as raw:
                raw.connect(str(tmp_path / "log.sock"))
                raw.sendall(nonsense)
        client = LogClient(tmp_path / "log.sock")
        assert client.append([b"x"], Deadline.after(5))
        client.close()
