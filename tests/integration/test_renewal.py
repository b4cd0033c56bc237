"""Documents are extended before their proof runs out: a further archive timestamp, revision after revision, each in the issue register.

Threats: T5.
"""

from __future__ import annotations

import io
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from signer.cli.__main__ import main
from signer.client import Connection, RemoteError
from signer.pades.shape import check_shape
from signer.v1 import document_pb2 as wire
from tests.conftest import RunningAppliance
from tests.fuzz.rendered_documents import rendered

_numbers = itertools.count()


def _issued(connection: Connection, sample: dict[str, Any], *seals: wire.Seal) -> wire.IssueDocumentResponse:
    number = next(_numbers)
    data = {**sample, "policy": {**sample["policy"], "number": f"PDZA2026RENEWAL{number:06d}"}}
    request = wire.IssueDocumentRequest(
        issue_id=f"renewal-{number}", template="policy/commercial", data_json=json.dumps(data), seals=seals
    )
    return connection.call(connection.documents.IssueDocument, request)


def _extend(connection: Connection, document_id: str) -> wire.ExtendDocumentResponse:
    return connection.call(connection.documents.ExtendDocument, wire.ExtendDocumentRequest(document_id=document_id))


def _report(connection: Connection, pdf: bytes) -> wire.VerifyDocumentResponse:
    return connection.call(connection.documents.VerifyDocument, wire.VerifyDocumentRequest(pdf=pdf, omit_report=True))


@pytest.mark.parametrize(
    "seal",
    [wire.Seal(), wire.Seal(key="seal-rsa", profile=wire.Seal.PROFILE_PADES_LTA), wire.Seal(profile=wire.Seal.PROFILE_GBT_38540)],
    ids=["baseline", "archived", "electronic seal"],
)  # fmt: skip
def test_every_revision_is_released_and_verifies(
    seal: wire.Seal, connection: Connection, sample: dict[str, Any]
) -> None:
    issued = _issued(connection, sample, seal)
    revisions = [issued.pdf]
    for number in (2, 3):
        extended = _extend(connection, issued.document_id)
        assert (extended.revision, extended.document_id) == (number, issued.document_id)
        assert extended.pdf.startswith(revisions[-1])
        assert extended.receipts
        revisions.append(extended.pdf)
    for pdf in revisions:
        report = _report(connection, pdf)
        assert (report.integrity, report.origin) == (wire.INTEGRITY_WHOLE, wire.ORIGIN_ISSUED_HERE)
        assert report.issued.same_bytes
        assert {item.verdict for item in report.signatures} == {1}
    assert len(PdfFileReader(io.BytesIO(revisions[-1])).embedded_timestamp_signatures) >= 2
    last, before = check_shape(revisions[-1]), check_shape(revisions[-2])
    assert len(last.signatures) == len(before.signatures) + 1


def test_a_strangers_document_is_extended_too(connection: Connection) -> None:
    request = wire.SealDocumentRequest(pdf=rendered(2), seals=[wire.Seal(key="seal-rsa")], issue_id="renewal-stranger")
    sealed = connection.call(connection.documents.SealDocument, request)
    extended = _extend(connection, sealed.document_id)
    assert extended.pdf.startswith(sealed.pdf)
    report = _report(connection, extended.pdf)
    assert (report.integrity, report.origin) == (wire.INTEGRITY_WHOLE, wire.ORIGIN_ISSUED_HERE)


def test_what_ends_soon_is_listed_and_taken_off_the_list(
    connection: Connection, sample: dict[str, Any], appliance: RunningAppliance, capsys: pytest.CaptureFixture[str]
) -> None:
    issued = _issued(connection, sample)
    profile = str(appliance.directory / "clients" / "core" / "profile.toml")
    assert (
        main(["documents", "expiring", "--profile", profile, "--within-days", "3000", "--limit", "1000", "--json"]) == 0
    )
    listed = {item["document_id"]: item for item in json.loads(capsys.readouterr().out)["documents"]}
    assert listed[issued.document_id]["revision"] == 1
    assert main(["documents", "expiring", "--profile", profile, "--within-days", "30", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["documents"] == []
    assert main(["documents", "extend", "--profile", profile, "--document", issued.document_id]) == 0
    assert f"{issued.document_id} 版次 revision 2" in capsys.readouterr().out


def test_unknown_documents_are_said_to_be_unknown(connection: Connection) -> None:
    with pytest.raises(RemoteError) as caught:
        _extend(connection, "0" * 32)
    assert (caught.value.status, caught.value.reason) == ("NOT_FOUND", "DOCUMENT_UNKNOWN")


def test_the_list_asks_for_a_time(connection: Connection) -> None:
    request = wire.ListExpiringDocumentsRequest()
    request.before.FromDatetime(datetime.now(UTC) - timedelta(days=1))
    assert not connection.call(connection.documents.ListExpiringDocuments, request).documents
