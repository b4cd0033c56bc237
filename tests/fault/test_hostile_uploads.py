"""Bombs and files as large as uploads may be, through a running appliance: each gets an answer, and so do good files beside them.

Threats: T6, T20.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from signer.client import Connection, RemoteError
from signer.v1 import document_pb2 as wire
from tests.conftest import RunningAppliance, free_port_base
from tests.fuzz.hostile_pdfs import build_pdf, with_pages
from tests.fuzz.pdf_bombs import BOMBS, LARGEST
from tests.fuzz.rendered_documents import rendered
from tests.fuzz.sealed_documents import RSA, new_pki
from tests.fuzz.strangers import signed_by
from tests.made_appliances import running

_ANSWERS = {"INTEGRITY_UNREADABLE", "INTEGRITY_UNSIGNED", "INTEGRITY_CHANGED", "RESOURCE_EXHAUSTED OVERLOADED"}


@pytest.fixture(scope="module")
def bombed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An appliance of this module's own."""
    directory, port = tmp_path_factory.mktemp("bombed"), free_port_base()
    with running(directory, port) as process:
        yield RunningAppliance(directory, port, process.pid)


def _verify(appliance: RunningAppliance, pdf: bytes) -> wire.VerifyDocumentResponse:
    with Connection(appliance.profile, timeout=280) as connection:
        return connection.call(connection.documents.VerifyDocument, wire.VerifyDocumentRequest(pdf=pdf))


def _issue(appliance: RunningAppliance) -> bytes:
    with Connection(appliance.profile) as connection:
        template = connection.call(
            connection.documents.GetTemplate, wire.GetTemplateRequest(template="policy/commercial")
        )
        data = json.loads(template.sample_json)
        request = wire.IssueDocumentRequest(
            issue_id=str(uuid.uuid4()), template="policy/commercial", data_json=json.dumps(data, ensure_ascii=False)
        )
        request.seals.add(key="seal-sm2")
        return connection.call(connection.documents.IssueDocument, request).pdf


def _answer(future: Future[wire.VerifyDocumentResponse]) -> str:
    """The integrity's name; or the refusal, where too many strangers' files wait."""
    try:
        return wire.Integrity.Name(future.result().integrity)
    except RemoteError as problem:
        return f"{problem.status} {problem.reason}"


def _ten_at_once(appliance: RunningAppliance, bombs: list[bytes]) -> int:
    """How many good files were answered rightly while bombs were being judged."""
    ours = _issue(appliance)
    answered = 0
    with ThreadPoolExecutor(len(bombs)) as threads:
        going: list[Future[wire.VerifyDocumentResponse]] = [threads.submit(_verify, appliance, bomb) for bomb in bombs]
        while answered < 3 or not all(future.done() for future in going):
            report = _verify(appliance, ours)
            assert report.integrity == wire.INTEGRITY_WHOLE
            assert report.issued.same_bytes
            answered += 1
        words = {_answer(future) for future in going}
    assert words <= _ANSWERS
    return answered


def test_ten_bombs_at_once_while_good_uploads_get_answers(bombed: RunningAppliance) -> None:
    assert _ten_at_once(bombed, [make() for make in BOMBS.values()]) >= 3
    stranger = signed_by(rendered(), new_pki(RSA, "Stranger"))
    report = _verify(bombed, stranger)
    assert (report.integrity, report.origin) == (wire.INTEGRITY_WHOLE, wire.ORIGIN_UNKNOWN)


def test_a_large_file_is_judged_like_a_small_one(bombed: RunningAppliance) -> None:
    room = LARGEST - 100_000
    large = build_pdf(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
            4: b"<</Length %d>>\nstream\n%b\nendstream" % (room, bytes(room)),
        }
    )
    signed = signed_by(large, new_pki(RSA, "Stranger"))
    assert len(signed) < LARGEST
    assert _verify(bombed, signed).integrity == wire.INTEGRITY_WHOLE
    changed = bytearray(signed)
    changed[len(large) // 2] ^= 1
    assert _verify(bombed, bytes(changed)).integrity == wire.INTEGRITY_CHANGED


def test_a_file_beyond_the_limit_is_not_opened(bombed: RunningAppliance) -> None:
    report = _verify(bombed, bytes(LARGEST + 1))
    assert report.integrity == wire.INTEGRITY_UNREADABLE
    assert [finding.code for finding in report.findings] == ["too-large"]


@pytest.mark.soak
def test_ten_of_the_slowest_bombs_at_once(bombed: RunningAppliance) -> None:
    """They use up all the time that a file is given; the others are refused sooner."""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>"
    fields = b"/AcroForm<</Fields[%b]>>" % (b"<</FT/Tx/T(x)>>" * 600_000)
    assert _ten_at_once(bombed, [with_pages(b"3 0 R", 1, {3: page}, fields)] * 10) >= 3
    assert _verify(bombed, rendered()).integrity == wire.INTEGRITY_UNSIGNED


def test_nothing_died(bombed: RunningAppliance) -> None:
    """Bombs end processes that were made for them and no others."""
    log = Path(bombed.directory / "serve.log").read_text()
    assert not [line for line in log.splitlines() if "Traceback" in line]
