"""From a local unix socket to the appliance's public listener: the TLS that gRPC can't speak (RFC 8998), beside gRPC.

Each local connection becomes one connection outside, so that HTTP/2 goes through as it is. Whoever can open the socket calls with
the client's certificate: it has mode 0600. `signer connect` runs one for any program; `Connection` has one of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import tempfile
import threading
from pathlib import Path

from signer.client.profile import ClientProfile, ProfileError
from signer.smtls import Credentials, Leg, SmTlsError, SmTlsReason, SmTlsSettings, TlsStream, client_context, join
from signer.smtls.relay import shake_hands

_CONNECT_TIMEOUT_S = 15.0


class Tunnel:
    """Carries connections."""

    def __init__(self, profile: ClientProfile) -> None:
        """Raises ProfileError: the profile's files can't be used."""
        self._profile = profile
        self._failure = ""
        self._last: Leg | None = None
        settings = SmTlsSettings(ccm=profile.suite == "TLS_SM4_CCM_SM3", hybrid=profile.group == "curveSM2MLKEM768")
        try:
            credentials = Credentials.read(profile.certificate, profile.key, profile.authority)
            self._context = client_context(settings, credentials)
        except SmTlsError as problem:
            raise ProfileError(f"{profile.certificate.parent}: {problem}") from None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def last_problem(self) -> str:
        """Why the last connection failed, "" where it didn't.

        A server that refuses our certificate says so only after our end of the handshake (RFC 8446, 4.4.2.4): then the leg
        that was joined already knows why.
        """
        if self._last is not None and self._last.problem is not None:
            return self._last.problem.message
        return self._failure

    async def serve(self, listener: socket.socket) -> None:
        """Until it is cancelled."""
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        try:
            while True:
                local, _ = await loop.sock_accept(listener)
                task = asyncio.create_task(self._carry(local))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        finally:
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, local: socket.socket) -> None:
        local.setblocking(False)
        with local:
            try:
                remote, stream = await self._open()
            except SmTlsError as problem:
                self._failure, self._last = problem.message, None
                return
            with remote:
                outer, inner = Leg(stream), Leg(None)
                self._failure, self._last = "", outer
                try:
                    await join((remote, outer), (local, inner), b"")
                    await outer.lost
                    await inner.lost
                finally:
                    outer.abort()
                    inner.abort()

    async def _open(self) -> tuple[socket.socket, TlsStream]:
        host, port = self._profile.host_and_port
        stream = TlsStream(self._context, is_server=False, host=self._profile.server_name or host)
        sock: socket.socket | None = None
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                sock = await _connect(host, port)
                await shake_hands(sock, stream, None)
                stream.require_h2()
        except BaseException as problem:
            if sock is not None:
                sock.close()
            if isinstance(problem, OSError | TimeoutError):
                raise SmTlsError(SmTlsReason.UNREACHABLE, f"{self._profile.target} does not answer") from None
            raise
        return sock, stream


async def _connect(host: str, port: int) -> socket.socket:
    """Tries each address of a name. Raises OSError."""
    loop = asyncio.get_running_loop()
    last: OSError = OSError("no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, address)
        except OSError as problem:
            sock.close()
            last = problem
            continue
        except BaseException:
            sock.close()
            raise
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock
    raise last


def listen_privately(path: Path) -> socket.socket:
    """A unix socket of mode 0600. A dead one of the same name is replaced; anything else there is left alone.

    Raises:
        ProfileError: the path can't be used.
    """
    if _is_served(path):
        raise ProfileError(f"{path}: something listens there already")
    if path.exists() and not path.is_socket():
        raise ProfileError(f"{path}: there is something else")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            path.unlink()
        # Bound in a directory of our own and moved from there: at no moment can others connect.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".signer-") as private:
            made = Path(private) / "s"
            listener.bind(str(made))
            made.chmod(0o600)
            listener.listen(64)
            made.rename(path)
    except OSError as problem:
        listener.close()
        raise ProfileError(f"{path}: no socket can be made there ({problem.strerror or problem})") from None
    return listener


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return path.is_socket() and probe.connect_ex(str(path)) == 0


class BackgroundTunnel:
    """A tunnel in a thread of its own, for one `Connection` of this process. `path`: its socket, in a directory of mode 0700."""

    def __init__(self, profile: ClientProfile) -> None:
        """Raises ProfileError, as `Tunnel`."""
        self._tunnel = Tunnel(profile)
        self._directory = Path(tempfile.mkdtemp(prefix="signer-"))
        self.path = self._directory / "s"
        self._listener = listen_privately(self.path)
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="smtls-tunnel", daemon=True)
        self._thread.start()

    @property
    def last_problem(self) -> str:
        """See `Tunnel`."""
        return self._tunnel.last_problem

    def close(self) -> None:
        """Ends all its connections."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._cancel)
            self._thread.join()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _run(self) -> None:
        async def serve() -> None:
            self._task = asyncio.current_task()
            with self._listener, contextlib.suppress(asyncio.CancelledError):
                await self._tunnel.serve(self._listener)

        with contextlib.closing(self._loop):
            self._loop.run_until_complete(serve())
