"""The sandbox refuses what it promises to refuse, on the real kernel, and leaves what our processes need.

Threat: T27.
"""

from __future__ import annotations

import errno
import json
import platform
import re
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from isolation import seccomp
from isolation.sandbox import SandboxLimits, enter_sandbox
from isolation.seccomp import Calls

_PROBE = Path(__file__).with_name("sandbox_probe.py")
_ROOT = Path(__file__).parents[3]
_ALLOW, _DENY, _ABSENT, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS, 0x80000000
_REFUSED = {
    "new inet socket": "EPERM",
    "new unix socket": "EPERM",
    "connect": "EPERM",
    "bind": "EPERM",
    "listen": "EPERM",
    "execute": "EPERM",
    "run a program": "EPERM",
    "signal another": "EPERM",
    "trace another": "EPERM",
    "io_uring": "EPERM",
    "new mount interface": "EPERM",
    "read a secret": "EACCES",
    "read the accounts": "EACCES",
    "list the root": "EACCES",
    "write where it may read": "EACCES",
    "delete where it may read": "EACCES",
    "create elsewhere": "EACCES",
    "take much memory": "MemoryError",
    "open many files": "EMFILE",
    "fork": "EPERM",
}
_ALLOWED = ("read what is allowed", "accept", "use an open socket", "socket pair", "start a thread", "set an alarm")


def _probe(directory: Path, mode: str) -> dict[str, Any]:
    readable = directory / "readable"
    readable.mkdir()
    (readable / "allowed.txt").write_text("may be read")
    secret = directory / "secret.txt"
    secret.write_text("may not be read")
    ended = subprocess.run(
        [sys.executable, str(_PROBE), str(readable), str(secret), mode],
        cwd=_ROOT,
        env={"PYTHONPATH": str(_ROOT)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    outcomes: dict[str, Any] = json.loads(ended.stdout)
    return outcomes


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return _probe(tmp_path_factory.mktemp("plain"), "plain")


@pytest.mark.parametrize(("attempt", "error"), _REFUSED.items())
def test_refuses(probed: dict[str, Any], attempt: str, error: str) -> None:
    assert probed["outcomes"][attempt] == error


@pytest.mark.parametrize("attempt", _ALLOWED)
def test_leaves(probed: dict[str, Any], attempt: str) -> None:
    assert probed["outcomes"][attempt] == "done"


def test_limits_stay_lowered(probed: dict[str, Any]) -> None:
    assert probed["outcomes"]["raise its limits"] == "ValueError"  # Python's word for EPERM of setrlimit


def test_reports_what_is_in_force(probed: dict[str, Any]) -> None:
    facts = probed["facts"]
    assert facts["filtered"] is True
    assert facts["landlock"] >= 1
    assert (facts["no_new_privileges"], facts["dumpable"], facts["seccomp"], facts["core"]) == (1, 0, 2, 0)
    assert set(facts["capabilities"]) == {"0", " "}


def test_forking_stays_possible_where_it_is_asked_for(tmp_path: Path) -> None:
    outcomes = _probe(tmp_path, "forks")["outcomes"]
    assert outcomes["fork"] == "done"
    assert outcomes["execute"] == "EPERM"


def test_is_not_entered_beside_other_threads() -> None:
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        with pytest.raises(OSError, match="before threads"):
            enter_sandbox(readable=[], limits=SandboxLimits(memory_bytes=1 << 30, cpu_seconds=10))
    finally:
        done.set()
        other.join()


_PARENT_OF_TWO = """
import os, sys
from isolation.landlock import FileRules
from isolation.sandbox import SandboxLimits, prepare_sandbox
sandbox = prepare_sandbox(SandboxLimits(memory_bytes=1 << 30, cpu_seconds=10), FileRules(readable=[]))
for _ in range(2):
    child = os.fork()
    if child == 0:
        sandbox.enter()
        for attempt in (lambda: open(sys.argv[1]), lambda: os.execv("/bin/true", ["true"])):
            try:
                attempt()
            except PermissionError:
                continue
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
open(sys.argv[1]).close()
assert len(os.listdir("/proc/self/fd")) == 5
sandbox.close()
assert len(os.listdir("/proc/self/fd")) == 4
"""


def test_a_prepared_sandbox_is_entered_by_each_child_and_not_by_the_parent(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    done = subprocess.run([sys.executable, "-c", _PARENT_OF_TWO, file], cwd=_ROOT, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


def _numbers_of_headers(text: str) -> dict[str, int]:
    return {name: int(number) for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text)}


_GENERIC_HEADER = (1, "/usr/include/asm-generic/unistd.h")  # aarch64 uses the generic table
_X86_HEADER = (0, "/usr/include/x86_64-linux-gnu/asm/unistd_64.h")


@pytest.mark.parametrize(
    ("column", "header"), [_GENERIC_HEADER, *([_X86_HEADER] if platform.machine() == "x86_64" else [])]
)
def test_system_call_numbers_are_the_kernels(column: int, header: str) -> None:
    numbers = _numbers_of_headers(Path(header).read_text())
    for name, pair in {**seccomp.DENIED, **seccomp.FORKING}.items():
        assert numbers.get(name) == pair[column], name


@pytest.mark.parametrize("may", [Calls.NONE, Calls.FORK])
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_jump_lands_on_an_answer(machine: str, may: Calls) -> None:
    column, architecture = seccomp.ARCHITECTURES[machine]
    may_fork = may is Calls.FORK
    assert _run(machine, may, 0, architecture ^ 1) == _KILL
    assert _run(machine, may, 0x40000000 | 1, architecture) == _DENY
    for pair in seccomp.DENIED.values():
        if pair[column] is not None:
            assert _run(machine, may, pair[column] or 0, architecture) == _DENY
    assert _run(machine, may, _read_call(machine), architecture) == _ALLOW
    clone, clone3 = seccomp.FORKING["clone"][column] or 0, seccomp.FORKING["clone3"][column] or 0
    assert _run(machine, may, clone, architecture, argument=0x11) == (_ALLOW if may_fork else _DENY)
    assert _run(machine, may, clone, architecture, argument=0x10F00) == _ALLOW
    assert _run(machine, may, clone3, architecture) == (_ALLOW if may_fork else _ABSENT)


@pytest.mark.parametrize("forks", [Calls.NONE, Calls.FORK])
@pytest.mark.parametrize(
    ("may", "families", "given_back"),
    [
        (Calls.CONNECT_LOCAL, {socket.AF_UNIX}, {"socket", "connect"}),
        (
            Calls.NETWORK,
            {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6},
            {"socket", "connect", "bind", "listen"},
        ),
        (Calls.EXECUTE, set(), {"execve", "execveat"}),
        (Calls.SIGNAL, set(), {"kill"}),
        (Calls.READ_CLOCK, set(), {"adjtimex", "clock_adjtime"}),
        (
            Calls.NETWORK | Calls.CONNECT_LOCAL | Calls.SIGNAL,
            {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6},
            {"socket", "connect", "bind", "listen", "kill"},
        ),
    ],
)
@pytest.mark.parametrize("machine", list(seccomp.ARCHITECTURES))
def test_what_is_given_back_is_that_alone(
    machine: str, may: Calls, families: set[int], given_back: set[str], forks: Calls
) -> None:
    column, architecture = seccomp.ARCHITECTURES[machine]
    made = seccomp.DENIED["socket"][column] or 0
    every_family = [
        socket.AF_UNIX,
        socket.AF_INET,
        socket.AF_INET6,
        socket.AF_NETLINK,
        socket.AF_PACKET,
        38,
        40,
    ]  # ALG, VSOCK
    for family in every_family:
        expected = _ALLOW if family in families else _DENY
        assert _run(machine, may | forks, made, architecture, family) == expected
    for name, pair in seccomp.DENIED.items():
        if pair[column] is not None and name != "socket":
            expected = _ALLOW if name in given_back else _DENY
            assert _run(machine, may | forks, pair[column] or 0, architecture, socket.AF_UNIX) == expected, name
    clone = seccomp.FORKING["clone"][column] or 0
    assert _run(machine, may | forks, clone, architecture, 0x11) == (_ALLOW if forks else _DENY)
    assert _run(machine, may | forks, _read_call(machine), architecture) == _ALLOW


def _read_call(machine: str) -> int:
    return 0 if machine == "x86_64" else 63


def _run(machine: str, may: Calls, number: int, architecture: int, argument: int = 0) -> int:
    """A small BPF machine over the filter's own instructions: what the kernel would answer on that machine type."""
    program = seccomp._assemble(seccomp._filter(*seccomp.ARCHITECTURES[machine], may))
    memory = {0: number, 4: architecture, 16: argument}
    accumulator = position = 0
    while True:
        code, if_true, if_false, value = struct.unpack_from("@HBBI", program, position * 8)
        position += 1
        if code == 0x06:
            return int(value)
        if code == 0x20:
            accumulator = memory[value]
            continue
        held = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[code]
        position += if_true if held else if_false
