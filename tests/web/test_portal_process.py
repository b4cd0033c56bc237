"""The portal's process in a running appliance: it answers, keeps nothing of an upload, comes back when it dies.

Threat: T34.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from signer.client import Connection, RemoteError, load_profile
from signer.v1 import document_pb2 as wire
from signer.v1 import signing_pb2
from tests.conftest import RunningAppliance
from tests.open_descriptors import open_descriptors
from tests.web.documents import issued

_MARK = b"the-bytes-of-one-upload-that-nobody-may-keep"


def _upload(appliance: RunningAppliance, content: bytes) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{appliance.portal_url}/verify",
        content,
        {"Content-Type": "application/pdf", "Accept": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        told: dict[str, Any] = json.load(answer)
        return told


def test_the_page_that_the_qr_code_leads_to_is_there(
    appliance: RunningAppliance, connection: Connection, sample: dict[str, Any]
) -> None:
    settings = (appliance.directory / "signer.toml").read_text(encoding="utf-8")
    assert f'verification_url = "{appliance.portal_url}/v"' in settings
    with urllib.request.urlopen(f"{appliance.portal_url}/v?n=PDZA1", timeout=30) as answer:
        assert "PDZA1" in answer.read().decode()
    assert _upload(appliance, issued(connection, sample))["outcome"] == "genuine"


def _files_written_since(started: float, *folders: Path) -> Iterator[Path]:
    for folder in folders:
        for file in folder.rglob("*"):
            try:
                if file.is_file() and file.stat().st_mtime >= started:
                    yield file
            except OSError:
                continue


def test_nothing_of_an_upload_is_kept(appliance: RunningAppliance) -> None:
    started = time.time() - 1
    pid = appliance.children()["portal"]
    upload = b"%PDF-1.7\n% " + _MARK + b"\n" + os.urandom(1 << 20)
    assert _upload(appliance, upload)["outcome"] == "unreadable"
    written = [str(path) for path in open_descriptors(pid) if path.is_absolute() and path.is_file()]
    metrics = str(appliance.directory / "run" / "metrics")
    log = str(appliance.directory / "serve.log")
    assert [path for path in written if not path.startswith(metrics) and path not in {log, "/dev/null"}] == []
    for file in _files_written_since(started, appliance.directory, Path("/tmp"), Path("/var/tmp"), Path("/dev/shm")):
        with suppress(FileNotFoundError):  # other tests write and remove files of theirs
            if "chromium" in str(file) or file.stat().st_size > 1 << 26:
                continue
            assert _MARK not in file.read_bytes(), file


def test_its_client_may_verify_and_nothing_else(appliance: RunningAppliance) -> None:
    profile = load_profile(appliance.directory / "clients" / "portal" / "profile.toml")
    with Connection(profile) as connection:
        for method, request in (
            (connection.documents.ListTemplates, wire.ListTemplatesRequest()),
            (connection.documents.IssueDocument, wire.IssueDocumentRequest(issue_id="x", template="policy/commercial")),
            (connection.signing.Sign, signing_pb2.SignRequest(key="report-sm2", message=b"m")),
        ):
            with pytest.raises(RemoteError) as refused:
                connection.call(method, request)
            assert refused.value.reason == "GRANT_MISSING"


def test_it_comes_back_and_is_watched(appliance: RunningAppliance) -> None:
    before = appliance.children()["portal"]
    os.kill(before, signal.SIGKILL)
    until = time.monotonic() + 60
    while True:
        state = json.loads((appliance.directory / "run" / "children.json").read_text())["children"]["portal"]
        if state["ready"] and state["pid"] != before:
            break
        assert time.monotonic() < until
        time.sleep(0.05)
    assert _upload(appliance, b"no PDF")["outcome"] == "unreadable"
    time.sleep(0.5)  # counters are written a few times a second
    with urllib.request.urlopen(f"http://127.0.0.1:{appliance.metrics_port}/metrics", timeout=30) as answer:
        page = answer.read().decode()
    assert 'signer_process_ready{process="portal"} 1.0' in page
    assert 'signer_portal_uploads_total{outcome="unreadable"}' in page
    assert 'signer_listener_info{listener="portal",transport="loopback"} 1.0' in page


def test_a_waiting_answer_is_given_before_it_ends(appliance: RunningAppliance) -> None:
    """SIGTERM while an upload is under way: its answer still comes; then the process is started anew."""
    pid = appliance.children()["portal"]
    connection = http.client.HTTPConnection("127.0.0.1", appliance.port + 37, timeout=60)
    connection.putrequest("POST", "/verify")
    for name, value in (("Content-Type", "application/pdf"), ("Accept", "application/json"), ("Content-Length", "10")):
        connection.putheader(name, value)
    connection.endheaders(b"12345")
    time.sleep(0.3)
    os.kill(pid, signal.SIGTERM)
    time.sleep(0.3)
    connection.send(b"67890")
    assert json.loads(connection.getresponse().read())["outcome"] == "unreadable"
    connection.close()
    until = time.monotonic() + 60
    while (state := json.loads((appliance.directory / "run" / "children.json").read_text())["children"]["portal"])[
        "pid"
    ] == pid or not state["ready"]:
        assert time.monotonic() < until
        time.sleep(0.05)
