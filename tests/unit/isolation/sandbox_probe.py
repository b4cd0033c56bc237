"""Run as a program: enters the sandbox, then tries what must not work and what must, and prints each attempt's outcome as JSON.

Usage: python sandbox_probe.py READABLE_DIRECTORY SECRET_FILE {forks|plain}. Not a test: `test_sandbox` reads what it prints.
An outcome is "done" or the name of the error ("EPERM").
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from isolation.sandbox import SandboxLimits, enter_sandbox
from isolation.seccomp import Calls

_MIB = 1 << 20


def _outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as problem:
        return errno.errorcode.get(problem.errno or 0, str(problem))
    except (MemoryError, ValueError) as problem:
        return type(problem).__name__
    return "done"


def _system_call(number: int, *arguments: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "system call")


def _prctl(option: int) -> int:
    return int(ctypes.CDLL(None).prctl(option, 0, 0, 0, 0))


def _fork() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _thread() -> None:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()


def _capabilities() -> str:
    lines = Path("/proc/self/status").read_text().splitlines()
    return " ".join(line.split()[1] for line in lines if line.startswith(("CapInh", "CapPrm", "CapEff")))


def _forbidden(readable: Path, secret: Path, open_before: socket.socket) -> dict[str, Callable[[], object]]:
    """What must fail."""
    return {
        "new inet socket": lambda: socket.socket(socket.AF_INET),
        "new unix socket": lambda: socket.socket(socket.AF_UNIX),
        "connect": lambda: open_before.connect("/tmp/nobody"),
        "bind": lambda: open_before.bind("\0other"),
        "listen": lambda: open_before.listen(),
        "execute": lambda: os.execv("/bin/true", ["true"]),
        "run a program": lambda: subprocess.run(["/bin/true"], check=True),
        "signal another": lambda: os.kill(os.getppid(), 0),
        "trace another": lambda: _system_call(101 if os.uname().machine == "x86_64" else 117, 16, os.getppid(), 0, 0),
        "io_uring": lambda: _system_call(425, 1, 0),
        "new mount interface": lambda: _system_call(430, 0, 0),
        "read a secret": secret.read_bytes,
        "read the accounts": Path("/etc/passwd").read_bytes,
        "list the root": lambda: list(Path("/").iterdir()),
        "write where it may read": lambda: (readable / "new").write_text("x"),
        "delete where it may read": (readable / "allowed.txt").unlink,
        "create elsewhere": lambda: Path("/tmp/probe-made").write_text("x"),
        "raise its limits": lambda: resource.setrlimit(
            resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        ),
        "take much memory": lambda: bytearray(500 * _MIB),
        "open many files": lambda: [os.dup(0) for _ in range(40)],
        "fork": _fork,
    }


def main() -> None:
    readable, secret, mode = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"\0probe-{os.getpid()}")
    listener.listen()
    open_before, far_end = socket.socketpair()
    client = socket.socket(socket.AF_UNIX)
    client.connect(listener.getsockname())
    report = enter_sandbox(
        readable=[readable, Path("/proc/self/status")],
        limits=SandboxLimits(
            memory_bytes=400 * _MIB,
            cpu_seconds=60,
            open_files=32,
            may=Calls.FORK if mode == "forks" else Calls.NONE,
        ),
    )
    attempts = _forbidden(readable, secret, open_before)
    outcomes = {name: _outcome(attempt) for name, attempt in attempts.items()}
    for number in range(3, 32):
        if number not in {listener.fileno(), open_before.fileno(), far_end.fileno(), client.fileno()}:
            try:
                os.close(number)
            except OSError:
                continue
    allowed: dict[str, Callable[[], object]] = {
        "read what is allowed": (readable / "allowed.txt").read_bytes,
        "accept": listener.accept,
        "use an open socket": lambda: far_end.recv(open_before.send(b"x")),
        "socket pair": socket.socketpair,
        "start a thread": _thread,
        "set an alarm": lambda: signal.setitimer(signal.ITIMER_REAL, 0),
    }
    outcomes |= {name: _outcome(attempt) for name, attempt in allowed.items()}
    facts = {
        "no_new_privileges": _prctl(39),
        "dumpable": _prctl(3),
        "seccomp": _prctl(21),
        "core": resource.getrlimit(resource.RLIMIT_CORE)[1],
        "capabilities": _capabilities(),
        "filtered": report.system_calls_filtered,
        "landlock": report.landlock_abi,
    }
    sys.stdout.write(json.dumps({"outcomes": outcomes, "facts": facts}))


if __name__ == "__main__":
    main()
