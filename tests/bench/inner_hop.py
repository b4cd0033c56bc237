"""Ways by which the front can tell a worker who calls, measured side by side: what ADR 6 quotes. `python -m tests.bench.inner_hop`.

Plain HTTP/2 comes in, a relay of the product's own legs passes it to a gRPC server that reads the caller's name in every call and
does nothing else. What differs is the hop between them. Not a part of `make bench`: it decides a design, it has no goal.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import statistics
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import grpc

from signer.smtls import Leg, TlsStream
from signer.smtls.relay import join
from signer.transport.identity import Identify, inner_caller
from signer.transport.server import _options
from signer.transport.smtls.inner import InnerDirectory, publish
from signer.transport.smtls.inner_credentials import inner_credentials
from signer.transport.smtls.workers import InnerHop
from tests.bench.boundary import OPENING
from tests.bench.reference_servers import processes
from tests.bench.workload import Load, Place, rate
from tests.conftest import free_port_base

WAYS = {
    "inner-tls": "a TLS connection with a certificate of its own (the product's way)",
    "handshake-only": "the same handshake, then plain bytes: AES skipped",
    "bound-path": "a plain connection from an unguessable path, read back by peer()",
}
_WORKER = "worker-0"
_NAME = "channel"
_METHOD = "/signer.bench.Inner/Ask"
_CALLERS_OF_A_CONNECTION = 8
_BULK_BYTES = 8 << 20
_ROUNDS = 3

# ---- the worker's end


class _Asked(grpc.GenericRpcHandler):
    """Answers a call with a few bytes once it knows who calls."""

    def __init__(self, identify: Callable[[grpc.ServicerContext], str]) -> None:
        def answer(_request: bytes, context: grpc.ServicerContext) -> bytes:
            assert identify(context) == _NAME
            return bytes(400)

        self._handler: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(answer)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """One method."""
        return self._handler if handler_call_details.method == _METHOD else None


def _by_certificate(identify: Identify) -> Callable[[grpc.ServicerContext], str]:
    return lambda context: identify(context).name


@lru_cache(4096)
def _name_beside(peer: str) -> str:
    return Path(peer.removeprefix("unix:") + ".name").read_text()


def _serve(folder: Path, ready: Any) -> None:
    """Both ways in: by TLS on the product's own socket, plain on another."""
    directory = InnerDirectory(folder)
    ends: list[tuple[str, grpc.ServerCredentials | None, Callable[[grpc.ServicerContext], str]]] = [
        (f"unix:{directory.socket_of(_WORKER)}", inner_credentials(directory, _WORKER), _by_certificate(inner_caller)),
        (f"unix:{folder}/plain.sock", None, lambda context: _name_beside(context.peer())),
        # After its handshake a connection is known; the cheapest way to remember it is none.
        (f"unix:{folder}/known.sock", None, lambda _context: _NAME),
    ]
    servers = []
    for address, credentials, identify in ends:
        server = grpc.server(ThreadPoolExecutor(32), options=list(_options().items()))
        server.add_generic_rpc_handlers((_Asked(identify),))
        if credentials is None:
            server.add_insecure_port(address)
        else:
            server.add_secure_port(address, credentials)
        server.start()
        servers.append(server)
    ready.wait()
    threading.Event().wait()


# ---- the front's end

_Connect = Callable[[], Awaitable[tuple[socket.socket, TlsStream | None]]]


def _relay(folder: Path, way: str, port: int, ready: Any) -> None:
    asyncio.run(_accept(folder, way, port, ready))


async def _accept(folder: Path, way: str, port: int, ready: Any) -> None:
    directory, executor = InnerDirectory(folder), ThreadPoolExecutor(4)
    hop = InnerHop(directory, [_WORKER], executor)
    if way != "bound-path":
        publish(directory.authority, hop.authority.certificate_pem)
    listener = socket.create_server(("127.0.0.1", port), backlog=512)
    listener.setblocking(False)
    tasks = set()
    loop = asyncio.get_running_loop()
    ready.wait()
    while True:
        sock, _ = await loop.sock_accept(listener)
        task = asyncio.create_task(_pass_on(sock, folder, way, hop))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


async def _pass_on(sock: socket.socket, folder: Path, way: str, hop: InnerHop) -> None:
    sock.setblocking(False)
    path = folder / secrets.token_hex(16)
    try:
        inner, stream = await (_from_a_path(folder, path) if way == "bound-path" else _by_tls(hop))
        if way == "handshake-only":
            inner.close()
            inner, stream = await _plain(folder / "known.sock", None), None
        outer_leg, inner_leg = Leg(None), Leg(stream)
        await join((sock, outer_leg), (inner, inner_leg), b"")
        await outer_leg.lost
        await inner_leg.lost
    finally:
        for file in (path, path.with_name(path.name + ".name")):
            file.unlink(missing_ok=True)


async def _by_tls(hop: InnerHop) -> tuple[socket.socket, TlsStream | None]:
    (worker,) = hop.workers
    return await hop.connect_to(worker, lambda: hop.authority.client(_NAME, address="127.0.0.1"))


async def _from_a_path(folder: Path, path: Path) -> tuple[socket.socket, TlsStream | None]:
    path.with_name(path.name + ".name").write_text(_NAME)
    return await _plain(folder / "plain.sock", path), None


async def _plain(target: Path, source: Path | None) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.setblocking(False)
    if source is not None:
        sock.bind(str(source))
    await asyncio.get_running_loop().sock_connect(sock, str(target))
    return sock


# ---- the load

_channels: dict[int, grpc.Channel] = {}


def _ask(place: Place, number: int) -> Any:
    return _channel(place, number).unary_unary(_METHOD)


def _channel(place: Place, number: int) -> grpc.Channel:
    if number not in _channels:
        options = {**_options(), "grpc.use_local_subchannel_pool": 1}
        _channels[number] = grpc.insecure_channel(f"127.0.0.1:{place.port}", options=list(options.items()))
    return _channels[number]


def call(place: Place, thread: int) -> Callable[[], int]:
    """One small call."""
    ask = _ask(place, thread // _CALLERS_OF_A_CONNECTION)

    def step() -> int:
        ask(os.urandom(100), timeout=60)
        return 1

    return step


def bulk(place: Place, thread: int) -> Callable[[], int]:
    """A call of 8 MiB. Counts bytes."""
    ask = _ask(place, thread)
    content = bytes(_BULK_BYTES)

    def step() -> int:
        ask(content, timeout=60)
        return _BULK_BYTES

    return step


def connect(place: Place, _thread: int) -> Callable[[], int]:
    """A connection until the server's first bytes, and its end."""

    def step() -> int:
        with socket.create_connection(("127.0.0.1", place.port), 60) as sock:
            sock.sendall(OPENING)
            assert sock.recv(1)
        return 1

    return step


_LOADS = {
    "calls/s": (Load(call, processes=2, threads=32), 1),
    "connections/s": (Load(connect, processes=1, threads=4), 1),
    "MB/s": (Load(bulk, processes=1), 1_000_000),
}


def main() -> int:
    """Prints a table: medians of rounds in which all ways take turns."""
    values: dict[tuple[str, str], list[float]] = {}
    for _ in range(_ROUNDS):
        for way in WAYS:
            with tempfile.TemporaryDirectory(dir="/tmp") as name:  # short, for sockets
                folder, port = Path(name), free_port_base()
                with processes([(_serve, (folder,))]), processes([(_relay, (folder, way, port))]):
                    for unit, (load, scale) in _LOADS.items():
                        values.setdefault((way, unit), []).append(rate(load, Place(folder, port)) / scale)
    print(f"{'way':<16}" + "".join(f"{unit:>15}" for unit in _LOADS))
    for way, what in WAYS.items():
        row = "".join(f"{statistics.median(values[way, unit]):>15.0f}" for unit in _LOADS)
        print(f"{way:<16}{row}  {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
