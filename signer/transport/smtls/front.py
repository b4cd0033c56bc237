"""The public listener's life: accepts, looks after what lives, takes new certificates, proves workers, drains.

One asyncio loop in a process without keys other than TLS's, without the token, the log and the database. Not for one connection:
that is `connection`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from monitoring import metrics
from signer.smtls import SmTlsError, SmTlsReason, SmTlsSettings
from signer.transport.smtls.connection import Terminator
from signer.transport.smtls.identity_proof import IdentityProof
from signer.transport.smtls.inner import InnerDirectory, publish
from signer.transport.smtls.limits import GRACE_SECONDS, Ended, PublicLimits
from signer.transport.smtls.listener_config import MaterialFiles
from signer.transport.smtls.material import MaterialKeeper
from signer.transport.smtls.self_test import prove_tls
from signer.transport.smtls.workers import InnerHop

_log = logging.getLogger(__name__)
_TICK_S = 0.5
# Lines a tick; a flood must not fill the disk. Metrics count them all.
_REFUSALS_LOGGED = 10


@dataclass(frozen=True)
class FrontConfig:
    """`workers`: their names. `drain_seconds`: how long connections may last after SIGTERM."""

    files: MaterialFiles
    settings: SmTlsSettings
    limits: PublicLimits
    inner: InnerDirectory
    workers: tuple[str, ...]
    drain_seconds: float


class Front:
    """Make it before the sandbox (it reads and publishes), run it inside."""

    def __init__(self, config: FrontConfig, material: MaterialKeeper) -> None:
        self._config = config
        self._material = material
        # Handshakes are arithmetic without the GIL: in threads, they don't hold up the connections that exist.
        self._executor: Executor = ThreadPoolExecutor(2, thread_name_prefix="handshake")
        self._hop = InnerHop(config.inner, config.workers, self._executor)
        publish(config.inner.authority, self._hop.authority.certificate_pem)
        self._proof = IdentityProof(self._hop, self._executor, config.settings)
        self._terminator = Terminator(lambda: material.current, self._hop.connect, config.limits, self._executor)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        self._refusals_logged = 0

    @classmethod
    def from_config(cls, config: FrontConfig) -> Front:
        """Proves the TLS library and reads all files; serves nothing yet.

        Raises:
            SmTlsError: LIBRARY_UNFIT; the self-test failed.
            ConfigurationError: a file can't be used.
        """
        evidence = prove_tls(config.settings)
        _log.info(
            "TLS self-test passed",
            extra={
                "fields": {"library": evidence.library, "refused": len(evidence.refused), **vars(evidence.negotiated)}
            },
        )
        if config.files.crl_directory is None:
            _log.warning("revocation of clients' certificates is not checked: no crl_directory is configured")
        return cls(config, MaterialKeeper(config.files, config.settings))

    def stop(self) -> None:
        """Drains and ends; from a signal handler of the loop."""
        self._stop.set()

    def reload(self) -> None:
        """Reads all files again; from a signal handler of the loop."""
        self._reload.set()

    async def prove_workers(self) -> bool:
        """True when at least one worker is proven, and not before; False when it was stopped meanwhile.

        Raises:
            IdentityWrong: a worker attributes calls to the wrong peer, or believes strangers. The front must not serve.
        """
        while not self._stop.is_set():
            await self._prove_new_workers()
            if self._hop.usable():
                return True
            await asyncio.sleep(0.1)
        return False

    async def run(self, listener: socket.socket) -> None:
        """Serves until `stop`, then drains.

        Raises:
            IdentityWrong: as `prove_workers`, for a worker that was restarted. Nothing is served any more.
        """
        listener.setblocking(False)
        accepting = asyncio.create_task(self._accept(listener))
        ticking = asyncio.create_task(self._tick_for_ever())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({accepting, ticking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        accepting.cancel()
        if ticking.done():
            ticking.result()
        await self._drain()
        ticking.cancel()

    # ---- accepting

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, address = await loop.sock_accept(listener)
            except OSError:  # no descriptors left: those who are served must go on
                await asyncio.sleep(0.1)
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = asyncio.create_task(self._serve(sock, address[0]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, sock: socket.socket, host: str) -> None:
        try:
            refused = await self._terminator.serve(sock, host)
        except Exception:  # noqa: BLE001 - one connection's end must not be the end of the others
            _log.exception("a connection ended by an error of ours")
            return
        if refused is None:
            return
        metrics.public_handshakes.labels(refused.value).inc()
        self._refusals_logged += 1
        if self._refusals_logged <= _REFUSALS_LOGGED:
            _log.info("connection refused", extra={"fields": {"reason": refused.value, "address": host}})

    # ---- looking after what lives

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            self._refusals_logged = 0
            self._count_bytes()
            forced = self._reload.is_set()
            self._reload.clear()
            refresh = partial(self._material.refresh, even_if_unchanged=forced)
            changed = await asyncio.get_running_loop().run_in_executor(self._executor, refresh)
            self._look_after_connections(judge_all=changed)
            await self._prove_new_workers()

    def _count_bytes(self) -> None:
        terminator = self._terminator
        metrics.public_bytes.labels("received").inc(terminator.received_bytes)
        metrics.public_bytes.labels("sent").inc(terminator.sent_bytes)
        terminator.received_bytes = terminator.sent_bytes = 0

    def _look_after_connections(self, *, judge_all: bool) -> None:
        now, clock, limits = datetime.now(UTC), asyncio.get_running_loop().time(), self._config.limits
        judge = self._material.current.judge
        for live in tuple(self._terminator.live):
            if judge_all or now >= live.peer.good_until:
                try:
                    live.peer = judge.judge([certificate.der for certificate in live.peer.chain], now)
                except SmTlsError as problem:
                    live.end(problem.reason)
                    continue
            if clock - live.opened > limits.connection_seconds + GRACE_SECONDS:
                live.end(Ended.AGE)
            elif clock - live.last_activity > limits.idle_seconds + GRACE_SECONDS:
                live.end(Ended.IDLE)

    async def _prove_new_workers(self) -> None:
        for worker in self._hop.unproven():
            try:
                await self._proof.prove(worker)
            except SmTlsError as problem:
                # not up yet, or going down: it is asked again, and used only after that
                level = logging.DEBUG if problem.reason is SmTlsReason.UNREACHABLE else logging.WARNING
                _log.log(level, "a worker could not be proven yet", extra={"fields": {"why": problem.message}})

    # ---- ending

    async def _drain(self) -> None:
        """Workers are told to end at the same time and say so to their callers (GOAWAY); here it is waited for that."""
        until = asyncio.get_running_loop().time() + self._config.drain_seconds
        while self._terminator.live and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.05)
        for live in tuple(self._terminator.live):
            live.end(Ended.DRAINED)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._count_bytes()
