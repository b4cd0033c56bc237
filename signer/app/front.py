"""The front's process: the public listener's TLS, sandboxed. No token, no database, no log; it can reach the workers and no network.

`python -m signer.app.front`; the supervisor hands it the listening socket, so that connections wait while it restarts.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

import signer
from isolation.process_table import PROCESSES
from isolation.readiness import say_ready
from isolation.sandbox import SandboxReport, enter_sandbox, forbid_dumps_and_privileges
from monitoring import json_log, metrics
from signer.app.child_process import listening_child_options
from signer.config import ApplianceConfig, load_config
from signer.errors import SignerError
from signer.smtls import SmTlsError, SmTlsReason, SmTlsSettings
from signer.transport.smtls.front import Front, FrontConfig
from signer.transport.smtls.identity_proof import IdentityWrong
from signer.transport.smtls.limits import Ended
from signer.transport.smtls.listener_config import PublicListenerConfig

_log = logging.getLogger(__name__)


def main() -> int:
    """Serves until SIGTERM, then drains. SIGHUP reads certificates and CRLs again."""
    options = listening_child_options(__doc__)
    forbid_dumps_and_privileges()
    json_log.configure("front")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        config = load_config(options.config, port_base=options.port_base)
        public = config.public
        assert public is not None, "the supervisor starts a front only where a public listener is configured"
        front = Front.from_config(_front_config(config, public))
        _begin_series()
    except (SignerError, SmTlsError) as problem:
        _log.error(str(problem))
        return 1
    report = _enter_sandbox(config, public)
    return asyncio.run(_run(front, socket.socket(fileno=options.listen_fd), options.ready_fd, report))


async def _run(front: Front, listener: socket.socket, ready_fd: int, report: SandboxReport) -> int:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, front.stop)
    loop.add_signal_handler(signal.SIGHUP, front.reload)
    try:
        if await front.prove_workers():
            say_ready(ready_fd, report)
            await front.run(listener)
    except IdentityWrong as problem:
        _log.critical(str(problem))
        return 1
    return 0


def _front_config(config: ApplianceConfig, public: PublicListenerConfig) -> FrontConfig:
    return FrontConfig(
        files=public.files,
        settings=SmTlsSettings(ccm=public.ccm, hybrid=public.hybrid),
        limits=public.limits,
        inner=config.inner_directory,
        workers=config.worker_names,
        drain_seconds=config.listener.drain_seconds,
    )


def _begin_series() -> None:
    """Metrics' files must be open before the sandbox: series that may ever be counted begin at zero."""
    for result in ("ok", *(reason.value for reason in (*SmTlsReason, *Ended))):
        metrics.public_handshakes.labels(result)
    metrics.public_connections_ended.labels(Ended.BY_PEER_OR_WORKER.value)
    for direction in ("received", "sent"):
        metrics.public_bytes.labels(direction)


def _enter_sandbox(config: ApplianceConfig, public: PublicListenerConfig) -> SandboxReport:
    """Directories, not files: a certificate that is replaced is another file."""
    files = public.files
    named = [file.parent for file in (files.certificate, files.key, files.client_authority)]
    modules = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    readable = {*named, *modules, *(Path(place) for place in signer.__path__), config.inner_directory.path}
    if files.crl_directory is not None:
        readable.add(files.crl_directory)
    # Files may be written without limit: what is open is standard error and metrics; nothing else can be opened for writing.
    return enter_sandbox(
        readable=sorted(place for place in readable if place.is_dir()),
        limits=replace(PROCESSES["front"].limits, open_files=2 * public.limits.connections + 256),
    )


if __name__ == "__main__":
    sys.exit(main())
