"""Where the time can be compared: NTP servers (RFC 5905, as a client of RFC 4330 asks), and the kernel's own word on its clock.

A source says how far the system's clock is from its own. Not for deciding what follows from that: `judge` does.
"""

from __future__ import annotations

import ctypes
import secrets
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from signer.clock import clocks

KERNEL = "kernel"
_NTP_PORT = 123
_NTP_EPOCH = 2_208_988_800  # 1970 in seconds of NTP's era 0
_ERA = 1 << 32
# RFC 5905 clause 7.3: flags, stratum, poll, precision, root delay, root dispersion, reference id, then four timestamps.
_PACKET = struct.Struct(">BBbbII4sQQQQ")
_REQUEST_FLAGS = 0b00_100_011  # no leap warning, version 4, mode 3: client
_SERVER_MODE = 4
_NOT_SYNCHRONISED = 3
_SHORT = 1 << 16  # NTP's short format
_SLOWEST_S = 2.0
# <sys/timex.h>, on 64-bit Linux: `modes` and padding, offset, freq, maxerror, esterror, status.
_TIMEX = struct.Struct("=Ii4qi")
_TIMEX_BYTES = 256
_STA_UNSYNC = 0x0040


class SourceSilent(Exception):
    """A source gave no time that can be used; the text says why."""


@dataclass(frozen=True)
class Reading:
    """`difference`: seconds that the system's clock is behind the source (negative: ahead of it); `uncertainty`: in seconds."""

    source: str
    difference: float
    uncertainty: float


class ClockSource(Protocol):
    """Something that knows the time. `name`: as configured."""

    name: str

    def read(self) -> Reading:
        """Raises SourceSilent."""
        ...


def parse_source(text: str) -> ClockSource:
    """A source as the configuration names it. Raises ValueError for anything but "kernel" and ntp://HOST[:PORT]."""
    if text == KERNEL:
        return KernelSource()
    parts = urlsplit(text)
    if parts.scheme != "ntp" or not parts.hostname or parts.path or parts.query or parts.username or parts.fragment:
        raise ValueError(text)
    return NtpSource(text, parts.hostname, parts.port or _NTP_PORT)


class NtpSource:
    """An NTP server. Unauthenticated: several of them, on a network of one's own, are what makes it hard to lie."""

    def __init__(self, name: str, host: str, port: int, wall: Callable[[], float] = clocks.wall) -> None:
        self.name = name
        self._host = host
        self._port = port
        self._wall = wall

    def read(self) -> Reading:
        """One question, one answer, within two seconds. Raises SourceSilent."""
        cookie = secrets.randbits(64)  # in place of our time, which tells about us: an answer must bring it back
        request = _PACKET.pack(_REQUEST_FLAGS, 0, 0, 0, 0, 0, bytes(4), 0, 0, 0, cookie)
        try:
            sent, answer, received = self._ask(request)
        except OSError as problem:
            raise SourceSilent(f"no answer ({problem.strerror or type(problem).__name__})") from None
        if len(answer) < _PACKET.size:
            raise SourceSilent("the answer is too short")
        flags, stratum, _, _, _, dispersion, _, _, origin, arrived, left = _PACKET.unpack_from(answer)
        if flags & 0b111 != _SERVER_MODE or origin != cookie or not arrived or not left:
            raise SourceSilent("that is no answer to our question")
        if flags >> 6 == _NOT_SYNCHRONISED or not 1 <= stratum <= 15:
            raise SourceSilent("the server says that it does not know the time")
        delay = max(0.0, (received - sent) - (_seconds(left, received) - _seconds(arrived, received)))
        difference = ((_seconds(arrived, received) - sent) + (_seconds(left, received) - received)) / 2
        return Reading(self.name, difference, delay / 2 + dispersion / _SHORT)

    def _ask(self, request: bytes) -> tuple[float, bytes, float]:
        """When it was sent, the answer, when it came. Raises OSError."""
        family, kind, protocol, _, address = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as channel:
            channel.settimeout(_SLOWEST_S)
            channel.connect(address)  # the kernel then drops what others send
            sent = self._wall()
            channel.send(request)
            answer = channel.recv(1024)
            return sent, answer, self._wall()


def _seconds(timestamp: int, near: float) -> float:
    """NTP's 64 bits as seconds since 1970, in the era that lies nearest (RFC 5905 clause 6)."""
    value = timestamp / _ERA - _NTP_EPOCH
    return value + round((near - value) / _ERA) * _ERA


class KernelSource:
    """What the kernel says of its clock (adjtimex(2)): a time daemon such as chrony keeps it synchronised, within an error."""

    name = KERNEL

    def read(self) -> Reading:
        """Raises SourceSilent where nobody keeps the clock synchronised."""
        if sys.maxsize < 1 << 32:
            raise SourceSilent("known for 64-bit Linux only")
        record = ctypes.create_string_buffer(_TIMEX_BYTES)
        if ctypes.CDLL(None, use_errno=True).adjtimex(record) < 0:
            raise SourceSilent("the kernel does not tell")
        _, _, _, _, most, _, status = _TIMEX.unpack_from(record)
        if status & _STA_UNSYNC:
            raise SourceSilent("no time daemon keeps the clock synchronised")
        return Reading(self.name, 0.0, most / 1_000_000)
