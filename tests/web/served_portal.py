"""The portal's own parts on a port of the test's, before a real appliance: as `signer.app.portal` joins them, without its sandbox.

For limits that the shared appliance's portal doesn't have. The process itself is tested as a process.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from ipaddress import ip_network
from pathlib import Path

from signer.client import ClientProfile
from signer.web.appliance import Appliance
from signer.web.connections import Connections
from signer.web.portal import Portal
from signer.web.portal_config import PortalConfig, PortalLimits, PortalTlsFiles

GENEROUS = PortalLimits(
    uploads_per_minute=10_000, upload_burst=10_000, uploads_per_address=64, connections_per_address=256
)


@contextmanager
def serving(
    profile: ClientProfile,
    limits: PortalLimits = GENEROUS,
    *,
    proxies: tuple[str, ...] = (),
    tls: tuple[PortalTlsFiles, Callable[[], ssl.SSLContext]] | None = None,
) -> Iterator[int]:
    """Its port on 127.0.0.1."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    config = PortalConfig(
        host="127.0.0.1",
        port=listener.getsockname()[1],
        tls=None if tls is None else tls[0],
        profile=Path(),
        company="示例财产保险股份有限公司",
        proxies=tuple(ip_network(text) for text in proxies),
        limits=limits,
    )
    ready = threading.Event()
    stop: list[Callable[[], object]] = []

    async def run() -> None:
        appliance = Appliance(profile, limits)
        portal = Portal(config, appliance)
        connections = Connections(portal.answer, limits, config.proxies, None if tls is None else tls[1])
        portal.requests = connections
        serving = asyncio.create_task(connections.serve(listener))
        loop = asyncio.get_running_loop()
        stop.append(partial(loop.call_soon_threadsafe, serving.cancel))
        ready.set()
        with suppress(asyncio.CancelledError):
            await serving
        await connections.drain(1)
        appliance.close()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield config.port
    finally:
        for end in stop:
            end()
        thread.join(30)
        listener.close()


def limited(**values: int) -> PortalLimits:
    """Generous but for these."""
    return replace(GENEROUS, **values)
