"""`signer audit archive` on a stopped appliance: old entries go where they were told to, and the act is on record before it is done."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import pem

from signer.algorithms import load_public_key
from signer.audit import LogEntry
from signer.audit.checkpoint import NoteKey
from signer.audit.log_file import LogFile, read_log
from signer.cli.__main__ import main
from tests.merkle_logs import grown
from tests.sm2_keys import new_sm2_key

_TOKEN = """
profile = "softtoken"
label = "none"
module = "none.so"
locking_module = "none.so"
pin_file = "none"
"""
_SETTINGS = f"""\
mode = "development"
[listener.lan]
certificate = "none.pem"
key = "none.key"
client_authority = "none.pem"
[monitoring]
[token]{_TOKEN}
[log]
id = "old"
online_months = 12
[log.token]{_TOKEN}
[seal]
company = "example"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A log of 600 entries, one a day up to now; the journal begins at 512."""
    spki, sign = new_sm2_key()
    now = datetime.now(UTC)
    entries = [LogEntry("signature", request_id=str(n)).encode(now - timedelta(days=600 - n)) for n in range(600)]
    folder = tmp_path / "state" / "log"
    folder.mkdir(parents=True)
    grown(folder, (NoteKey("old", load_public_key(spki)), sign), entries)
    journal = LogFile.open(folder / "log", "old")
    journal.append(entries)
    journal.rotate(512)
    journal.close()
    (tmp_path / "log.pem").write_bytes(pem.armor("PUBLIC KEY", spki))
    (tmp_path / "signer.toml").write_text(_SETTINGS)
    return tmp_path / "signer.toml"


def _run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    capsys.readouterr()
    status = main(["audit", *map(str, arguments)])
    told = capsys.readouterr()
    return status, told.out + told.err


def test_what_must_stay_and_what_makes_no_sense_is_refused(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, archive = tmp_path / "state" / "log", tmp_path / "archive"
    today = datetime.now(UTC)
    command = ("archive", "--config", config, "--to", archive, "--before")
    assert "12 months stay online" in _run(capsys, *command, f"{today - timedelta(days=360):%Y-%m-%d}")[1]
    assert _run(capsys, *command, "01.02.2026")[0] == 5
    inside = ("archive", "--config", config, "--to", log / "inside", "--before")
    day = f"{today - timedelta(days=367):%Y-%m-%d}"
    assert _run(capsys, *inside, day)[0] == 5
    assert _run(capsys, *command, f"{today - timedelta(days=500):%Y-%m-%d}") == (
        0,
        "没有可归档的记录 · nothing to be moved\n",
    )
    # entry 255 is 345 days old: its bundle stays
    assert _run(capsys, *command, day)[0] == 0
    assert not archive.exists()


def test_what_was_archived_is_told_and_found(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(config.read_text().replace("online_months = 12", "online_months = 6"))
    log, key, archive = tmp_path / "state" / "log", tmp_path / "log.pem", tmp_path / "archive"
    day = f"{datetime.now(UTC) - timedelta(days=300):%Y-%m-%d}"
    status, told = _run(capsys, "archive", "--config", config, "--to", archive, "--before", day, "--json")
    assert (status, json.loads(told)["moved"], json.loads(told)["recorded_as"]) == (0, 256, 600)
    last = json.loads(list(read_log(log / "log"))[-1])
    assert (last["kind"], last["detail"]) == (
        "administration",
        "log archive: entries 0 to 255 moved out, 6 months stay",
    )
    files = ("--log", log, "--key", key)
    assert _run(capsys, "fsck", *files, "--json")[1].count('"archived": 256') == 1
    assert _run(capsys, "fsck", *files, "--archive", archive, "--journal", "--json")[1].count('"archived": 0') == 1
    status, told = _run(capsys, "prove", *files, "17")
    assert (status, "--archive DIR" in told) == (5, True)
    assert _run(capsys, "prove", *files, "17", "--archive", archive)[0] == 0
    assert _run(capsys, "prove", "--config", config, "300")[0] == 0
    assert _run(capsys, "prove", "300")[0] == 5  # no log was named
    assert str(archive) in (log / "archived").read_text(encoding="utf-8")
