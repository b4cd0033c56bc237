"""The log writer's process: opens the log file, serves appends on an inherited socket, ends when told to."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
from pathlib import Path

from monitoring import json_log
from signer.app.child_process import say_ready
from signer.audit import LogEntry
from signer.audit.log_file import LogFile
from signer.audit.log_process import LogServer
from signer.errors import SignerError

_log = logging.getLogger(__name__)


def main() -> int:
    """Serves until SIGTERM; start and stop are entries of the log themselves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--log-id", required=True)
    parser.add_argument("--listen-fd", type=int, required=True)
    parser.add_argument("--ready-fd", type=int, required=True)
    options = parser.parse_args()
    json_log.configure("log-writer")
    stop_read, stop_write = socket.socketpair()
    signal.signal(signal.SIGTERM, lambda *_: stop_write.send(b"1"))
    # Ctrl-C reaches the whole group; the supervisor says when it is our turn to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        log = LogFile.open(options.file, options.log_id)
        log.append([LogEntry("start").encode()])
    except SignerError as problem:
        _log.error(str(problem))
        return 1
    say_ready(options.ready_fd)
    LogServer(log, socket.socket(fileno=options.listen_fd)).serve(stop_read)
    log.append([LogEntry("stop").encode()])
    log.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
