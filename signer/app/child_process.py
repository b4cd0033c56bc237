"""How the supervisor's processes start: what they inherit, how they say that they are ready, when they end.

A child gets its listening socket and a ready pipe as inherited descriptors, and its role and configuration as arguments.
"""

from __future__ import annotations

import argparse
import os
import pwd
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isolation.readiness import LONGEST_MESSAGE, read_report
from signer.app.processors import settle


@dataclass(frozen=True)
class ChildSpec:
    """What to start. `arguments`: after `python -m`. `listener`: inherited as --listen-fd. `environment`: added to ours.

    `processors`: the only ones that it runs on, by turns of its threads (`processors.settle`); empty: all, and as the kernel likes.
    `takes_hangup`: is sent on SIGHUP, to read its files again. `user`: whom it runs as; None: as ourselves.
    `shares_group`: it keeps our group, for what we and it both read; otherwise it has its own user's groups alone.
    """

    name: str
    arguments: tuple[str, ...]
    listener: socket.socket | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    remove_environment: tuple[str, ...] = ()
    processors: frozenset[int] = frozenset()
    ready_within: float = 180.0
    takes_hangup: bool = False
    user: str | None = None
    shares_group: bool = False


class Child:
    """A running process of ours."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.started = time.monotonic()
        self.started_at = time.time()
        self.ready = False
        self.isolation: Mapping[str, Any] = {}  # what it told when it became ready
        read_end, write_end = os.pipe()
        inherited = [write_end] + ([spec.listener.fileno()] if spec.listener is not None else [])
        arguments: Sequence[str] = [sys.executable, "-m", *spec.arguments, "--ready-fd", str(write_end)]
        if spec.listener is not None:
            arguments = [*arguments, "--listen-fd", str(spec.listener.fileno())]
        environment = {name: value for name, value in os.environ.items() if name not in spec.remove_environment}
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
                arguments,
                pass_fds=inherited,
                env={**environment, **spec.environment},
                stdin=subprocess.DEVNULL,
                **_identity(spec),
            )
        finally:
            os.close(write_end)
        if spec.processors:
            with suppress(OSError):  # gone already, or not allowed here: it only runs slower
                settle(self._process.pid, spec.processors)
        self._ready_pipe = read_end
        os.set_blocking(read_end, False)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def poll_ready(self) -> bool:
        """True once the child has said that it works."""
        if not self.ready:
            with suppress(BlockingIOError):
                message = os.read(self._ready_pipe, LONGEST_MESSAGE)
                self.ready = message != b""
                self.isolation = read_report(message)
        return self.ready

    def poll_exit(self) -> int | None:
        """The exit status, None while it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal; a dead child takes none."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def wait(self, seconds: float) -> bool:
        """True when it ended within that time."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def close(self) -> None:
        """Closes our end of the ready pipe."""
        os.close(self._ready_pipe)


def _identity(spec: ChildSpec) -> dict[str, Any]:
    """What Popen takes to start it as another user."""
    if spec.user is None:
        return {}
    account = pwd.getpwnam(spec.user)
    if spec.shares_group:
        return {"user": account.pw_uid, "group": os.getegid(), "extra_groups": [account.pw_gid]}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


class SignalWait:
    """Signals that a process waits for between other things; made in its main thread.

    Not by `signal.sigtimedwait`: in Python 3.11 it answers with an uninitialised record, of any signal's number, when it is
    interrupted (a debugger, SIGSTOP and SIGCONT) and the time is over then.
    """

    def __init__(self, *wanted: signal.Signals) -> None:
        self._wanted = wanted
        self._came, self._write = socket.socketpair()
        self._write.setblocking(False)
        signal.set_wakeup_fd(self._write.fileno())
        for number in wanted:
            signal.signal(number, lambda *_: None)

    def wait(self, seconds: float) -> signal.Signals | None:
        """The next of them, each as often as it came; None after that time."""
        ready, _, _ = select.select([self._came], [], [], seconds)
        number = self._came.recv(1)[0] if ready else 0
        return next((wanted for wanted in self._wanted if wanted == number), None)


def listening_child_options(description: str | None) -> argparse.Namespace:
    """What a process with an inherited listener is told: `config`, `port_base`, `listen_fd`, `ready_fd`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--port-base", type=int)
    parser.add_argument("--listen-fd", type=int, required=True)
    parser.add_argument("--ready-fd", type=int, required=True)
    return parser.parse_args()


def listen_on(path: Path, backlog: int = 256) -> socket.socket:
    """A listening unix socket that only we may connect to; one left over from a killed appliance is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(backlog)
    return listener


def listen_on_port(host: str, port: int, backlog: int = 1024) -> socket.socket:
    """A listening TCP socket that outlives the process that serves it. Raises OSError."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(backlog)
    return listener
