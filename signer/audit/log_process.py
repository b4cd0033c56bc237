"""The log writer: one process, the only one that can append. Many workers ask at once, one flush serves them all.

A single thread: it takes what every ready connection has sent, writes it with one flush, and answers; what arrives
meanwhile makes up the next commit. Not for reading the log.
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from monitoring import metrics
from signer.audit.log_file import LogFile
from signer.audit.log_records import MAX_ENTRY_BYTES
from signer.errors import ApplianceError

# A request is a frame: 4-byte length, then for each entry a 4-byte length and its bytes.
MAX_REQUEST_BYTES = 16 * 1024 * 1024
_READ_BYTES = 64 * 1024
_LOOK_EVERY_S = 1.0
_MOST_OWN_WAITING = 1_000
_OK = b"\x00"
_FAILED = b"\x01"


class LogServer:
    """Serves append requests that arrive on connections of one listening socket."""

    def __init__(
        self,
        log: LogFile,
        listener: socket.socket,
        own_entries: Callable[[], list[bytes]] = lambda: [],
        maintain: Callable[[], None] = lambda: None,
    ) -> None:
        """`own_entries`: asked about once a second for what the writer itself has to record. `maintain`: likewise called, between
        appends.
        """
        self._log = log
        self._listener = listener
        self._own_entries = own_entries
        self._maintain = maintain
        self._own_waiting: list[bytes] = []
        self._asked = time.monotonic()
        self._selector = selectors.DefaultSelector()
        self._buffers: dict[socket.socket, bytearray] = {}
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ)

    def serve(self, stop: socket.socket) -> None:
        """Runs until `stop` becomes readable; everything received until then is committed first."""
        self._selector.register(stop, selectors.EVENT_READ)
        while True:
            ready = [key.fileobj for key, _ in self._selector.select(_LOOK_EVERY_S)]
            self._record_own()
            waiting: list[tuple[socket.socket, list[bytes]]] = []
            for source in ready:
                assert isinstance(source, socket.socket)
                if source is self._listener:
                    self._accept()
                elif source is not stop:
                    waiting += [(source, request) for request in self._receive(source)]
            if waiting:
                self._commit(waiting)
            elif stop in ready:
                return

    def _record_own(self) -> None:
        now = time.monotonic()
        if now < self._asked + _LOOK_EVERY_S:
            return
        self._asked = now
        self._own_waiting = [*self._own_waiting, *self._own_entries()][-_MOST_OWN_WAITING:]
        if self._own_waiting:
            with suppress(ApplianceError):  # a full disk is told to everybody who wants to append; these wait for room
                self._log.append(self._own_waiting)
                self._own_waiting = []
        self._maintain()

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setblocking(False)
        self._buffers[connection] = bytearray()
        self._selector.register(connection, selectors.EVENT_READ)

    def _drop(self, connection: socket.socket) -> None:
        if self._buffers.pop(connection, None) is not None:
            self._selector.unregister(connection)
            connection.close()

    def _receive(self, connection: socket.socket) -> list[list[bytes]]:
        buffer = self._buffers[connection]
        try:
            received = connection.recv(_READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            received = b""
        if not received:
            self._drop(connection)
            return []
        buffer += received
        try:
            return list(_take_requests(buffer))
        except ValueError:
            self._drop(connection)  # only our own workers connect; one that speaks nonsense is broken
            return []

    def _commit(self, waiting: Sequence[tuple[socket.socket, list[bytes]]]) -> None:
        entries = [entry for _, request in waiting for entry in request]
        try:
            index = self._log.append(entries)
        except ApplianceError as problem:
            metrics.log_failures.inc(len(entries))
            answer = _FAILED + problem.message.encode()
            for connection, _ in waiting:
                self._answer(connection, answer)
            return
        metrics.log_commit_entries.observe(len(entries))
        for connection, request in waiting:
            self._answer(connection, _OK + struct.pack(">Q", index) + self._log.log_id.encode())
            index += len(request)

    def _answer(self, connection: socket.socket, answer: bytes) -> None:
        try:
            # Tens of bytes to somebody who waits for them fit the socket's buffer; who lets it fill up is broken.
            if connection.send(struct.pack(">I", len(answer)) + answer) < 4 + len(answer):
                self._drop(connection)
        except OSError:
            self._drop(connection)


def _take_requests(buffer: bytearray) -> list[list[bytes]]:
    """Cuts complete requests off the front of the buffer. Raises ValueError for what no worker of ours sends."""
    requests: list[list[bytes]] = []
    while len(buffer) >= 4:
        length = struct.unpack_from(">I", buffer)[0]
        if length > MAX_REQUEST_BYTES:
            raise ValueError("request too large")
        if len(buffer) < 4 + length:
            break
        requests.append(_split_entries(bytes(buffer[4 : 4 + length])))
        del buffer[: 4 + length]
    return requests


def _split_entries(payload: bytes) -> list[bytes]:
    entries = []
    position = 0
    while position < len(payload):
        if position + 4 > len(payload):
            raise ValueError("entry cut short")
        length = struct.unpack_from(">I", payload, position)[0]
        entry = payload[position + 4 : position + 4 + length]
        if not 0 < length <= MAX_ENTRY_BYTES or len(entry) != length:
            raise ValueError("entry length wrong")
        entries.append(entry)
        position += 4 + length
    return entries
