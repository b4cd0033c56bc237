"""Starts and stops a real appliance in a directory, by the same commands that a person would type."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

METRICS_OFFSET = 21
PORTAL_OFFSET = 37


class ApplianceDidNotStart(Exception):
    """Says why, from the server's own last lines."""


def signer(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the `signer` command; its messages go to our standard error."""
    return subprocess.run(
        [sys.executable, "-m", "signer.cli", *arguments], check=True, text=True, stdout=subprocess.PIPE
    )


@contextmanager
def running(
    directory: Path,
    port: int,
    *,
    wait_seconds: float = 240,
    change: Callable[[], None] = lambda: None,
    is_ready: Callable[[int], bool] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A made and started appliance; drained and stopped at the end. Its log is `serve.log` in the directory.

    `change`: what to do to its files between making and starting. `is_ready`: asks /readyz, given the port; without it by HTTP.

    Raises:
        ApplianceDidNotStart: it ended or did not get ready.
    """
    signer("init", "--demo", str(directory), "--port-base", str(port))
    change()
    log = directory / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "signer.cli", "serve", "--config", str(directory / "signer.toml")],
            stdout=output,
            stderr=output,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        try:
            _wait_until_ready(process, lambda: (is_ready or _is_ready)(port), log, time.monotonic() + wait_seconds)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(60)


def _wait_until_ready(process: subprocess.Popen[bytes], is_ready: Callable[[], bool], log: Path, until: float) -> None:
    while time.monotonic() < until:
        if process.poll() is not None:
            raise ApplianceDidNotStart(f"the appliance ended with status {process.returncode}:\n{_last_lines(log)}")
        if is_ready():
            return
        time.sleep(0.05)
    raise ApplianceDidNotStart(f"the appliance did not get ready in time:\n{_last_lines(log)}")


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port + METRICS_OFFSET}/readyz", timeout=2) as answer:
            return bool(json.load(answer)["ready"])
    except (OSError, urllib.error.URLError, ValueError):
        return False


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-8:])
