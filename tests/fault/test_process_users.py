"""Processes with system users of their own: started by root, each is its user, has no capability, and meets the others all the same.

Debian's own users stand in for deploy/systemd/signer.sysusers.

Threat: T27.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from signer.client import Connection, load_profile
from signer.v1 import document_pb2 as doc
from signer.v1 import signing_pb2 as sig
from tests.conftest import RunningAppliance, free_port_base
from tests.made_appliances import make

_ROOT = Path(__file__).parents[2]
_USERS = {"front": "www-data", "portal": "backup", "renderer": "games", "inspector": "man", "exporter": "daemon"}
_DEBIAN_PYTHON = "/usr/bin/python3.11"  # the tests' own may lie where only we can reach it


@pytest.fixture(scope="module")
def passable() -> Iterator[Path]:
    """A directory that every user may pass through, with repository and packages in it by mounts: their own place may be private."""
    directory = Path(tempfile.mkdtemp(prefix="signer-users-"))
    directory.chmod(0o711)
    repository, packages = directory / "repository", directory / "venv" / "lib" / "python3.11" / "site-packages"
    (directory / "venv" / "bin").mkdir(parents=True)
    (directory / "venv" / "bin" / "python").symlink_to(_DEBIAN_PYTHON)
    (directory / "venv" / "pyvenv.cfg").write_text(f"home = {Path(_DEBIAN_PYTHON).parent}\n")
    mounts = {repository: _ROOT, packages: Path(sysconfig.get_path("purelib"))}
    for place, source in mounts.items():
        place.mkdir(parents=True)
        subprocess.run(["mount", "--bind", str(source), str(place)], check=True)
    yield directory
    for place in mounts:
        subprocess.run(["umount", "-l", str(place)], check=True)
    shutil.rmtree(directory)


def _make(directory: Path, port: int) -> None:
    """A demo appliance whose files belong to whom an installation would give them."""
    make(directory, port)
    native, seen = str(_ROOT / "build"), str(directory.parent / "repository" / "build")
    settings = directory / "signer.toml"
    users = "".join(f'{role}_user = "{user}"\n' for role, user in _USERS.items())
    settings.write_text(settings.read_text().replace(native, seen) + f"\n[processes]\n{users}")
    client = directory / "clients" / "portal"
    for folder in (
        directory,
        directory / "public",
        directory / "public" / "crl",
        directory / "trust",
        client.parent,
        client,
    ):
        folder.chmod(0o755)
    for user, key in (("front", directory / "public" / "server.key"), ("portal", client / "key.pem")):
        os.chown(key, pwd.getpwnam(_USERS[user]).pw_uid, -1)


@pytest.fixture(scope="module")
def served(passable: Path) -> Iterator[RunningAppliance]:
    """An appliance of five users."""
    directory, port = passable / "appliance", free_port_base()
    _make(directory, port)
    with (directory / "serve.log").open("wb") as output:
        process = subprocess.Popen(
            [passable / "venv" / "bin" / "python", "-m", "signer.cli", "serve", "--config", directory / "signer.toml"],
            cwd=passable / "repository",
            env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=output,
            stderr=output,
        )
        appliance = RunningAppliance(directory, port, process.pid)
        try:
            _wait_until_ready(appliance, process)
            yield appliance
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _wait_until_ready(appliance: RunningAppliance, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while True:
        assert process.poll() is None, (appliance.directory / "serve.log").read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{appliance.metrics_port}/readyz", timeout=2):
                return
        except OSError:
            assert time.monotonic() < until, (appliance.directory / "serve.log").read_text()[-2000:]
            time.sleep(0.1)


def test_each_process_is_its_user_and_can_become_no_other(served: RunningAppliance) -> None:
    for name, pid in served.children().items():
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        status = {key: value.split() for key, _, value in (line.partition(":") for line in lines)}
        user = _USERS.get(name.split("-")[0], "root")
        assert {int(number) for number in status["Uid"]} == {pwd.getpwnam(user).pw_uid}, name
        assert {int(status[kind][0], 16) for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}, name
        if name.startswith(("renderer", "inspector")):
            assert {int(number) for number in status["Gid"]} == {pwd.getpwnam(user).pw_gid}
            assert status["Groups"] == []


def test_they_meet_all_the_same(served: RunningAppliance) -> None:
    channel = load_profile(served.directory / "clients" / "channel" / "profile.toml")  # by the public listener
    for profile in (served.profile, channel):
        with Connection(profile, timeout=30) as connection:
            assert connection.call(connection.signing.Sign, sig.SignRequest(key="message-sm2", message=b"m")).signature
    with Connection(served.profile, timeout=30) as connection:
        template = connection.call(
            connection.documents.GetTemplate, doc.GetTemplateRequest(template="policy/commercial")
        )
        request = doc.IssueDocumentRequest(
            issue_id="users", template="policy/commercial", data_json=template.sample_json
        )
        issued = connection.call(connection.documents.IssueDocument, request)
        report = connection.call(
            connection.documents.VerifyDocument, doc.VerifyDocumentRequest(pdf=issued.pdf + b"%")
        )  # by the inspector
        assert report.integrity == doc.INTEGRITY_CHANGED
    with urllib.request.urlopen(f"http://127.0.0.1:{served.metrics_port}/metrics", timeout=10) as answer:
        assert b"signer_public_handshakes_total" in answer.read()


def _become(user: str) -> list[str]:
    """By a program instead of `subprocess.run(user=…)`: that forks, and gRPC's own handlers break a child of ours that
    was forked while its channels live."""
    account = pwd.getpwnam(user)
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]


def test_users_find_no_more_than_they_need(served: RunningAppliance) -> None:
    """By files' modes alone, without any sandbox: what a program that ran as that user could open."""
    run, state = served.directory / "run", served.directory / "state"
    for role, user in _USERS.items():
        for path in (
            served.directory / "secrets" / "pin",
            state / "log" / "log",
            state / "database" / "signer.db",
            run / "log.sock",
            *([] if role == "front" else [run / "inner" / "worker-0.sock", served.directory / "public" / "server.key"]),
        ):
            tried = subprocess.run(
                [
                    *_become(user),
                    _DEBIAN_PYTHON,
                    "-c",
                    f"import os; os.stat({str(path)!r}); open({str(path)!r}, 'r+b')",
                ],
                capture_output=True,
                check=False,
                timeout=30,
            )
            assert b"PermissionError" in tried.stderr, (role, path, tried.returncode, tried.stderr)


def test_a_killed_front_comes_back_as_its_user(served: RunningAppliance) -> None:
    before = served.children()["front"]
    os.kill(before, signal.SIGKILL)
    until = time.monotonic() + 60
    while (after := served.children()["front"]) == before or not json.loads(
        (served.directory / "run" / "children.json").read_text()
    )["children"]["front"]["ready"]:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert Path(f"/proc/{after}/status").read_text().split("Uid:")[1].split()[0] == str(
        pwd.getpwnam(_USERS["front"]).pw_uid
    )


def test_users_without_the_right_to_start_as_them_are_told(tmp_path: Path) -> None:
    _make(tmp_path / "appliance", free_port_base())
    without = (
        "import ctypes, os, sys; ctypes.CDLL(None).capset((0x20080522).to_bytes(4, 'little') + bytes(4), bytes(24));"
    )
    serve = "import signer.cli.__main__ as m; sys.exit(m.main(['serve', '--config', sys.argv[1]]))"
    told = subprocess.run(
        [sys.executable, "-c", without + serve, str(tmp_path / "appliance" / "signer.toml")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert told.returncode != 0
    assert "may not change to them" in told.stderr
