"""Takes away from the calling process what it does not need: privileges, core dumps, network, programs, files, memory, time.

Plain Linux through ctypes: capabilities, no_new_privs, rlimits, seccomp-BPF (`seccomp`), Landlock (`landlock`). What each process of
the appliance keeps stands in `process_table`. Not a container: user ids, mounts and namespaces are the service manager's.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import struct
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from isolation import landlock, seccomp
from isolation.c_library import libc
from isolation.landlock import NO_TCP, FileRules, PreparedRules, TcpPorts
from isolation.seccomp import Calls, PreparedFilter

_PR_GET_DUMPABLE, _PR_SET_DUMPABLE, _PR_GET_SECCOMP = 3, 4, 21
_PR_SET_NO_NEW_PRIVS, _PR_GET_NO_NEW_PRIVS = 38, 39
_SECCOMP_MODE_FILTER = 2
_PR_SET_MDWE, _PR_GET_MDWE, _MDWE_REFUSE_EXEC_GAIN = 65, 66, 1
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_CAPABILITY_VERSION_3 = 0x20080522
# linux/capability.h
CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_NET_BIND_SERVICE = 5, 6, 7, 10


@dataclass(frozen=True)
class SandboxLimits:
    """Bytes and seconds, None: no limit of ours. `file_bytes` 0: nothing can be written to any file. `may`: calls beyond computing.

    `writable_code`: memory may be both writable and executable, or become executable later.

    The number of processes is no limit here: the kernel counts it over all processes of a user.
    """

    memory_bytes: int | None
    cpu_seconds: int | None
    file_bytes: int | None = 0
    open_files: int | None = 64
    may: Calls = Calls.NONE
    writable_code: bool = False


@dataclass(frozen=True)
class SandboxReport:
    """What is in force, as the kernel says. `landlock_abi` 0: it has no Landlock, so files are guarded by their modes alone.

    `no_writable_code`: false where the process may have it, or the kernel can't deny it (before 6.3).
    """

    system_calls_filtered: bool
    landlock_abi: int
    no_new_privileges: bool
    not_dumpable: bool
    no_core_dumps: bool
    no_capabilities: bool
    no_writable_code: bool
    uid: int


class PreparedSandbox:
    """A sandbox that was made and not yet entered: for a parent whose children enter it, each by a dozen system calls."""

    def __init__(
        self,
        limits: SandboxLimits,
        files: PreparedRules,
        calls: PreparedFilter | None,
        keep_capabilities: Iterable[int],
    ) -> None:
        self._limits = limits
        self._files = files
        self._calls = calls
        self._keep_capabilities = frozenset(keep_capabilities)

    @property
    def landlock_abi(self) -> int:
        """See `SandboxReport`."""
        return self._files.abi

    def enter(self) -> None:
        """Irrevocably, as `enter_sandbox`. Raises OSError."""
        if _threads() != 1:
            raise OSError(errno.EBUSY, "a sandbox is entered before threads are started")
        forbid_dumps_and_privileges()
        for kind, value in (
            (resource.RLIMIT_AS, self._limits.memory_bytes),
            (resource.RLIMIT_CPU, self._limits.cpu_seconds),
            (resource.RLIMIT_FSIZE, self._limits.file_bytes),
            (resource.RLIMIT_NOFILE, self._limits.open_files),
        ):
            if value is not None:
                _lower_limit(kind, value)
        if not self._limits.writable_code:
            _deny_writable_code()
        self._files.enter()
        _drop_capabilities(
            self._keep_capabilities
        )  # before seccomp; without them not even root raises its limits again
        if self._calls is not None:
            self._calls.install()

    def close(self) -> None:
        """In a parent that needs it no more."""
        self._files.close()


def prepare_sandbox(limits: SandboxLimits, files: FileRules, keep_capabilities: Iterable[int] = ()) -> PreparedSandbox:
    """Confines nobody yet. `keep_capabilities`: see `enter_sandbox`.

    Raises:
        OSError: the kernel refuses the rules, or a path is not there.
    """
    return PreparedSandbox(limits, landlock.prepare(files), seccomp.prepare(limits.may), keep_capabilities)


def enter_sandbox(
    *,
    readable: Sequence[Path] | None,
    limits: SandboxLimits,
    writable: Sequence[Path] = (),
    executable: Sequence[Path] = (),
    tcp: TcpPorts | None = NO_TCP,
    keep_capabilities: Iterable[int] = (),
) -> SandboxReport:
    """Irrevocably. Open descriptors stay usable. `readable`, `writable`, `executable`, `tcp`: see `FileRules`; what can still be opened.

    `keep_capabilities`: numbers of those that stay effective where the process has them; no program that it starts gets any.
    Call it while the process has one thread: what a thread already running does would not be restricted.

    Raises:
        OSError: the kernel refuses, or there are other threads; the process must not go on then.
    """
    sandbox = prepare_sandbox(limits, FileRules(readable, writable, executable, tcp), keep_capabilities)
    try:
        sandbox.enter()
    finally:
        sandbox.close()
    return _report(sandbox.landlock_abi)


def forbid_dumps_and_privileges() -> None:
    """No new privileges by any program, no core dump, no tracing and no look into memory by others of the same user.

    The least that every process has, from its first line on: starting a program makes it dumpable again. Raises OSError.
    """
    for option, value in ((_PR_SET_NO_NEW_PRIVS, 1), (_PR_SET_DUMPABLE, 0)):
        if libc.prctl(option, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def has_capability(number: int) -> bool:
    """Whether it is effective in this process. Raises OSError."""
    return bool(_effective_capabilities() >> number & 1)


def _report(landlock_abi: int) -> SandboxReport:
    return SandboxReport(
        system_calls_filtered=libc.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) == _SECCOMP_MODE_FILTER,
        landlock_abi=landlock_abi,
        no_new_privileges=libc.prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1,
        not_dumpable=libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0,
        no_core_dumps=resource.getrlimit(resource.RLIMIT_CORE)[1] == 0,
        no_capabilities=_effective_capabilities() == 0,
        no_writable_code=libc.prctl(_PR_GET_MDWE, 0, 0, 0, 0) == _MDWE_REFUSE_EXEC_GAIN,
        uid=os.geteuid(),
    )


def _deny_writable_code() -> None:
    if libc.prctl(_PR_SET_MDWE, _MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0 and ctypes.get_errno() != errno.EINVAL:
        raise OSError(ctypes.get_errno(), "prctl")


def _effective_capabilities() -> int:
    low, _, _, high, _, _ = _capabilities()
    return low | high << 32


def _capabilities() -> tuple[int, ...]:
    """struct __user_cap_data_struct[2]: effective, permitted, inheritable; low halves first."""
    held = ctypes.create_string_buffer(24)
    if libc.capget(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), held) != 0:
        raise OSError(ctypes.get_errno(), "capget")
    return struct.unpack("=6I", held.raw)


def _threads() -> int:
    """From the directory's link count: an outer sandbox may forbid to list it, but not to ask about it."""
    try:
        return os.stat("/proc/self/task").st_nlink - 2  # noqa: PTH116 - no path of ours
    except OSError:
        return threading.active_count()


def _drop_capabilities(kept: Iterable[int]) -> None:
    """capset(2): only these stay effective and permitted, none is inheritable or ambient. Without effect for a user who has none."""
    if not any(_capabilities()):
        return  # nothing to drop; a service manager may deny the call itself
    held = _effective_capabilities()
    wanted = sum(1 << number for number in set(kept) if held >> number & 1)
    if libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 and ctypes.get_errno() != errno.EINVAL:
        raise OSError(ctypes.get_errno(), "prctl")
    low, high = wanted & 0xFFFFFFFF, wanted >> 32
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    if libc.capset(header, struct.pack("=6I", low, low, 0, high, high, 0)) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _lower_limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))
