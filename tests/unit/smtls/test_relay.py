"""Joined connections: each has its own bytes, whoever reads slowly loses none, and the end comes after the last byte."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from signer.smtls import Leg, join

_SIZE = 3_000_000


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    return ours, theirs


async def _carry(sent: bytes, answer: bytes, pause: float) -> tuple[bytes, bytes]:
    """What arrives at either end of a joined pair."""
    (client, outside), (inside, server) = _socket_pair(), _socket_pair()
    outer, inner = Leg(None), Leg(None)
    await join((outside, outer), (inside, inner), sent[:24])
    loop = asyncio.get_running_loop()

    async def send_all(end: socket.socket, data: bytes) -> None:
        await loop.sock_sendall(end, data)
        end.shutdown(socket.SHUT_WR)

    async def read_all(end: socket.socket) -> bytes:
        read = bytearray()
        while piece := await loop.sock_recv(end, 50_000):
            read += piece
            await asyncio.sleep(pause)
        return bytes(read)

    with client, server:
        arriving = asyncio.gather(read_all(server), read_all(client))
        await loop.sock_sendall(server, answer)
        await send_all(client, sent[24:])
        arrived = await arriving
        await outer.lost
        await inner.lost
    return arrived[0], arrived[1]


@pytest.mark.parametrize("pause", [0, 0.001])
def test_each_connection_has_its_own_bytes(pause: float) -> None:
    """Twelve at once: all of a loop's legs read into the same buffer."""
    everything = [(os.urandom(_SIZE), os.urandom(1000 * number)) for number in range(12)]

    async def carry_all() -> list[tuple[bytes, bytes]]:
        async with asyncio.timeout(60):
            return await asyncio.gather(*(_carry(sent, answer, pause) for sent, answer in everything))

    assert asyncio.run(carry_all()) == everything
