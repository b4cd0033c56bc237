"""A real Prometheus (Debian's package) as a process of a test's own, with our alert rules, asked by its HTTP API."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ALERTS = Path(__file__).resolve().parents[3] / "monitoring" / "alerts"
_PATIENCE_S = 60


@dataclass(frozen=True)
class Prometheus:
    """One that runs."""

    port: int

    def ask(self, path: str, **parameters: str) -> Any:
        """The "data" of an API answer."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}?{query}", timeout=20) as answer:
            return json.load(answer)["data"]

    def value(self, expression: str) -> float | None:
        """Of an instant query with one result; None where there is none yet."""
        result = self.ask("query", query=expression)["result"]
        assert len(result) <= 1, result
        return float(result[0]["value"][1]) if result else None

    def firing(self) -> set[str]:
        """Names of the alerts that fire now."""
        return {alert["labels"]["alertname"] for alert in self.ask("alerts")["alerts"] if alert["state"] == "firing"}


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Waits until it holds."""
    until = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < until, what
        time.sleep(0.2)


@contextmanager
def scraping(folder: Path, jobs: list[dict[str, Any]]) -> Iterator[Prometheus]:
    """Scrapes every second and evaluates all rules of ours as often. `jobs`: Prometheus's scrape_configs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ALERTS / "*.yml")],
        "scrape_configs": jobs,
    }
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    subprocess.run(["promtool", "check", "config", str(file)], check=True, capture_output=True)
    command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
        try:
            eventually(lambda: _is_ready(process, port), (folder / "prometheus.log").read_text())
            yield Prometheus(port)
        finally:
            process.terminate()
            process.wait(30)


def _is_ready(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None, "Prometheus ended"
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5):
            return True
    except (OSError, urllib.error.URLError):
        return False
