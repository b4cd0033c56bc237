"""Every process of a running appliance is confined, as the real kernel says, and as it answers to what smuggled code would try.

Threats: T27, T28.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from signer.client import Connection
from signer.v1 import signing_pb2 as sig
from tests.conftest import RunningAppliance, free_port_base
from tests.fault.injected_calls import calls_inside
from tests.made_appliances import running

# x86-64
_OPEN, _CLOSE, _SOCKET, _EXECVE, _KILL, _PTRACE, _BIND, _CONNECT = 2, 3, 41, 59, 62, 101, 49, 42
_ADD_KEY, _MOUNT, _BPF, _PERF, _USERFAULTFD, _IO_URING_SETUP, _PROCESS_VM_READV, _UNSHARE = (
    *(248, 165, 321, 298),
    *(323, 425, 310, 272),
)
_WRITE_ONLY_CREATE = os.O_WRONLY | os.O_CREAT
_PROCESSES = (
    "supervisor",
    "log-writer",
    "clock",
    "renderer-0",
    "renderer-1",
    "inspector",
    "front",
    "portal",
    "worker-0",
    "worker-1",
    "exporter",
)
_TRIES_FROM_OUTSIDE = """
import ctypes, errno, sys
library = ctypes.CDLL(None, use_errno=True)
pid = int(sys.argv[1])
none = bytes(24)  # as the target: without capabilities a user may look into processes of his own only, if they are dumpable
assert library.capset((0x20080522).to_bytes(4, "little") + bytes(4), none) == 0
def told(result):
    return "done" if result >= 0 else errno.errorcode[ctypes.get_errno()]
try:
    open(f"/proc/{pid}/mem", "rb").close()
    memory = "done"
except OSError as problem:
    memory = errno.errorcode[problem.errno]
print(memory, told(library.ptrace(0x4206, pid, 0, 0)))
"""


@pytest.fixture(scope="module")
def confined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An appliance of this module's own: its processes are stopped and asked."""
    directory = tmp_path_factory.mktemp("confined")
    port = free_port_base()
    with running(directory, port) as process:
        yield RunningAppliance(directory, port, process.pid)
        with Connection(RunningAppliance(directory, port, process.pid).profile) as connection:  # nobody was harmed
            connection.call(connection.signing.Sign, sig.SignRequest(key="message-sm2", message=b"m"))


def _pid(appliance: RunningAppliance, name: str) -> int:
    return appliance.pid if name == "supervisor" else appliance.children()[name]


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def test_nothing_was_forgotten(confined: RunningAppliance) -> None:
    assert {"supervisor", *confined.children()} == set(_PROCESSES)


@pytest.mark.parametrize("name", _PROCESSES)
def test_the_kernel_says_that_it_is_confined(confined: RunningAppliance, name: str) -> None:
    pid = _pid(confined, name)
    status = _status(pid)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert {int(status[kind], 16) for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
    core = next(
        line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith("Max core file size")
    )
    assert core.split()[4:6] == ["0", "0"]


def _from_outside(pid: int) -> list[str]:
    tried = subprocess.run(
        [sys.executable, "-c", _TRIES_FROM_OUTSIDE, str(pid)], check=True, capture_output=True, text=True, timeout=30
    )
    return tried.stdout.split()


@pytest.mark.parametrize("name", _PROCESSES)
def test_nobody_of_the_same_user_looks_into_it(confined: RunningAppliance, name: str) -> None:
    memory, traced = _from_outside(_pid(confined, name))
    assert memory in {"EACCES", "EPERM"}
    assert traced == "EPERM"


def test_the_same_tries_succeed_on_an_ordinary_process() -> None:
    """Else the test above would show nothing."""
    read_end, write_end = os.pipe()
    without = (
        "import ctypes, os, sys; ctypes.CDLL(None).capset((0x20080522).to_bytes(4, 'little') + bytes(4), bytes(24));"
    )
    ordinary = subprocess.Popen(
        [sys.executable, "-c", without + f"os.write({write_end}, b'1'); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        pass_fds=[write_end],
    )
    try:
        os.read(read_end, 1)
        assert _from_outside(ordinary.pid) == ["done", "done"]
    finally:
        ordinary.communicate()
        os.close(read_end)
        os.close(write_end)


@pytest.mark.parametrize("name", _PROCESSES)
def test_smuggled_code_can_do_nothing_of_this(confined: RunningAppliance, name: str) -> None:
    with calls_inside(_pid(confined, name)) as inside:
        refused = {
            "execve": inside.call(_EXECVE, b"/bin/true", 0, 0),
            "ptrace": inside.call(_PTRACE, 16, os.getpid(), 0, 0),
            "process_vm_readv": inside.call(_PROCESS_VM_READV, os.getpid(), 0, 0, 0, 0, 0),
            "add_key": inside.call(_ADD_KEY, b"user", b"x", b"x", 1, -3),
            "mount": inside.call(_MOUNT, b"none", b"/mnt", b"tmpfs", 0, 0),
            "unshare": inside.call(_UNSHARE, 0x10000000),
            "bpf": inside.call(_BPF, 0, 0, 0),
            "perf_event_open": inside.call(_PERF, 0, 0, 0, 0, 0),
            "userfaultfd": inside.call(_USERFAULTFD, 0),
            "io_uring_setup": inside.call(_IO_URING_SETUP, 1, 0),
            "packet socket": inside.call(_SOCKET, socket.AF_PACKET, socket.SOCK_RAW, 0),
            "netlink socket": inside.call(_SOCKET, socket.AF_NETLINK, socket.SOCK_RAW, 0),
            "a signal to us": inside.call(_KILL, os.getpid(), 0),
            "a file in /tmp": inside.call(_OPEN, b"/tmp/smuggled", _WRITE_ONLY_CREATE, 0o600),
            "its configuration": inside.call(
                _OPEN, bytes(confined.directory / "signer.toml"), os.O_WRONLY | os.O_APPEND, 0
            ),
        }
    assert {what for what, answer in refused.items() if answer not in {-errno.EPERM, -errno.EACCES}} == set()


def _log(appliance: RunningAppliance) -> Path:
    return appliance.directory / "state" / "log" / "log"


def _database(appliance: RunningAppliance) -> Path:
    return appliance.directory / "state" / "database" / "signer.db"


def _pin(appliance: RunningAppliance) -> Path:
    return appliance.directory / "secrets" / "pin"


@pytest.mark.parametrize(
    ("name", "file", "flags", "opens"),
    [
        ("log-writer", _log, os.O_RDWR, True),
        ("log-writer", _database, os.O_RDWR, False),
        ("clock", _log, os.O_RDWR, False),
        ("clock", _database, os.O_RDWR, False),
        ("worker-0", _log, os.O_RDONLY, True),
        ("worker-0", _log, os.O_RDWR, False),
        ("worker-0", _database, os.O_RDWR, True),
        ("renderer-0", _log, os.O_RDONLY, False),
        ("renderer-0", _pin, os.O_RDONLY, False),
        ("inspector", _database, os.O_RDONLY, False),
        ("inspector", _pin, os.O_RDONLY, False),
        ("front", _pin, os.O_RDONLY, False),
        ("front", _log, os.O_RDONLY, False),
        ("portal", _pin, os.O_RDONLY, False),
        ("portal", _log, os.O_RDONLY, False),
        ("portal", _database, os.O_RDONLY, False),
        ("exporter", _pin, os.O_RDONLY, False),
        ("exporter", _database, os.O_RDONLY, False),
        ("supervisor", _pin, os.O_RDWR, False),
    ],
)
def test_files_by_process(
    confined: RunningAppliance, name: str, file: Callable[[RunningAppliance], Path], flags: int, opens: bool
) -> None:
    with calls_inside(_pid(confined, name)) as inside:
        answer = inside.call(_OPEN, bytes(file(confined)), flags, 0)
        if answer >= 0:
            inside.call(_CLOSE, answer)
    assert (answer >= 0) is opens
    assert opens or answer == -errno.EACCES


def _address(port: int) -> bytes:
    return socket.AF_INET.to_bytes(2, "little") + port.to_bytes(2, "big") + socket.inet_aton("127.0.0.1") + bytes(8)


def test_a_worker_binds_and_connects_to_no_other_port(confined: RunningAppliance) -> None:
    with calls_inside(_pid(confined, "worker-0")) as inside:
        made = inside.call(_SOCKET, socket.AF_INET, socket.SOCK_STREAM, 0)
        assert made >= 0
        bound = inside.call(_BIND, made, _address(free_port_base()), 16)
        connected = inside.call(_CONNECT, made, _address(confined.metrics_port), 16)
        inside.call(_CLOSE, made)
    assert (bound, connected) == (-errno.EACCES, -errno.EACCES)


def test_the_portal_binds_nothing_and_connects_to_the_lan_listener_alone(confined: RunningAppliance) -> None:
    with calls_inside(_pid(confined, "portal")) as inside:
        made = inside.call(_SOCKET, socket.AF_INET, socket.SOCK_STREAM, 0)
        assert made >= 0
        bound = inside.call(_BIND, made, _address(free_port_base()), 16)
        refused = [inside.call(_CONNECT, made, _address(confined.port + offset), 16) for offset in (1, 21)]
        connected = inside.call(_CONNECT, made, _address(confined.port), 16)
        inside.call(_CLOSE, made)
    assert (bound, *refused) == (-errno.EACCES,) * 3
    assert connected == 0


@pytest.mark.parametrize("name", ["log-writer", "renderer-0", "inspector", "exporter", "front"])
def test_others_make_no_network_socket_at_all(confined: RunningAppliance, name: str) -> None:
    with calls_inside(_pid(confined, name)) as inside:
        answers = {inside.call(_SOCKET, family, socket.SOCK_STREAM, 0) for family in (socket.AF_INET, socket.AF_INET6)}
    assert answers == {-errno.EPERM}


def test_monitoring_and_evidence_are_told(confined: RunningAppliance) -> None:
    state = json.loads((confined.directory / "run" / "children.json").read_text())
    assert set(state["isolation"]) == set(_PROCESSES)
    with urllib.request.urlopen(f"http://127.0.0.1:{confined.metrics_port}/metrics", timeout=10) as answer:
        page = answer.read().decode()
    for name in _PROCESSES:
        for measure in (
            "system_calls_filtered",
            "landlock_abi",
            "no_new_privileges",
            "not_dumpable",
            "no_core_dumps",
            "no_capabilities",
        ):
            line = f'signer_process_isolation{{measure="{measure}",process="{name}"}} '
            value = next(float(found.removeprefix(line)) for found in page.splitlines() if found.startswith(line))
            assert value >= 1, line
            assert float(state["isolation"][name][measure]) == value


def test_a_restarted_process_is_confined_as_well(confined: RunningAppliance) -> None:
    before = confined.children()["worker-1"]
    os.kill(before, signal.SIGKILL)
    until = time.monotonic() + 60
    while True:
        state = json.loads((confined.directory / "run" / "children.json").read_text())
        child = state["children"]["worker-1"]
        if child["ready"] and child["pid"] != before:
            break
        assert time.monotonic() < until
        time.sleep(0.05)
    assert _status(child["pid"])["Seccomp"] == "2"
    assert state["isolation"]["worker-1"]["landlock_abi"] >= 1
