"""kill -9 at random moments: the appliance comes back, and an issue leaves either nothing or a document that verifies."""

from __future__ import annotations

import json
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from signer.audit.log_file import read_log
from signer.client import Connection, RemoteError
from signer.v1 import document_pb2 as doc
from tests.conftest import RunningAppliance, free_port_base
from tests.fault.deaths import eventually_signs, kill, kill_at_random
from tests.made_appliances import running

_KILLED = ("worker-0", "worker-1", "log-writer", "renderer-0", "renderer-1", "front")


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An appliance of this module's own, to be broken."""
    directory = tmp_path_factory.mktemp("fragile")
    port = free_port_base()
    with running(directory, port) as process:
        yield RunningAppliance(directory, port, process.pid)


def _issue(appliance: RunningAppliance, request: doc.IssueDocumentRequest, until: float) -> doc.IssueDocumentResponse:
    """The same request again and again until it is answered, as a caller with an issue_id does."""
    while True:
        try:
            with Connection(appliance.profile, timeout=20) as connection:
                return connection.call(connection.documents.IssueDocument, request)
        except RemoteError as problem:
            passing = problem.status in {"UNAVAILABLE", "ABORTED", "DEADLINE_EXCEEDED", "CANCELLED"}
            if not passing or time.monotonic() > until:
                raise
            time.sleep(0.1)


def _storm(appliance: RunningAppliance, sample: dict[str, Any], documents: int, seed: int) -> None:
    """Issues documents while processes die, then checks every one of them, twice."""
    requests = [
        doc.IssueDocumentRequest(
            issue_id=f"storm-{seed}-{number}-{uuid.uuid4()}",
            template="policy/commercial",
            data_json=json.dumps(sample, ensure_ascii=False),
        )
        for number in range(documents)
    ]
    stop = threading.Event()
    killer = threading.Thread(target=kill_at_random, args=(appliance, _KILLED, stop, seed))
    killer.start()
    try:
        answers = [_issue(appliance, request, time.monotonic() + 90) for request in requests]
    finally:
        stop.set()
        killer.join()
    eventually_signs(appliance)
    for request, answer in zip(requests, answers, strict=True):
        assert _issue(appliance, request, time.monotonic() + 60) == answer
        with Connection(appliance.profile) as connection:
            report = connection.call(connection.documents.VerifyDocument, doc.VerifyDocumentRequest(pdf=answer.pdf))
        assert (report.integrity, report.origin) == (doc.INTEGRITY_WHOLE, doc.ORIGIN_ISSUED_HERE)
        assert report.issued.document_id == answer.document_id
    entries = list(read_log(appliance.directory / "state" / "log" / "log"))
    for answer in answers:
        receipt = answer.receipts[0]
        assert entries[receipt.index] == receipt.entry


@pytest.mark.parametrize("name", ["worker-0", "log-writer", "renderer-0", "inspector", "exporter", "front", "clock"])
def test_a_killed_process_comes_back(fragile: RunningAppliance, name: str) -> None:
    before = fragile.children()[name]
    kill(fragile, name)
    until = time.monotonic() + 60
    while fragile.children()[name] == before:
        assert time.monotonic() < until
        time.sleep(0.05)
    eventually_signs(fragile)


def test_documents_survive_kill_9_at_random_moments(fragile: RunningAppliance, sample: dict[str, Any]) -> None:
    _storm(fragile, sample, documents=10, seed=20261123)


@pytest.mark.soak
def test_documents_survive_kill_9_for_minutes(fragile: RunningAppliance, sample: dict[str, Any]) -> None:
    for seed in range(12):
        _storm(fragile, sample, documents=20, seed=seed)


def test_sigterm_drains_calls_under_way(tmp_path_factory: pytest.TempPathFactory, sample: dict[str, Any]) -> None:
    directory, port = tmp_path_factory.mktemp("drained"), free_port_base()
    with running(directory, port) as process:
        appliance = RunningAppliance(directory, port, process.pid)
        with Connection(appliance.profile) as connection:
            request = doc.IssueDocumentRequest(
                issue_id="drained", template="policy/commercial", data_json=json.dumps(sample)
            )
            call = connection.documents.IssueDocument.future(request, timeout=30)
            time.sleep(0.05)  # the call is under way; whether it has reached the renderer does not matter
            process.send_signal(signal.SIGTERM)
            assert call.result().pdf.startswith(b"%PDF")
        assert process.wait(40) == 0
