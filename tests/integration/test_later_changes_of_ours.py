"""What others append to documents that we issued: what keeps them verifiable is no change, everything else is."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from signer.client import Connection
from signer.v1 import document_pb2 as wire
from tests.fuzz import strangers
from tests.fuzz.foreign_formats import bare_signed_data, with_contents
from tests.fuzz.sealed_documents import RSA, new_pki


@pytest.fixture(scope="module")
def issued(connection: Connection, sample: dict[str, Any]) -> bytes:
    request = wire.IssueDocumentRequest(
        issue_id=str(uuid.uuid4()),
        template="policy/commercial",
        data_json=json.dumps(sample, ensure_ascii=False),
        seals=[wire.Seal(key="seal-sm2")],
    )
    return connection.call(connection.documents.IssueDocument, request).pdf


def _verified(connection: Connection, pdf: bytes) -> wire.VerifyDocumentResponse:
    return connection.call(connection.documents.VerifyDocument, wire.VerifyDocumentRequest(pdf=pdf))


def _codes(report: wire.VerifyDocumentResponse) -> set[str]:
    return {item.code for item in report.findings}


def _signed_regardless(pdf: bytes, box: tuple[int, int, int, int] | None) -> bytes:
    """By somebody whose tools don't ask whether that is allowed."""
    pki = new_pki(RSA, "Somebody")
    return with_contents(
        pdf,
        "/adbe.pkcs7.detached",
        lambda covered: bare_signed_data(pki, None, covered),
        field="Other",
        box=box,
    )


def test_validation_data_that_nobody_signs_stays_as_it_was_released(
    connection: Connection, sample: dict[str, Any]
) -> None:
    request = wire.IssueDocumentRequest(
        issue_id=str(uuid.uuid4()),
        template="policy/commercial",
        data_json=json.dumps(sample, ensure_ascii=False),
        seals=[wire.Seal(key="seal-rsa", profile=wire.Seal.PROFILE_PADES_LT)],
    )
    released = connection.call(connection.documents.IssueDocument, request).pdf
    at = released.rindex(b"/DSS") - 200  # among certificates and lists, behind the signature
    changed = released[:at] + bytes([released[at] ^ 1]) + released[at + 1 :]
    extended = strangers.with_validation_data(released, new_pki(RSA, "Somebody"))
    reports = [_verified(connection, pdf) for pdf in (released, changed, extended)]
    assert [report.integrity for report in reports] == [
        wire.INTEGRITY_WHOLE,
        wire.INTEGRITY_CHANGED,
        wire.INTEGRITY_WHOLE,
    ]
    assert "not-the-released-bytes" in _codes(reports[1]) & _codes(reports[2])


def test_validation_data_and_timestamps_leave_it_whole_and_ours(connection: Connection, issued: bytes) -> None:
    pki = new_pki(RSA, "Somebody")
    extended = strangers.with_validation_data(issued, pki)
    for pdf in (extended, strangers.with_document_timestamp(extended, pki)):
        report = _verified(connection, pdf)
        assert report.integrity == wire.INTEGRITY_WHOLE
        assert report.origin == wire.ORIGIN_ISSUED_HERE
        assert report.contract_state == wire.CONTRACT_STATE_IN_FORCE
        assert not report.issued.same_bytes
        assert "not-the-released-bytes" in _codes(report)
        assert "validation-data-added" in {item.code for item in report.signatures[0].findings}


def test_whatever_else_is_appended_makes_it_a_changed_copy(connection: Connection, issued: bytes) -> None:
    pki = new_pki(RSA, "Somebody")
    for pdf in (
        _signed_regardless(issued, None),
        _signed_regardless(issued, (100, 100, 400, 400)),
        strangers.with_page_changed(issued),
        strangers.with_page_changed(strangers.with_validation_data(issued, pki)),
        strangers.with_validation_data(issued, pki) + b"\n",
    ):
        report = _verified(connection, pdf)
        assert (report.integrity, report.origin) == (wire.INTEGRITY_CHANGED, wire.ORIGIN_ISSUED_HERE)
        assert "not-the-released-bytes" in _codes(report)
