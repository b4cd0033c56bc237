"""Pools of real processes over real sockets: they share the work, die, hang and are asked too much."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from isolation.errors import FrameTooLarge, PeerClosed, PoolTimeout, PoolUnavailable
from isolation.pool import call_pool

_PROGRAM = Path(__file__).with_name("pool_programs.py")
_ROOT = Path(__file__).parents[3]


@dataclass
class Pool:
    """A listening socket and the processes that serve it."""

    path: Path
    kind: str
    wall_seconds: float
    listener: socket.socket
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    further: tuple[str, ...] = ()

    def start(self, count: int = 1) -> None:
        """Starts processes and waits until they say that they are ready."""
        for _ in range(count):
            ready_read, ready_write = os.pipe()
            process = subprocess.Popen(
                [
                    sys.executable,
                    str(_PROGRAM),
                    self.kind,
                    str(self.listener.fileno()),
                    str(ready_write),
                    str(self.wall_seconds),
                    *self.further,
                ],
                pass_fds=(self.listener.fileno(), ready_write),
                env={"PYTHONPATH": str(_ROOT)},
            )
            self.processes.append(process)
            os.close(ready_write)
            assert os.read(ready_read, 1) == b"1"
            os.close(ready_read)

    def call(self, request: bytes, *, timeout: float = 20, limit: int = 10_000, again: bool = False) -> bytes:
        """Asks it."""
        return call_pool(self.path, request, timeout=timeout, limit=limit, again=again)


@contextmanager
def _pool(directory: Path, kind: str, *, wall_seconds: float, backlog: int = 64) -> Iterator[Pool]:
    path = directory / "pool.socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(backlog)
        pool = Pool(path, kind, wall_seconds, listener)
        try:
            yield pool
        finally:
            for process in pool.processes:
                process.kill()
                process.wait()


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    with _pool(tmp_path, "pool", wall_seconds=1.0) as made:
        yield made


@pytest.fixture
def fork_server(tmp_path: Path) -> Iterator[Pool]:
    with _pool(tmp_path, "fork", wall_seconds=2.0) as made:
        made.start()
        yield made


def _eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until, "did not come to pass"
        time.sleep(0.01)


def test_processes_share_the_work(pool: Pool) -> None:
    pool.start(2)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: pool.call(b"sleep 0.05"), range(8)))
    assert {answer.split()[0] for answer in answers} == {str(process.pid).encode() for process in pool.processes}


def test_nobody_listening_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(PoolUnavailable):
        call_pool(tmp_path / "nothing.socket", b"x", timeout=20, limit=10, again=True)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "deaf.socket"))
        with pytest.raises(PoolUnavailable):
            call_pool(tmp_path / "deaf.socket", b"x", timeout=20, limit=10, again=True)


@pytest.mark.parametrize("death", [b"die", b"die abort"])
def test_a_death_costs_its_own_request_only(pool: Pool, death: bytes) -> None:
    pool.start(2)
    with pytest.raises(PeerClosed):
        pool.call(death)
    assert pool.call(b"still there").endswith(b"still there")


def test_another_process_answers_where_one_died(pool: Pool, tmp_path: Path) -> None:
    pool.start(2)
    marker = tmp_path / "dies"
    marker.touch()
    request = b"die-once " + str(marker).encode()
    assert pool.call(request, again=True).endswith(request)
    assert not marker.exists()


def test_killed_in_the_middle_of_a_request(pool: Pool) -> None:
    pool.start(1)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(pool.call, b"sleep 0.9", again=False)
        _eventually(lambda: _is_sleeping_in_request(pool.processes[0].pid))
        pool.processes[0].send_signal(signal.SIGKILL)
        with pytest.raises(PeerClosed):
            asked.result()


def _is_sleeping_in_request(pid: int) -> bool:
    return "nanosleep" in Path(f"/proc/{pid}/wchan").read_text()


def test_requests_wait_for_a_process_that_is_started_later(pool: Pool) -> None:
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(pool.call, b"early")
        pool.start(1)
        assert asked.result().endswith(b"early")


def test_a_request_that_hangs_ends_its_process(pool: Pool) -> None:
    pool.start(2)
    with pytest.raises(PeerClosed):
        pool.call(b"spin")
    assert pool.call(b"after").endswith(b"after")
    _eventually(lambda: {process.poll() for process in pool.processes} == {-signal.SIGALRM, None})


def test_the_callers_time_is_kept(pool: Pool) -> None:
    pool.start(1)
    with pytest.raises(PoolTimeout):
        pool.call(b"sleep 0.5", timeout=0.1)


def test_a_full_queue_is_waited_for_and_then_told(tmp_path: Path) -> None:
    with _pool(tmp_path, "pool", wall_seconds=5.0, backlog=0) as pool, ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(pool.call, b"one of many") for _ in range(6)]
        with pytest.raises(PoolTimeout):
            pool.call(b"one too many", timeout=0.3)
        pool.start(1)
        assert all(asked.result().endswith(b"one of many") for asked in waiting)


def test_work_is_not_done_for_callers_who_left(pool: Pool, tmp_path: Path) -> None:
    marker = tmp_path / "dies"
    marker.touch()
    with pytest.raises(PoolTimeout):
        pool.call(b"die-once " + str(marker).encode(), timeout=0.1)
    pool.start(1)
    assert pool.call(b"next").endswith(b"next")
    assert marker.exists()


def test_too_long_either_way(pool: Pool) -> None:
    pool.start(1)
    with pytest.raises(FrameTooLarge):
        pool.call(b"long 5000", limit=4_999)
    assert pool.call(b"long 5000", limit=5_000) == b"x" * 5_000
    with pytest.raises(PeerClosed):
        pool.call(b"x" * 1_001)
    assert pool.call(b"fine").endswith(b"fine")


def test_a_process_for_each_request(fork_server: Pool) -> None:
    first, second = fork_server.call(b"one"), fork_server.call(b"two")
    parent = str(fork_server.processes[0].pid).encode()
    assert len({first.split()[0], second.split()[0], parent}) == 3


@pytest.mark.parametrize("request_", [b"die", b"die abort", b"spin", b"sleep 60", b"hoard 4000", b"read /etc/passwd"])
def test_whatever_a_request_does_the_next_meets_a_fresh_process(fork_server: Pool, request_: bytes) -> None:
    with pytest.raises(PeerClosed):
        fork_server.call(request_)
    assert fork_server.call(b"next").endswith(b"next")


def test_more_requests_than_children_wait_their_turn(fork_server: Pool) -> None:
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: fork_server.call(b"sleep 0.1"), range(6)))
    assert len({answer.split()[0] for answer in answers}) == 6


def test_where_others_wait_nobody_keeps_a_place_for_long(tmp_path: Path) -> None:
    """Two hold both places with all the time in the world; whoever waits gets an answer long before that is over."""
    with _pool(tmp_path, "fork", wall_seconds=600.0) as made:
        made.further = ("1.0",)
        made.start()
        with ThreadPoolExecutor(4) as threads:
            holders = [threads.submit(made.call, b"sleep 500", timeout=600) for _ in range(2)]
            _eventually(lambda: len(_children(made.processes[0].pid).split()) == 2)
            waiting = [threads.submit(made.call, b"next", timeout=60) for _ in range(2)]
            assert all(item.result().endswith(b"next") for item in waiting)
            made.processes[0].terminate()
            for child in _children(made.processes[0].pid).split():
                os.kill(int(child), signal.SIGKILL)
            failures = [item.exception() for item in holders]
    assert any(isinstance(failure, PeerClosed) for failure in failures)


def test_a_place_is_kept_while_nobody_waits(tmp_path: Path) -> None:
    with _pool(tmp_path, "fork", wall_seconds=600.0) as made:
        made.further = ("0.1",)
        made.start()
        assert made.call(b"sleep 2").endswith(b"sleep 2")


def test_ends_on_sigterm_after_its_children(fork_server: Pool) -> None:
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(fork_server.call, b"sleep 0.5")
        _eventually(lambda: _children(fork_server.processes[0].pid) != "")
        fork_server.processes[0].terminate()
        assert asked.result().endswith(b"sleep 0.5")
    assert fork_server.processes[0].wait(timeout=20) == 0


def _children(pid: int) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text()
