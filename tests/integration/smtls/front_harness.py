"""A real front in a thread of the test's process, with real workers' inner servers behind it and an authority of its own before it.

What the appliance's processes add (supervisor, sandbox, grants) is tested on the appliance itself; here files, limits and clocks are
the test's own, and metrics can be read.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import grpc

from monitoring import metrics
from signer.certificates.sm2_tls import Sm2TlsPair, make_crl, make_sm2_authority, make_sm2_client, make_sm2_server
from signer.client import ClientProfile
from signer.client.tunnel import BackgroundTunnel
from signer.smtls import SmTlsSettings
from signer.transport.identity import CLIENT_URI_PREFIX, Listener, client_of
from signer.transport.listener_config import InnerListenerConfig
from signer.transport.server import GrpcServer
from signer.transport.smtls.front import Front, FrontConfig
from signer.transport.smtls.inner import InnerDirectory
from signer.transport.smtls.limits import PublicLimits
from signer.transport.smtls.listener_config import MaterialFiles

DAY = timedelta(days=1)
LIMITS = PublicLimits(connections_per_address=1000, handshake_seconds=3)


class WhoService(grpc.GenericRpcHandler):
    """Answers who called: One (unary), Each (streaming), Large (as many bytes as the request says)."""

    def __init__(self) -> None:
        def one(request: bytes, context: grpc.ServicerContext) -> bytes:
            name = client_of(cast(Mapping[str, list[bytes]], context.auth_context()), Listener.INNER)
            return name.encode() + b" " + request

        def each(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            return (one(request, context) for request in requests)

        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "/test.Who/One": grpc.unary_unary_rpc_method_handler(one),
            "/test.Who/Each": grpc.stream_stream_rpc_method_handler(each),
            "/test.Who/Large": grpc.unary_unary_rpc_method_handler(lambda request, _context: bytes(int(request))),
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """By path."""
        return self._handlers.get(handler_call_details.method)


@dataclass
class Authority:
    """An authority of the public listener, and the files that the front reads."""

    folder: Path
    pair: Sm2TlsPair = field(default_factory=lambda: make_sm2_authority("test authority"))
    revoked: list[int] = field(default_factory=list)
    crl_number: int = 0

    def __post_init__(self) -> None:
        (self.folder / "crl").mkdir(parents=True)
        (self.folder / "ca.pem").write_bytes(self.pair.certificate_pem)
        self.write_server(make_sm2_server(self.pair, "127.0.0.1"))
        self.publish_crl()

    @property
    def files(self) -> MaterialFiles:
        """As the front takes them."""
        folder = self.folder
        return MaterialFiles(folder / "server.pem", folder / "server.key", folder / "ca.pem", folder / "crl")

    def write_server(self, server: Sm2TlsPair) -> None:
        """Replaces the server's certificate."""
        (self.folder / "server.key").write_bytes(server.key.reveal_pem())
        (self.folder / "server.pem").write_bytes(server.certificate_pem)

    def publish_crl(self, *, valid: timedelta = DAY, number: int | None = None) -> None:
        """A new CRL in place of the former one."""
        self.crl_number += 1
        crl = make_crl(self.pair, self.revoked, number=self.crl_number if number is None else number, valid=valid)
        new = self.folder / "new"
        new.write_bytes(crl)
        new.replace(self.folder / "crl" / "ca.crl")

    def revoke(self, pair: Sm2TlsPair) -> None:
        """Publishes that a certificate is revoked."""
        self.revoked.append(pair.serial)
        self.publish_crl()

    def client(self, name: str, **others: Any) -> Sm2TlsPair:
        """A client's certificate."""
        return make_sm2_client(self.pair, name, CLIENT_URI_PREFIX + name, **others)

    def profile(self, pair: Sm2TlsPair, port: int) -> ClientProfile:
        """For our own client."""
        folder = self.folder / f"client-{pair.serial}"
        folder.mkdir(exist_ok=True)
        (folder / "cert.pem").write_bytes(pair.certificate_pem)
        (folder / "key.pem").write_bytes(pair.key.reveal_pem())
        address = f"smtls://127.0.0.1:{port}"
        return ClientProfile(address, self.folder / "ca.pem", folder / "cert.pem", folder / "key.pem")


class RunningFront:
    """A front that serves. `call`: calls as a client."""

    def __init__(
        self, authority: Authority, limits: PublicLimits, settings: SmTlsSettings, inner: InnerDirectory
    ) -> None:
        self.authority = authority
        self.inner = inner
        self.failure: BaseException | None = None
        config = FrontConfig(authority.files, settings, limits, inner, ("worker-0", "worker-1"), drain_seconds=0.2)
        self.front = Front.from_config(config)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def wait_ready(self) -> None:
        """Until it serves, or doesn't: then that's raised."""
        assert self._ready.wait(30)
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        async def serve() -> None:
            await self.front.prove_workers()
            self._ready.set()
            await self.front.run(self._listener)

        try:
            self._loop.run_until_complete(serve())
        except BaseException as problem:  # noqa: BLE001 - told by wait_ready and by tests
            self.failure = problem
        finally:
            self._ready.set()
            self._listener.close()
            self._loop.close()

    def reload(self) -> None:
        """As SIGHUP does."""
        self._loop.call_soon_threadsafe(self.front.reload)

    def stop(self) -> None:
        """As SIGTERM does."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self.front.stop)
        self._thread.join(20)
        assert not self._thread.is_alive()

    @contextmanager
    def channel(self, pair: Sm2TlsPair) -> Iterator[grpc.Channel]:
        """A gRPC channel of a client with this certificate."""
        tunnel = BackgroundTunnel(self.authority.profile(pair, self.port))
        options = [("grpc.default_authority", "localhost"), ("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(f"unix:{tunnel.path}", options) as channel:
            yield channel
        tunnel.close()


def ask(channel: grpc.Channel, text: bytes = b"?", timeout: float = 10) -> bytes:
    """Who am I?"""
    one: Any = channel.unary_unary("/test.Who/One")
    answer: bytes = one(text, timeout=timeout)
    return answer


@contextmanager
def workers(inner: InnerDirectory, limits: PublicLimits, *names: str) -> Iterator[None]:
    """Workers' inner servers, as the appliance's workers make them."""

    def register(server: grpc.Server) -> list[str]:
        server.add_generic_rpc_handlers((WhoService(),))
        return []

    config = InnerListenerConfig(inner, 16, 64, limits.connection_seconds, limits.idle_seconds)
    servers = [GrpcServer.for_inner_hop(config, name, interceptors=[], register=register) for name in names]
    for server in servers:
        server.start()
    try:
        yield
    finally:
        for ended in [server.begin_drain(0) for server in servers]:
            ended.wait(10)


@contextmanager
def running_front(
    folder: Path, limits: PublicLimits = LIMITS, settings: SmTlsSettings | None = None
) -> Iterator[RunningFront]:
    """A front with two workers."""
    inner = InnerDirectory(folder / "inner")
    inner.make(["worker-0", "worker-1"])
    authority = Authority(folder / "public")
    with workers(inner, limits, "worker-0", "worker-1"):
        front = RunningFront(authority, limits, settings or SmTlsSettings(), inner)
        try:
            front.wait_ready()
            yield front
        finally:
            front.stop()


def handshakes(result: str) -> float:
    """How many ended so, in this process."""
    value: float = metrics.public_handshakes.labels(result)._value.get()
    return value


def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Waits until it holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.02)
