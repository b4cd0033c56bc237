"""The log client against a listener that takes and says nothing: one caller tries, the others hold no thread.

Threat: T19.
"""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from signer.app.child_process import listen_on
from signer.audit.log_client import LogClient
from signer.deadline import Deadline
from signer.errors import ApplianceError, Reason


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
