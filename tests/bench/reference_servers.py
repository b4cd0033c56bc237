"""Servers to measure against: the appliance's workers without a log, a plain file of appended bytes, the bare TLS library.

Each in processes of its own, for the length of a with statement. None is a part of the product.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import selectors
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from signer.app.child_process import Child, ChildSpec, listen_on
from signer.app.processors import shares
from tests.bench.boundary import BULK_BYTES, OPENING


@contextmanager
def processes(targets: Sequence[tuple[Callable[..., None], tuple[Any, ...]]]) -> Iterator[None]:
    """Started and ready; each target gets a barrier behind its own arguments."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(len(targets) + 1)
    started = [context.Process(target=target, args=(*given, ready), daemon=True) for target, given in targets]
    for process in started:
        process.start()
    ready.wait(120)
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.join()


# ---- workers without a log


@contextmanager
def unlogged_workers(directory: Path, port: int, count: int) -> Iterator[None]:
    """The appliance's own workers on another port, started as its supervisor starts them: same token, same keys, same processors and
    limits; nothing is recorded.
    """
    metrics = {"PROMETHEUS_MULTIPROC_DIR": str(directory / "run" / "metrics"), "GRPC_VERBOSITY": "ERROR"}
    module = ("tests.bench.unlogged_worker", "--config", str(directory / "signer.toml"), "--port-base", str(port))
    children = [
        Child(ChildSpec(name, (*module, "--name", name), environment=metrics, processors=share))
        for name, share in zip((f"unlogged-{number}" for number in range(count)), shares(count), strict=True)
    ]
    try:
        while not all(child.poll_ready() for child in children):
            assert all(child.poll_exit() is None for child in children), "an unlogged worker ended; it said why"
            time.sleep(0.05)
        yield
    finally:
        for child in children:
            child.signal(signal.SIGKILL)
            child.wait(30)
            child.close()


def workers_anew(directory: Path) -> None:
    """Ends the appliance's workers, and waits until its supervisor has others ready."""
    before = _workers(directory)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 60
    while not _replaced(before, _workers(directory)):
        assert time.monotonic() < until, "no new workers"
        time.sleep(0.1)


def _replaced(before: dict[int, bool], now: dict[int, bool]) -> bool:
    return len(now) == len(before) and all(now.values()) and not before.keys() & now.keys()


def _workers(directory: Path) -> dict[int, bool]:
    """Process ids, and whether they are ready, by the supervisor's record."""
    children = json.loads((directory / "run" / "children.json").read_text())["children"]
    return {child["pid"]: child["ready"] for name, child in children.items() if name.startswith("worker-")}


# ---- a plain file


def _plain_log(folder: Path, ready: Any) -> None:
    """Takes what every ready connection has sent, writes it with one flush, answers; space is written ahead as in the log."""
    listener = listen_on(folder / "log.sock")
    file = os.open(folder / "plain", os.O_RDWR | os.O_CREAT, 0o600)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    answer = b"\x00" + bytes(8) + b"plain"
    answer = len(answer).to_bytes(4, "big") + answer
    size = ahead = 0
    ready.wait()
    while True:
        waiting = []
        for key, _ in selector.select():
            if key.fileobj is listener:
                selector.register(listener.accept()[0], selectors.EVENT_READ)
                continue
            assert isinstance(key.fileobj, socket.socket)
            if data := key.fileobj.recv(65536):
                waiting.append((key.fileobj, data))
            else:
                selector.unregister(key.fileobj)
        if not waiting:
            continue
        written = b"".join(data for _, data in waiting)
        if size + len(written) > ahead:
            ahead = size + max(65536, len(written))
            os.pwrite(file, bytes(ahead - size), size)
            os.fsync(file)
        os.pwrite(file, written, size)
        os.fdatasync(file)
        size += len(written)
        for connection, _ in waiting:
            connection.send(answer)


@contextmanager
def plain_log(folder: Path) -> Iterator[None]:
    """Answers the log's clients on `log.sock` in the folder: group commit of the same bytes, and nothing else."""
    with processes([(_plain_log, (folder,))]):
        yield


# ---- the bare TLS library


def _bare_tls(directory: Path, port: int, ready: Any) -> None:
    from signer.smtls import Credentials, SmTlsSettings, server_context

    public = directory / "public"
    credentials = Credentials.read(public / "server.pem", public / "server.key", public / "ca.pem")
    context = server_context(SmTlsSettings(), credentials)
    listener = socket.create_server(("127.0.0.1", port), backlog=512)
    ready.wait()
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=_serve_bare, args=(sock, context), daemon=True).start()


def _serve_bare(sock: socket.socket, context: Any) -> None:
    from signer.smtls import TlsStream

    stream = TlsStream(context, is_server=True)
    stream.judge = lambda _chain: None
    with sock:
        received = b""
        while not stream.handshake(received):
            sock.sendall(stream.outgoing())
            received = sock.recv(65536)
            if not received:
                return
        sock.sendall(stream.outgoing())
        # A client's opening is answered, then each of its bulks.
        wanted, count = len(OPENING), len(stream.decrypt(b""))
        while True:
            if count >= wanted:
                wanted, count = BULK_BYTES, count - wanted
                sock.sendall(stream.encrypt(b"!"))
            data = sock.recv(65536)
            if not data:
                return
            count += len(stream.decrypt(data))


@contextmanager
def bare_tls(directory: Path, port: int) -> Iterator[None]:
    """A server with the public listener's own context and certificates: handshakes and records, no HTTP/2, no worker."""
    with processes([(_bare_tls, (directory, port))]):
        yield
