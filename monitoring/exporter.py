"""The process that serves /metrics, /healthz and /readyz. It reads what the others wrote and holds nothing itself.

Run as `python -m monitoring.exporter`; not for deciding what is healthy beyond "every process that must run is ready".
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import sysconfig
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from isolation.process_table import PROCESSES
from isolation.readiness import say_ready
from isolation.sandbox import enter_sandbox, forbid_dumps_and_privileges
from monitoring import metrics


class Exporter(ThreadingHTTPServer):
    """Serves one metrics directory and one state file."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], metrics_directory: Path, state_file: Path) -> None:
        super().__init__(address, _Handler)
        self.metrics_directory = metrics_directory
        self.state_file = state_file

    def metrics_page(self) -> bytes:
        """All processes' metrics, added up."""
        self._publish_isolation()
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self.metrics_directory))  # type: ignore[no-untyped-call]  # untyped there
        return generate_latest(registry)

    def unready(self) -> list[str]:
        """Names of the processes that are not ready; "supervisor" when nobody looks after them."""
        try:
            state = self._state()
        except (OSError, ValueError):
            return ["supervisor"]
        if state.get("supervisor") != os.getppid():  # who has lost its parent belongs to another process then
            return ["supervisor"]
        return [name for name, child in state["children"].items() if not child["ready"]]

    def _state(self) -> Mapping[str, Any]:
        state: Mapping[str, Any] = json.loads(self.state_file.read_text())
        return state

    def _publish_isolation(self) -> None:
        try:
            isolation = self._state().get("isolation", {})
        except (OSError, ValueError):
            return  # the appliance stops
        for process, measures in isolation.items():
            for measure, value in measures.items():
                if measure != "uid":
                    metrics.labelled(metrics.process_isolation, process, measure).set(int(value))


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
            unready = self.server.unready()
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--metrics-directory", type=Path, required=True)
    parser.add_argument("--state-file", type=Path, required=True)
    parser.add_argument("--ready-fd", type=int, required=True)
    options = parser.parse_args()
    forbid_dumps_and_privileges()
    exporter = Exporter((options.host, options.port), options.metrics_directory, options.state_file)
    # shutdown() waits for the loop, so it must not run in the thread that the signal interrupts.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=exporter.shutdown).start())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    metrics.process_isolation.labels("exporter", "seccomp")  # opens its file: later it can't be
    modules = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    readable = {options.metrics_directory, options.state_file.parent, *modules}
    report = enter_sandbox(
        readable=sorted(path for path in readable if path.is_dir()), limits=PROCESSES["exporter"].limits
    )
    say_ready(options.ready_fd, report)
    exporter.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
