"""Commands beside a log that are left running: they take up what comes, say what went wrong, and go on.

Threats: T25, T26.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest

from signer.algorithms import SignMessage
from signer.audit.checkpoint import NoteKey
from signer.audit.export import Position
from signer.audit.tree import Tree
from signer.cli.__main__ import main
from tests.merkle_logs import grown, log_beside_its_key, new_log_key, same_length_entries
from tests.timestamp_authority import OpensslAuthority


@pytest.fixture(scope="module")
def key() -> tuple[NoteKey, SignMessage]:
    return new_log_key("log.example")


@pytest.fixture
def log(tmp_path: Path, key: tuple[NoteKey, SignMessage]) -> Path:
    return log_beside_its_key(tmp_path, key, same_length_entries(300))


def _grow(log: Path, key: tuple[NoteKey, SignMessage]) -> None:
    tree = Tree(log, key[0])
    tree.open()
    tree.integrate(same_length_entries(20), key[1])


class _Running:
    """A command whose lines can be waited for."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: SimpleQueue[str] = SimpleQueue()
        for stream in (process.stdout, process.stderr):
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream: Iterator[str]) -> None:
        for line in stream:
            self._lines.put(line)

    def wait_for(self, text: str, seconds: float = 60) -> str:
        """The first line that holds the text."""
        until = time.monotonic() + seconds
        seen: list[str] = []
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                raise AssertionError(f"{text!r} did not come; there came {seen[-20:]}") from None
            if text in line:
                return line
            seen.append(line)


@contextmanager
def _running(arguments: Sequence[str | Path]) -> Iterator[_Running]:
    command = [sys.executable, "-m", "signer.cli", "audit", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield _Running(process)
        finally:
            process.terminate()  # not SIGINT: whoever runs the tests in the background has that ignored, here, too
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def test_an_export_follows_the_log_and_goes_on_after_a_restart(
    log: Path, tmp_path: Path, key: tuple[NoteKey, SignMessage]
) -> None:
    export: list[str | Path] = ["export", "--log", log, "--key", tmp_path / "log.pem", "--format", "jsonl", "--follow"]
    export += ["--state", tmp_path / "state"]
    with _running(export) as command:
        assert json.loads(command.wait_for('"checkpoint"'))["size"] == 300
        _grow(log, key)
        assert json.loads(command.wait_for('"index": 300,'))["index"] == 300
        assert json.loads(command.wait_for('"checkpoint"'))["size"] == 320
        # it remembers what it has delivered, so a moment later
        until = time.monotonic() + 30
        while (position := Position.load(tmp_path / "state")) is None or position.size != 320:
            assert time.monotonic() < until
            time.sleep(0.05)
    assert command.process.returncode == -signal.SIGTERM
    _grow(log, key)
    with _running(export) as command:
        first = json.loads(command.wait_for('"index"'))
        assert first["index"] == 320


def test_heads_are_stamped_as_they_come_though_the_authority_was_away(
    log: Path, tmp_path: Path, key: tuple[NoteKey, SignMessage]
) -> None:
    folder = tmp_path / "tsa"
    folder.mkdir()
    with OpensslAuthority(folder) as authority:
        url, anchor = authority.url, authority.anchor
        stamp: list[str | Path] = ["timestamp", "--log", log, "--key", tmp_path / "log.pem", "--url", url]
        stamp += ["--timestamp-anchor", anchor, "--every", "0.2"]
        with _running(stamp) as command:
            command.wait_for("timestamped: 300 ")
            _grow(log, key)
            command.wait_for("timestamped: 320 ")
    with _running(stamp) as command:
        assert "gives no timestamp: ConnectionRefusedError" in command.wait_for("signer: ")
        assert command.process.poll() is None


def test_a_witness_cosigns_as_the_log_grows_and_stops_at_a_fork(
    log: Path, tmp_path: Path, key: tuple[NoteKey, SignMessage]
) -> None:
    assert main(["audit", "witness", "--init", "--key", str(tmp_path / "auditor.key")]) == 0
    witness: list[str | Path] = [
        "witness",
        "--name",
        "auditor",
        "--key",
        tmp_path / "auditor.key",
        "--origin",
        key[0].name,
    ]
    witness += ["--log-key", tmp_path / "log.pem", "--state", tmp_path / "kept", "--from", log]
    with _running([*witness, "--every", "0.2"]) as command:
        command.wait_for("cosigned: log.example, 300 ")
        _grow(log, key)
        command.wait_for("cosigned: log.example, 320 ")
        other = tmp_path / "other"
        other.mkdir()
        grown(other, key, same_length_entries(310))
        (log / "checkpoint").write_bytes((other / "checkpoint").read_bytes())
        command.wait_for("refused: ")
        assert command.process.wait(30) == 1


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
@pytest.mark.parametrize("verb", ["timestamp", "witness"])
def test_a_pause_that_is_none(verb: str, seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["audit", verb, f"--every={seconds}"])
    assert f"--every: a number of seconds above 0, not '{seconds}'" in capsys.readouterr().err
