"""A stand-in for an NTP server (RFC 5905, mode 4) whose clock can be set: a real one would want the machine's clock."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType

_NTP_EPOCH = 2_208_988_800
_PACKET = struct.Struct(">BBbbII4s8sQQQ")


class StandInNtpServer:
    """Answers on a port of 127.0.0.1. `ahead`: seconds that it is ahead of this machine; may be changed. `change`: spoils an answer."""

    def __init__(
        self,
        *,
        ahead: float = 0.0,
        change: Callable[[bytearray], None] = lambda _: None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.ahead = ahead
        self.silent = False
        self._change = change
        self._wall = wall
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        """As the configuration names it."""
        return f"ntp://127.0.0.1:{self.port}"

    def __enter__(self) -> StandInNtpServer:
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._socket.sendto(b"", ("127.0.0.1", self.port))  # wakes it up: nothing is asked by an empty packet
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            request, client = self._socket.recvfrom(1024)
            if not request:
                return
            if not self.silent:
                answer = self._answer(request)
                self._change(answer)
                self._socket.sendto(answer, client)

    def _answer(self, request: bytes) -> bytearray:
        now = int((self._wall() + self.ahead + _NTP_EPOCH) * (1 << 32)) % (1 << 64)
        cookie = request[40:48]
        return bytearray(_PACKET.pack(0b00_100_100, 2, 0, -20, 0, 1 << 6, b"TEST", bytes(8), *_read(cookie), now, now))


def _read(cookie: bytes) -> tuple[int]:
    return struct.unpack(">Q", cookie)
