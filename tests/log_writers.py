"""The log writer's process alone, of a demo appliance that nobody started."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from signer.app.child_process import listen_on
from signer.config import load_config


@contextmanager
def log_writer(config_file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A writer that takes entries; ended by SIGTERM unless it was killed before."""
    listener = listen_on(load_config(config_file).log.socket)
    ready, say_ready = socket.socketpair()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "signer.app.log_writer", "--config", str(config_file)),
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
    assert process.wait(10) in (0, -signal.SIGKILL)
