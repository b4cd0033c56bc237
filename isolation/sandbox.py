"""Takes away from the calling process what it does not need: privileges, core dumps, network, programs, files, memory, time.

Plain Linux through ctypes: capabilities, no_new_privs, rlimits, seccomp-BPF (`seccomp`), Landlock (`landlock`). Not a
container: user ids, mounts and namespaces are the service manager's.
"""

from __future__ import annotations

import ctypes
import errno
import resource
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isolation import landlock, seccomp

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522


@dataclass(frozen=True)
class SandboxLimits:
    """Bytes and seconds; `file_bytes` 0: nothing can be written to any file. `may_fork`: processes as well as threads.
    `may_connect_local`: to unix sockets; never to a network.

    The number of processes is no limit here: the kernel counts it over all processes of a user.
    """

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int = 0
    open_files: int = 64
    may_fork: bool = False
    may_connect_local: bool = False


@dataclass(frozen=True)
class SandboxReport:
    """What is in force. `landlock_abi` 0: the kernel has no Landlock, so files are guarded by their modes alone."""

    system_calls_filtered: bool
    landlock_abi: int


def enter_sandbox(*, readable: Sequence[Path], limits: SandboxLimits) -> SandboxReport:
    """Irrevocably. Open descriptors stay usable; `readable` is what can still be opened, for reading alone.

    Call it while the process has one thread: what a thread already running does would not be restricted.

    Raises:
        OSError: the kernel refuses, or there are other threads; the process must not go on then.
    """
    if _threads() != 1:
        raise OSError(errno.EBUSY, "a sandbox is entered before threads are started")
    library = ctypes.CDLL(None, use_errno=True)
    for option, value in ((_PR_SET_NO_NEW_PRIVS, 1), (_PR_SET_DUMPABLE, 0)):
        if library.prctl(option, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
    ):
        _lower_limit(kind, value)
    abi = landlock.allow_reading_only(readable)
    _drop_capabilities(library)  # before seccomp; without them not even root raises its limits again
    filtered = seccomp.deny_dangerous_calls(may_fork=limits.may_fork, may_connect_local=limits.may_connect_local)
    return SandboxReport(filtered, abi)


def _threads() -> int:
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else threading.active_count()


def _drop_capabilities(library: ctypes.CDLL) -> None:
    """capset(2): none effective, permitted or inheritable. Without effect for a user who has none."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    if library.capset(header, struct.pack("=6I", *[0] * 6)) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _lower_limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))
