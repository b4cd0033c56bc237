"""The log writer's process: opens the journal, serves appends on an inherited socket, keeps the signed tree close behind it."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
from functools import partial
from pathlib import Path

from hsm.errors import HsmError
from isolation.readiness import say_ready
from isolation.sandbox import forbid_dumps_and_privileges
from monitoring import json_log
from signer.algorithms import sm3
from signer.app.log_key import open_log_key
from signer.app.process_reach import enter_log_writer_sandbox
from signer.audit import LogEntry
from signer.audit.log_file import LogFile, LogReader
from signer.audit.log_process import LogServer
from signer.audit.tree import Integrator, Tree
from signer.config import ApplianceConfig, load_config
from signer.errors import SignerError

_log = logging.getLogger(__name__)


def main() -> int:
    """Serves until SIGTERM; start and stop are entries of the log themselves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--listen-fd", type=int, required=True)
    parser.add_argument("--ready-fd", type=int, required=True)
    options = parser.parse_args()
    forbid_dumps_and_privileges()
    json_log.configure("log-writer")
    stop_read, stop_write = socket.socketpair()
    signal.signal(signal.SIGTERM, lambda *_: stop_write.send(b"1"))
    # Ctrl-C reaches the whole group; the supervisor says when it is our turn to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        config = load_config(options.config)
        report = enter_log_writer_sandbox(config)
        journal = LogFile.open(config.log.file, config.log.log_id)
        integrator = _integrator(config, journal)
        integrator.start()
        journal.append([LogEntry("start").encode(), _configuration_entry(config)])
    except (SignerError, HsmError) as problem:
        _log.error(str(problem))
        return 1
    say_ready(options.ready_fd, report)
    LogServer(journal, socket.socket(fileno=options.listen_fd)).serve(stop_read)
    journal.append([LogEntry("stop").encode()])
    integrator.stop()
    journal.close()
    return 0


def _integrator(config: ApplianceConfig, journal: LogFile) -> Integrator:
    key, sign = open_log_key(config)
    reader = LogReader(config.log.file)
    return Integrator(partial(Tree, config.log.directory, key), reader.read, lambda: journal.count, sign)


def _configuration_entry(config: ApplianceConfig) -> bytes:
    """What the appliance starts with: a changed configuration shows as another digest."""
    digests = [f"lan {config.listener.transport} {config.listener.address}"]
    digests += [f"metrics {config.monitoring.transport} {config.monitoring.address}"]
    digests += [f"{file.name} {_digest(file)}" for file in (config.file, config.grants.file)]
    return LogEntry("configuration", detail=", ".join(digests)).encode()


def _digest(file: Path) -> str:
    try:
        return sm3.digest(file.read_bytes()).hex()
    except OSError:
        return "can't be read"


if __name__ == "__main__":
    sys.exit(main())
