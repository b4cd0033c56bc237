"""The process that serves /metrics, /healthz and /readyz. It reads what the others wrote and holds nothing itself.

Run as `python -m monitoring.exporter`. Not for deciding what is healthy beyond "every process that must run is ready, and every
worker's last real signature worked" (`appliance_state`).
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import sysconfig
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from isolation.process_table import PROCESSES
from isolation.readiness import say_ready
from isolation.sandbox import SandboxReport, enter_sandbox, forbid_dumps_and_privileges
from monitoring import json_log, metrics
from monitoring.appliance_state import ApplianceState
from monitoring.bounded_server import BoundedServer
from monitoring.metrics_tls import TlsFiles, TlsFilesUnusable, TlsMaterial

_log = logging.getLogger(__name__)


class Exporter(BoundedServer):
    """Serves one metrics directory and the state of one appliance."""

    def __init__(
        self, address: tuple[str, int], tls: TlsMaterial | None, metrics_directory: Path, state: ApplianceState
    ) -> None:
        super().__init__(address, _Handler, tls)
        self.metrics_directory = metrics_directory
        self.state = state

    def metrics_page(self) -> bytes:
        """All processes' metrics, added up."""
        self.state.publish()
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self.metrics_directory))  # type: ignore[no-untyped-call]  # untyped there
        return generate_latest(registry)


class _Handler(BaseHTTPRequestHandler):
    server: Exporter
    timeout = 10
    server_version = "signer"
    sys_version = ""

    def do_GET(self) -> None:
        """The three pages; anything else is 404."""
        if self.path == "/metrics":
            self._answer(200, self.server.metrics_page(), CONTENT_TYPE_LATEST)
        elif self.path == "/healthz":
            self._answer(200, b"ok\n")
        elif self.path == "/readyz":
            unready = self.server.state.unready()
            body = json.dumps({"ready": not unready, "not_ready": unready}).encode() + b"\n"
            self._answer(503 if unready else 200, body, "application/json")
        else:
            self._answer(404, b"there is /metrics, /healthz and /readyz\n")

    def _answer(self, status: int, body: bytes, content_type: str = "text/plain; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are not worth a line each."""


def main() -> int:
    """Serves until SIGTERM."""
    options = _options()
    forbid_dumps_and_privileges()
    json_log.configure("exporter")
    try:
        tls = TlsMaterial(TlsFiles(*options.tls)) if options.tls else None
        volumes = dict(named.split("=", 1) for named in options.volume)
        state = ApplianceState(
            options.state_file,
            options.probes_directory,
            options.probing,
            {name: Path(directory) for name, directory in volumes.items()},
        )
        exporter = Exporter((options.host, options.port), tls, options.metrics_directory, state)
        report = _enter_sandbox(options)
    except (OSError, TlsFilesUnusable) as problem:
        _log.error(f"metrics can't be served: {problem}")
        return 1
    metrics.listener_info.labels("metrics", options.transport).set(1)
    # shutdown() waits for the loop, so it must not run in the thread that the signal interrupts.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=exporter.shutdown).start())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    say_ready(options.ready_fd, report)
    exporter.serve_forever()
    return 0


def _enter_sandbox(options: argparse.Namespace) -> SandboxReport:
    """Directories, not files: a certificate or a state file that is replaced is another file."""
    modules = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    readable = {options.state_file.parent, *(file.parent for file in options.tls or ()), *modules}
    return enter_sandbox(
        readable=sorted(path for path in readable if path.is_dir()),
        writable=[options.metrics_directory],
        limits=PROCESSES["exporter"].limits,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--transport", required=True, help="what protects the listener, as the metric calls it")
    parser.add_argument("--tls", type=Path, nargs=3, metavar=("CERTIFICATE", "KEY", "CLIENT_AUTHORITY"))
    parser.add_argument("--metrics-directory", type=Path, required=True)
    parser.add_argument("--state-file", type=Path, required=True)
    parser.add_argument("--probes-directory", type=Path, required=True)
    parser.add_argument("--probing", action="append", default=[], help="a process that must sign")
    parser.add_argument("--volume", action="append", default=[], metavar="NAME=DIRECTORY")
    parser.add_argument("--ready-fd", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
