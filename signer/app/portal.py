"""The portal's process: the 验真 page for browsers, sandboxed. No token, no database, no archive; it reaches the LAN listener alone.

`python -m signer.app.portal`; the supervisor hands it the listening socket, so that browsers wait while it restarts.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import sysconfig
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import signer
from isolation.landlock import TcpPorts
from isolation.process_table import PROCESSES
from isolation.readiness import say_ready
from isolation.sandbox import SandboxReport, enter_sandbox, forbid_dumps_and_privileges
from monitoring import json_log, metrics
from signer.app.child_process import listening_child_options
from signer.client import ClientProfile, ProfileError, load_profile
from signer.config import load_config
from signer.errors import SignerError
from signer.web.appliance import Appliance
from signer.web.certificate import PortalCertificate
from signer.web.connections import Connections
from signer.web.portal import Portal
from signer.web.portal_config import PortalConfig
from signer.web.refusal import UPLOAD_OUTCOMES

_log = logging.getLogger(__name__)
# What gRPC reads: its random numbers' seed, and for a host's name the name service's files.
_READ_BY_GRPC = (
    "/dev/urandom",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
)


def main() -> int:
    """Serves until SIGTERM, then drains."""
    options = listening_child_options(__doc__)
    forbid_dumps_and_privileges()
    json_log.configure("portal")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        config = load_config(options.config, port_base=options.port_base)
        portal = config.portal
        assert portal is not None, "the supervisor starts a portal only where one is configured"
        certificate = None if portal.tls is None else PortalCertificate(portal.tls)
        profile = _profile(portal)
    except (SignerError, ProfileError) as problem:
        _log.error(str(problem))
        return 1
    _begin_series(portal)
    report = _enter_sandbox(portal, profile)
    listener = socket.socket(fileno=options.listen_fd)
    served = _serve(portal, profile, certificate, listener, config.listener.drain_seconds, options.ready_fd, report)
    return asyncio.run(served)


async def _serve(
    config: PortalConfig,
    profile: ClientProfile,
    certificate: PortalCertificate | None,
    listener: socket.socket,
    drain_seconds: float,
    ready_fd: int,
    report: SandboxReport,
) -> int:
    try:
        appliance = Appliance(profile, config.limits)
    except ProfileError as problem:
        _log.error(str(problem))
        return 1
    portal = Portal(config, appliance)
    tls = None if certificate is None else certificate.context
    connections = Connections(portal.answer, config.limits, config.proxies, tls)
    portal.requests = connections
    serving = asyncio.create_task(connections.serve(listener))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
    say_ready(ready_fd, report)
    with suppress(asyncio.CancelledError):
        await serving
    listener.close()
    await connections.drain(drain_seconds)
    appliance.close()
    return 0


def _profile(config: PortalConfig) -> ClientProfile:
    """Where --port-base moved the listeners, the address in the profile moves with them. Raises ProfileError."""
    profile = load_profile(config.profile)
    if profile.is_smtls:
        raise ProfileError(f"{config.profile}: the portal calls the LAN listener; give its address as host:port")
    if not config.shift:
        return profile
    host, port = profile.host_and_port
    return profile.at(f"[{host}]:{port + config.shift}" if ":" in host else f"{host}:{port + config.shift}")


def _begin_series(config: PortalConfig) -> None:
    """Metrics' files must be open before the sandbox: series that may ever be counted begin at zero."""
    metrics.listener_info.labels("portal", config.transport).set(1)
    metrics.portal_upload_bytes.set(0)
    for outcome in UPLOAD_OUTCOMES:
        metrics.portal_uploads.labels(outcome)


def _enter_sandbox(config: PortalConfig, profile: ClientProfile) -> SandboxReport:
    """Its certificate's directory, not the file: one that is replaced is another file. The client's own files are read once."""
    host, port = profile.host_and_port
    client = {profile.authority, profile.certificate, profile.key}
    served = set() if config.tls is None else {config.tls.certificate.parent, config.tls.key.parent}
    modules = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    readable = {*client, *served, *modules, *(Path(place) for place in signer.__path__), *map(Path, _READ_BY_GRPC)}
    os.environ["GRPC_VERBOSITY"] = "NONE"  # its own lines are not JSON
    return enter_sandbox(
        readable=sorted(place for place in readable if place.exists()),
        # gRPC finds out whether there is IPv6 by binding port 0 of ::1.
        tcp=TcpPorts(bind=(0,) if ":" in host else (), connect=(port,)),
        limits=replace(PROCESSES["portal"].limits, open_files=2 * config.limits.connections + 256),
    )


if __name__ == "__main__":
    sys.exit(main())
