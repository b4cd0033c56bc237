"""Run as a program: enters the sandbox of a worker or of the log writer with a configuration, tries the network, prints outcomes as JSON.

Usage: python process_reach_probe.py {worker|log-writer} CONFIG LISTENING_PORT. Not a test: `test_process_reach` reads what it prints.
"""

from __future__ import annotations

import errno
import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from signer.app.process_reach import enter_log_writer_sandbox, enter_worker_sandbox
from signer.config import load_config


def _outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as problem:
        return errno.errorcode.get(problem.errno or 0, str(problem))
    return "done"


def main() -> None:
    process, file, port = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    config = load_config(file)
    report = (enter_worker_sandbox if process == "worker" else enter_log_writer_sandbox)(config)
    outcomes = {
        "connect": _outcome(lambda: socket.create_connection(("127.0.0.1", port), 5).close()),
        "bind own port": _outcome(lambda: socket.socket().bind(("127.0.0.1", config.listener.port))),
        "bind another": _outcome(lambda: socket.socket().bind(("127.0.0.1", config.listener.port + 1))),
        "write the log": _outcome(lambda: (config.log.directory / "probe").write_text("x")),
        "write the archive": _outcome(lambda: (config.blobs.directory / "probe").write_text("x")),
        "write a vendor's file": _outcome(lambda: (file.parent / "vendor" / "probe").write_text("x")),
    }
    print(json.dumps({**outcomes, "no writable code": report.no_writable_code}))


if __name__ == "__main__":
    main()
