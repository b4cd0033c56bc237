"""A second appliance to rehearse on: made from a copy of the demo appliance's files where there are such, else made anew.

In a temporary directory, on ports of its own, with a log of its own: it never signs a checkpoint of the live log. Keys of a
real HSM can't be copied, so such an appliance is rehearsed on a fresh one with the development token.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from signer.app.demo_appliance import METRICS_OFFSET, PORTAL_OFFSET, PUBLIC_OFFSET
from signer.config import ApplianceConfig, load_config
from signer.errors import ConfigurationError, Reason

_READY_WITHIN_S = 120.0
_STOPPED_WITHIN_S = 60.0
_LOWEST_PORT, _HIGHEST_PORT = 20_000, 32_000  # below the range that outgoing connections take theirs from
_COPIED_FOLDERS = ("token", "secrets", "tls", "trust", "public", "clients", "administrators")
_COPIED_FILES = ("ca.pem", "log.pem", "grants.toml", "signer.toml")


@dataclass(frozen=True)
class DrillCopy:
    """A copy that runs. `is_fresh`: made anew, nothing was copied."""

    directory: Path
    config: ApplianceConfig
    is_fresh: bool

    @property
    def profile(self) -> Path:
        """Of the client core."""
        return self.directory / "clients" / "core" / "profile.toml"

    def processes(self) -> dict[str, tuple[int, bool]]:
        """(pid, ready) by name. Raises OSError, ValueError."""
        state = json.loads((self.config.run_directory / "children.json").read_text(encoding="utf-8"))
        return {name: (child["pid"], child["ready"]) for name, child in state["children"].items()}


@contextmanager
def running_copy(config: ApplianceConfig) -> Iterator[DrillCopy]:
    """Makes and starts it; stops it and removes every file of it at the end.

    Raises:
        ConfigurationError: START_FAILED, with the copy's last lines.
    """
    with tempfile.TemporaryDirectory(prefix="signer-drill-") as name:
        directory = Path(name)
        copied = _copy_files(config, directory)
        made = _make_appliance(directory, _free_port())
        # Only now: what init makes is the demo's company, not this one's.
        made.write_text(
            re.sub(
                r'^company = ".*"$',
                f"company = {json.dumps(config.seal.company, ensure_ascii=False)}",
                made.read_text(encoding="utf-8"),
                flags=re.MULTILINE,
            ),
            encoding="utf-8",
        )
        with _serving(made, directory / "serve.log") as running:
            copy = DrillCopy(directory, load_config(made), is_fresh=not copied)
            _wait_until_ready(copy, running, directory / "serve.log")
            yield copy


def _copy_files(config: ApplianceConfig, target: Path) -> bool:
    """Whether there was something to copy: an appliance laid out as init lays it out, its token in files of its own folder."""
    source = config.file.parent
    if config.token.profile not in {"softtoken", "softhsm"} or not (source / "token" / "tokens").is_dir():
        return False
    for name in _COPIED_FOLDERS:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
    for name in _COPIED_FILES:
        if (source / name).is_file():
            shutil.copy2(source / name, target / name)
    (target / "state").mkdir(mode=0o700)
    shutil.copy2(config.keyed_digest_file, target / "state" / "keyed-digest.key")
    database = source / "state" / "signer.db"
    if database.is_file():
        # As a reader of the living database: a copy of its files could be torn.
        with (
            closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as live,
            closing(sqlite3.connect(target / "state" / "signer.db")) as copy,
        ):
            live.backup(copy)
    _rename_log(target / "signer.toml", config.log.log_id)
    return True


def _rename_log(settings: Path, log_id: str) -> None:
    """The copy's log gets a name of its own, so that no head it signs can be taken for one of the live log."""
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace(json.dumps(log_id), f'"drill-{secrets.token_hex(4)}"', 1), encoding="utf-8")


def _make_appliance(directory: Path, port: int) -> Path:
    """Its signer.toml. In a process of its own: ours may have loaded the live token's PKCS#11 module, and has no second one.

    Raises:
        ConfigurationError: START_FAILED, with the last lines of what was said.
    """
    made = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "signer.cli", "init", "--demo", str(directory), "--port-base", str(port)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=_environment(),
    )
    if made.returncode != 0:
        lines = made.stderr.splitlines()[-5:]
        raise ConfigurationError(Reason.START_FAILED, "the copy could not be made: " + " | ".join(lines))
    return directory / "signer.toml"


def _environment() -> dict[str, str]:
    """Ours without what says where the live token is."""
    return {name: value for name, value in os.environ.items() if name not in {"SOFTHSM2_CONF", "SOFTTOKEN_TARGET"}}


def _free_port() -> int:
    """A LAN port whose companions are free, too. Raises ConfigurationError (PORT_IN_USE)."""
    for _ in range(200):
        port = _LOWEST_PORT + secrets.randbelow(_HIGHEST_PORT - _LOWEST_PORT)
        if all(_is_free(port + offset) for offset in (0, PUBLIC_OFFSET, METRICS_OFFSET, PORTAL_OFFSET)):
            return port
    raise ConfigurationError(Reason.PORT_IN_USE, "no free ports for the copy")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def _serving(config_file: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        running = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "signer.cli", "serve", "--config", str(config_file)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**_environment(), "PYTHONUNBUFFERED": "1"},
        )
        try:
            yield running
        finally:
            if running.poll() is None:
                running.send_signal(signal.SIGTERM)
            try:
                running.wait(_STOPPED_WITHIN_S)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def _wait_until_ready(copy: DrillCopy, running: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _READY_WITHIN_S
    while running.poll() is None and time.monotonic() < until:
        try:
            processes = copy.processes()
            if "exporter" in processes and all(ready for _, ready in processes.values()):
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.05)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
    raise ConfigurationError(Reason.START_FAILED, "the copy did not start: " + " | ".join(lines))
