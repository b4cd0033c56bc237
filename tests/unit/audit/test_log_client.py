"""The log client against a listener that a test plays: who waits together shares a request, and while nothing is said one caller tries.

Threat: T19.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from signer.app.child_process import listen_on
from signer.audit.log import Receipt
from signer.audit.log_client import LogClient
from signer.deadline import Deadline
from signer.errors import ApplianceError, Reason, RequestError

_THREE = ([b"a1", b"a2"], [b"b"], [b"c1", b"c2", b"c3"])


def _refused(client: LogClient) -> float:
    """Seconds until it was told."""
    started = time.monotonic()
    with pytest.raises(ApplianceError) as caught:
        client.append([b"entry"], Deadline.after(60))
    assert caught.value.reason is Reason.LOG_UNAVAILABLE
    return time.monotonic() - started


def test_while_it_is_stalled_one_caller_tries_and_the_others_are_told_at_once(tmp_path: Path) -> None:
    listener = listen_on(tmp_path / "log.sock")
    listener.settimeout(30)
    client = LogClient(tmp_path / "log.sock")
    first = _refused(client)
    given_up, _ = listener.accept()
    with ThreadPoolExecutor(1) as other:
        trying = other.submit(_refused, client)
        taken, _ = listener.accept()  # it has connected, and waits for an answer
        told = _refused(client)
        assert told < trying.result()
    assert told < first
    for connection in (given_up, taken, listener):
        connection.close()


def test_it_goes_on_when_the_writer_answers_again(tmp_path: Path) -> None:
    listener = listen_on(tmp_path / "log.sock")
    client = LogClient(tmp_path / "log.sock")
    _refused(client)
    answering = threading.Thread(target=_answer_all, args=(listener,), daemon=True)
    answering.start()
    assert [receipt.index for receipt in client.append([b"entry"], Deadline.after(60))] == [7]
    assert client.append([b"entry"], Deadline.after(60))
    client.close()
    answering.join(30)
    listener.close()


def _answer_all(listener: socket.socket) -> None:
    """As a log writer does, until nobody is connected any more."""
    answer = b"\x00" + (7).to_bytes(8, "big") + b"log"
    listener.setblocking(True)
    listener.accept()[0].close()  # the caller that gave up
    connection, _ = listener.accept()
    while connection.recv(4096):
        connection.send(len(answer).to_bytes(4, "big") + answer)
    connection.close()


class _Writer:
    """The log writer's side of one connection, a request at a time."""

    def __init__(self, listener: socket.socket) -> None:
        self._connection, _ = listener.accept()
        self._connection.settimeout(30)

    def request(self) -> list[bytes]:
        """The next request's entries."""
        payload = self._exactly(int.from_bytes(self._exactly(4), "big"))
        entries = []
        while payload:
            length = int.from_bytes(payload[:4], "big")
            entries.append(payload[4 : 4 + length])
            payload = payload[4 + length :]
        return entries

    def _exactly(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            received += self._connection.recv(count - len(received))
        return received

    def answer(self, first: int) -> None:
        self._send(b"\x00" + first.to_bytes(8, "big") + b"log")

    def refuse(self, why: str) -> None:
        self._send(b"\x01" + why.encode())

    def _send(self, answer: bytes) -> None:
        self._connection.sendall(len(answer).to_bytes(4, "big") + answer)

    def close(self) -> None:
        self._connection.close()


@contextmanager
def _played(directory: Path) -> Iterator[tuple[LogClient, _Writer, Future[list[Receipt]], ThreadPoolExecutor]]:
    """A client whose first request, one entry `first`, waits for its answer."""
    listener = listen_on(directory / "log.sock")
    listener.settimeout(30)
    client = LogClient(directory / "log.sock")
    with ThreadPoolExecutor(8) as callers:
        first = callers.submit(client.append, [b"first"], Deadline.after(60))
        writer = _Writer(listener)
        assert writer.request() == [b"first"]
        yield client, writer, first, callers
    client.close()
    writer.close()
    listener.close()


def _queued(client: LogClient, count: int) -> None:
    until = time.monotonic() + 0.9  # the first request waits for a second
    while len(client._queue) < count:
        assert time.monotonic() < until
        time.sleep(0.001)


def test_what_queues_up_while_one_request_is_under_way_goes_with_the_next(tmp_path: Path) -> None:
    with _played(tmp_path) as (client, writer, first, callers):
        sent = {callers.submit(client.append, entries, Deadline.after(60)): entries for entries in _THREE}
        _queued(client, 3)
        writer.answer(10)
        together = writer.request()
        writer.answer(11)
        assert [receipt.index for receipt in first.result()] == [10]
        assert sorted(together) == sorted(entry for entries in _THREE for entry in entries)
        for each, entries in sent.items():
            receipts = each.result()
            assert [receipt.entry for receipt in receipts] == entries
            assert [together[receipt.index - 11] for receipt in receipts] == entries


def test_a_refusal_is_for_those_who_were_asked_for(tmp_path: Path) -> None:
    with _played(tmp_path) as (client, writer, first, callers):
        second = callers.submit(client.append, [b"second"], Deadline.after(60))
        _queued(client, 1)
        writer.refuse("the disk is full")
        assert writer.request() == [b"second"]
        writer.answer(7)
        assert second.result()[0].index == 7
        with pytest.raises(ApplianceError, match="the disk is full"):
            first.result()


def test_who_had_little_time_is_not_sent_and_does_not_count_as_a_stall(tmp_path: Path) -> None:
    with _played(tmp_path) as (client, writer, first, callers):
        with pytest.raises(RequestError) as caught:
            client.append([b"hasty"], Deadline.after(0.02))
        assert caught.value.reason is Reason.DEADLINE_EXCEEDED
        other = callers.submit(client.append, [b"other"], Deadline.after(60))
        _queued(client, 1)
        writer.answer(7)
        assert writer.request() == [b"other"]
        writer.answer(8)
        assert (first.result()[0].index, other.result()[0].index) == (7, 8)


def test_a_leader_whom_the_machine_holds_up_is_no_log_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _played(tmp_path) as (client, writer, first, callers):
        goes_on, exchange = threading.Event(), client._connection.exchange

        def answered_but_held_up(payload: bytes) -> bytes:
            answer = exchange(payload)
            assert goes_on.wait(30)
            return answer

        monkeypatch.setattr(client._connection, "exchange", answered_but_held_up)
        others = [callers.submit(client.append, [b"other"], Deadline.after(60)) for _ in range(3)]
        _queued(client, 3)
        writer.answer(7)
        assert writer.request() == [b"other"] * 3
        writer.answer(8)
        time.sleep(1.2)  # longer than a log may be silent
        goes_on.set()
        assert first.result()[0].index == 7
        assert sorted(each.result()[0].index for each in others) == [8, 9, 10]


class _HeldBack:
    """A client's guard that lets one thread in a second time only when it `may`: as a scheduler does at the worst moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entered: Counter[str] = Counter()
        self.came_again = threading.Event()
        self.may = threading.Event()

    def __enter__(self) -> None:
        name = threading.current_thread().name
        if name == "hasty" and self._entered[name]:
            self.came_again.set()
            assert self.may.wait(30)
        self._lock.acquire()
        self._entered[name] += 1

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_whose_turn_comes_while_it_gives_up_carries_the_others_all_the_same(tmp_path: Path) -> None:
    with _played(tmp_path) as (client, writer, first, callers):
        guard = _HeldBack()
        client._guard = guard  # type: ignore[assignment]  # a lock of the test's own
        hasty = callers.submit(_append_hastily, client)
        assert guard.came_again.wait(30)  # its time is up, and it is in the queue still
        other = callers.submit(client.append, [b"other"], Deadline.after(60))
        _queued(client, 2)
        writer.answer(7)
        assert first.result()[0].index == 7
        guard.may.set()
        assert writer.request() == [b"hasty", b"other"]
        writer.answer(8)
        assert (hasty.result()[0].index, other.result()[0].index) == (8, 9)


def _append_hastily(client: LogClient) -> list[Receipt]:
    threading.current_thread().name = "hasty"
    return client.append([b"hasty"], Deadline.after(0.2))


def test_when_the_connection_ends_everybody_who_waits_is_told(tmp_path: Path) -> None:
    with _played(tmp_path) as (client, writer, first, callers):
        others = [callers.submit(client.append, [b"other"], Deadline.after(60)) for _ in range(3)]
        _queued(client, 3)
        writer.close()
        for each in [first, *others]:
            with pytest.raises(ApplianceError) as caught:
                each.result()
            assert caught.value.reason is Reason.LOG_UNAVAILABLE


@pytest.mark.parametrize("entry", [b"", bytes(0x10000)], ids=["empty", "too long"])
def test_an_entry_that_the_writer_would_drop_never_reaches_it(tmp_path: Path, entry: bytes) -> None:
    with pytest.raises(ApplianceError, match="1 to 65535 bytes"):
        LogClient(tmp_path / "nobody.sock").append([b"sound", entry], Deadline.after(1))
