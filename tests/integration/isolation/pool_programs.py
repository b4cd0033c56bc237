"""Run as a program: a process of a pool whose requests are commands to misbehave. Not a test: `test_pool` starts it.

Usage: python pool_programs.py {pool|fork} LISTEN_FD READY_FD [WALL_SECONDS [CROWDED_SECONDS]]
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

from isolation.fork_server import ForkLimits, ForkServer
from isolation.pool import serve_pool
from isolation.readiness import say_ready
from isolation.sandbox import SandboxLimits

_MIB = 1 << 20


def obey(request: bytes) -> bytes:
    """Does what the request says; answers with this process's number and the request."""
    command, _, argument = request.partition(b" ")
    if command == b"die":
        os.abort() if argument == b"abort" else os._exit(3)
    if command == b"die-once":
        marker = Path(argument.decode())
        if marker.exists():
            marker.unlink()
            os._exit(3)
    if command == b"sleep":
        time.sleep(float(argument))
    if command == b"spin":
        while True:
            pass
    if command == b"hoard":
        bytearray(int(argument) * _MIB)
    if command == b"long":
        return b"x" * int(argument)
    if command == b"read":
        return Path(argument.decode()).read_bytes()
    return b"%d %s" % (os.getpid(), request)


def main() -> None:
    kind, listen_fd, ready_fd = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    wall_seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 0.0
    listener = socket.socket(fileno=listen_fd)
    if kind == "pool":
        say_ready(ready_fd)
        serve_pool(listener, obey, limit=1_000, wall_seconds=wall_seconds)
    limits = ForkLimits(
        SandboxLimits(memory_bytes=300 * _MIB, cpu_seconds=1),
        wall_seconds=wall_seconds,
        children=2,
        request_bytes=1_000,
        crowded_seconds=float(sys.argv[5]) if len(sys.argv) > 5 else None,
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    say_ready(ready_fd)
    ForkServer(listener, obey, [], limits).serve()


if __name__ == "__main__":
    main()
