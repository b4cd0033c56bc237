"""Starts a real inspector pool for tests, the way the supervisor does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from asn1crypto import pem

from signer.pades.inspector import Inspector, InspectorConfig


@dataclass(frozen=True)
class InspectorPool:
    """A running pool. `process`: its parent."""

    socket: Path
    process: subprocess.Popen[bytes]

    def client(self, timeout: float = 60.0) -> Inspector:
        """A client of the pool."""
        return Inspector.from_config(InspectorConfig(self.socket, timeout))


def write_anchors(directory: Path, anchors: Sequence[bytes]) -> Path:
    """A directory with the anchors as PEM files."""
    directory.mkdir(parents=True, exist_ok=True)
    for number, der in enumerate(anchors):
        (directory / f"anchor-{number}.pem").write_bytes(pem.armor("CERTIFICATE", der))
    return directory


@contextmanager
def inspector_pool(directory: Path, anchors: Sequence[bytes], *, children: int = 2) -> Iterator[InspectorPool]:
    """A pool that trusts those anchors (DER); ends with the context."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "inspector.sock"
    ready_read, ready_write = os.pipe()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(64)
        arguments = [sys.executable, "-m", "signer.pades.inspector_process", "--children", str(children)]
        arguments += ["--anchors", str(write_anchors(directory / "anchors", anchors))]
        arguments += ["--listen-fd", str(listener.fileno()), "--ready-fd", str(ready_write)]
        process = subprocess.Popen(arguments, pass_fds=[listener.fileno(), ready_write])
        os.close(ready_write)
    try:
        assert os.read(ready_read, 1) == b"1", "the inspector did not start"
        yield InspectorPool(path, process)
    finally:
        os.close(ready_read)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
