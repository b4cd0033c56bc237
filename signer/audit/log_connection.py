"""A worker's connection to the log writer: one request, one answer, again and again.

Not for several threads at once: `LogClient` gives them turns.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path

_MAX_ANSWER_BYTES = 4096
_LENGTH = struct.Struct(">I")


class LogConnection:
    """Connects when it is needed, and again after the writer was restarted. `limit`: seconds that each step may take."""

    def __init__(self, path: Path, limit: float) -> None:
        self._path = str(path)
        # The kernel's limit: with Python's own, each call would poll before it sends or receives, and take a turn at the GIL.
        self._limit = struct.pack("ll", int(limit), int(limit % 1 * 1_000_000))
        self._socket: socket.socket | None = None

    def exchange(self, payload: bytes) -> bytes:
        """Sends one request and returns its answer, at least one byte.

        Raises:
            OSError: there is no answer, its text says why. The request is not sent a second time where it may have arrived.
        """
        connection = self._send(_LENGTH.pack(len(payload)) + payload)
        try:
            return _receive_answer(connection)
        except OSError as problem:
            self.close()
            raise ConnectionError("the log writer does not answer") from problem

    def _send(self, request: bytes) -> socket.socket:
        """On the kept connection, or on a new one where the writer was restarted meanwhile: it got nothing by the old one then."""
        if self._socket is not None:
            try:
                self._socket.sendall(request)  # at once: the writer wakes up once
            except (BrokenPipeError, ConnectionResetError):
                self.close()
            except OSError as problem:
                self.close()
                raise ConnectionError("the log writer takes nothing") from problem
            else:
                return self._socket
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, self._limit)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, self._limit)
            self._socket.connect(self._path)
            self._socket.sendall(request)
        except OSError as problem:
            self.close()
            raise ConnectionError("the log writer can't be reached") from problem
        return self._socket

    def close(self) -> None:
        """The next request opens another one."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None


def _receive_answer(connection: socket.socket) -> bytes:
    """One frame, mostly by one call. Raises OSError, also for a connection that ends and for what is no answer."""
    received = connection.recv(_MAX_ANSWER_BYTES)
    while received:
        if len(received) >= _LENGTH.size:
            length = _LENGTH.unpack_from(received)[0]
            if not 1 <= length <= _MAX_ANSWER_BYTES - _LENGTH.size or len(received) > _LENGTH.size + length:
                raise ConnectionError("not an answer")
            if len(received) == _LENGTH.size + length:
                return received[_LENGTH.size :]
        more = connection.recv(_MAX_ANSWER_BYTES)
        if not more:
            break
        received += more
    raise ConnectionError("the connection ended")
