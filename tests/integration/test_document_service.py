"""DocumentService over real gRPC: issue, idempotency, streams, drafts, verification of what was issued and of what was not.

Threat: T10.
"""

from __future__ import annotations

import copy
import hashlib
import json
import subprocess
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from demo.strangers import stranger_pdf
from policy_render.catalog import Catalog
from signer.client import Connection, RemoteError
from signer.v1 import document_pb2 as wire

Issue = Callable[..., wire.IssueDocumentResponse]


@pytest.fixture(scope="module")
def issue(connection: Connection, sample: dict[str, Any]) -> Issue:
    """Issues the sample, changed as asked."""

    def _issue(
        *, seal: str = "seal-sm2", issue_id: str = "", data: dict[str, Any] | None = None, **fields: Any
    ) -> wire.IssueDocumentResponse:
        request = wire.IssueDocumentRequest(
            issue_id=issue_id or str(uuid.uuid4()),
            template="policy/commercial",
            data_json=json.dumps(data or sample, ensure_ascii=False),
            **fields,
        )
        request.seals.add(key=seal)
        return connection.call(connection.documents.IssueDocument, request)

    return _issue


@pytest.fixture(scope="module")
def verify(connection: Connection) -> Callable[[bytes], wire.VerifyDocumentResponse]:
    """The report on a file."""
    return lambda pdf: connection.call(connection.documents.VerifyDocument, wire.VerifyDocumentRequest(pdf=pdf))


def _words(report: wire.VerifyDocumentResponse) -> tuple[str, str, str]:
    return (
        wire.Integrity.Name(report.integrity).removeprefix("INTEGRITY_"),
        wire.Origin.Name(report.origin).removeprefix("ORIGIN_"),
        wire.ContractState.Name(report.contract_state).removeprefix("CONTRACT_STATE_"),
    )


def _codes(report: wire.VerifyDocumentResponse) -> set[str]:
    return {item.code for item in report.findings}


@pytest.mark.parametrize("seal", ["seal-sm2", "seal-rsa"])
def test_an_issued_policy_is_whole_ours_and_in_force(issue: Issue, verify: Any, seal: str) -> None:
    issued = issue(seal=seal)
    report = verify(issued.pdf)
    assert _words(report) == ("WHOLE", "ISSUED_HERE", "IN_FORCE")
    assert report.issued.number == issued.number == "PDZA202611000000012345"
    assert report.issued.same_bytes
    assert report.issued.document_id == issued.document_id
    assert hashlib.new("sm3", issued.pdf).digest() == issued.sm3
    assert len(issued.receipts) == 1
    (signature,) = report.signatures
    assert signature.covers_whole_file
    assert "示例财产保险股份有限公司" in signature.signer
    assert _codes(report) == set()
    assert report.summary_zh == "该电子保单由本公司签发，内容完整、未被改动，目前在保险期间内。"
    assert report.report_cms != b""  # what it says: test_signed_reports


@pytest.mark.parametrize(
    ("begins", "ends", "state"), [(1, 366, "NOT_YET_IN_FORCE"), (-1, 364, "IN_FORCE"), (-366, -1, "LAPSED")]
)
def test_the_contract_state_follows_the_dates(
    issue: Issue, verify: Any, sample: dict[str, Any], begins: int, ends: int, state: str
) -> None:
    data = copy.deepcopy(sample)
    now = datetime.now(UTC).replace(microsecond=0)
    data["period"] = {
        "begins_at": (now + timedelta(days=begins)).isoformat(),
        "ends_at": (now + timedelta(days=ends)).isoformat(),
    }
    assert _words(verify(issue(data=data).pdf)) == ("WHOLE", "ISSUED_HERE", state)


def test_the_same_request_again_gives_the_same_document(issue: Issue) -> None:
    issue_id = str(uuid.uuid4())
    first, again = issue(issue_id=issue_id), issue(issue_id=issue_id)
    assert again == first


def test_another_request_under_the_same_issue_id_is_refused(issue: Issue, sample: dict[str, Any]) -> None:
    issue_id = str(uuid.uuid4())
    issue(issue_id=issue_id)
    data = copy.deepcopy(sample)
    data["vehicle"]["plate"] = "京A00002"
    with pytest.raises(RemoteError) as refused:
        issue(issue_id=issue_id, data=data)
    assert (refused.value.status, refused.value.reason) == ("ALREADY_EXISTS", "ISSUE_ID_REUSED")


def test_the_file_may_be_left_out_of_the_answer(issue: Issue) -> None:
    issued = issue(omit_pdf=True)
    assert issued.pdf == b""
    assert len(issued.sm3) == 32


def test_a_stream_of_documents_answers_each(connection: Connection, sample: dict[str, Any]) -> None:
    def requests() -> Any:
        for number in range(6):
            data = copy.deepcopy(sample)
            data["policy"]["number"] = f"PDZA-{number}" if number != 3 else ""
            yield wire.IssueDocumentRequest(
                issue_id=f"stream-{number}-{uuid.uuid4()}", template="policy/commercial", data_json=json.dumps(data)
            )

    results = {result.issue_id[:8]: result for result in connection.issue_many(requests(), timeout=60)}
    assert sorted(results) == [f"stream-{number}" for number in range(6)]
    assert results["stream-3"].error.code == 3  # INVALID_ARGUMENT
    numbers = [results[f"stream-{number}"].response.number for number in (0, 1, 2, 4, 5)]
    assert numbers == [f"PDZA-{number}" for number in (0, 1, 2, 4, 5)]


def test_seals_stand_where_the_request_wants_them(
    connection: Connection, sample: dict[str, Any], verify: Any, tmp_path: Path
) -> None:
    request = wire.IssueDocumentRequest(
        issue_id=str(uuid.uuid4()), template="policy/commercial", data_json=json.dumps(sample)
    )
    seal = request.seals.add(key="seal-sm2", profile=wire.Seal.PROFILE_PADES_B)
    for x in (40, 120):
        seal.places.add().box.CopyFrom(wire.SealPlace.Box(page=1, x_mm=x, y_mm=200, width_mm=30))
    issued = connection.call(connection.documents.IssueDocument, request)
    assert _words(verify(issued.pdf))[0] == "WHOLE"
    (tmp_path / "p.pdf").write_bytes(issued.pdf)
    subprocess.run(["pdftoppm", "-r", "50", "p.pdf", "page"], cwd=tmp_path, check=True)
    pixels = (tmp_path / "page-1.ppm").read_bytes()
    assert _red_share(pixels, 40, 200) > 0.05
    assert _red_share(pixels, 120, 200) > 0.05
    assert _red_share(pixels, 167, 256) == 0


def _red_share(ppm: bytes, x_mm: float, y_mm: float) -> float:
    """The share of red pixels in a square of 20 mm round a point."""
    _, size, _, rest = ppm.split(b"\n", 3)
    width, _ = (int(part) for part in size.split())
    scale = 50 / 25.4
    found = total = 0
    for row in range(int((y_mm - 10) * scale), int((y_mm + 10) * scale)):
        for column in range(int((x_mm - 10) * scale), int((x_mm + 10) * scale)):
            red, green, blue = rest[(row * width + column) * 3 :][:3]
            found += red > 150 and green < 110 and blue < 110
            total += 1
    return found / total


def test_a_draft_is_unsigned_and_marked(
    connection: Connection, sample: dict[str, Any], verify: Any, tmp_path: Path
) -> None:
    draft = connection.call(
        connection.documents.RenderDocument,
        wire.RenderDocumentRequest(template="policy/commercial", data_json=json.dumps(sample)),
    )
    assert draft.template == "policy/commercial@2"
    assert _words(verify(draft.pdf)) == ("UNSIGNED", "UNKNOWN", "UNSPECIFIED")
    (tmp_path / "draft.pdf").write_bytes(draft.pdf)
    text = subprocess.run(
        ["pdftotext", "draft.pdf", "-"], cwd=tmp_path, check=True, capture_output=True
    ).stdout.decode()
    assert "DRAFT" in text


def test_templates_are_listed_with_schema_and_sample(connection: Connection) -> None:
    templates = connection.call(connection.documents.ListTemplates, wire.ListTemplatesRequest()).templates
    assert [item.template for item in templates] == [template.reference for template in Catalog.load().current()]
    template = next(item for item in templates if item.template.startswith("policy/commercial@"))
    assert (template.template, template.title_zh) == ("policy/commercial@2", "机动车商业保险保险单")
    schema = json.loads(template.json_schema)
    assert schema["$schema"].endswith("2020-12/schema")
    # whole in itself: a client's own validator needs no other file
    Draft202012Validator(schema).validate(json.loads(template.sample_json))
    assert json.loads(template.sample_json)["policy"]


def test_equal_data_in_the_same_second_gives_documents_of_their_own(issue: Issue, verify: Any) -> None:
    """RSA PKCS#1 v1.5 is deterministic: equal documents with equal signing times would be the same bytes."""
    with ThreadPoolExecutor(4) as pool:
        issued = list(pool.map(lambda _: issue(seal="seal-rsa"), range(4)))
    assert len({answer.pdf for answer in issued}) == len({answer.document_id for answer in issued}) == 4
    for answer in issued:
        assert verify(answer.pdf).issued.document_id == answer.document_id


def test_changed_copies_and_strangers_are_told_apart(issue: Issue, verify: Any, connection: Connection) -> None:
    pdf = issue(seal="seal-rsa").pdf
    flipped = bytearray(pdf)
    flipped[len(pdf) // 2] ^= 1
    assert _words(verify(bytes(flipped)))[0] == "CHANGED"
    appended = verify(pdf + b"\n")
    assert _words(appended)[:2] == ("CHANGED", "ISSUED_HERE")
    assert "not-the-released-bytes" in _codes(appended)
    assert not appended.issued.same_bytes
    draft = connection.call(
        connection.documents.RenderDocument,
        wire.RenderDocumentRequest(
            template="policy/commercial",
            data_json=connection.call(
                connection.documents.GetTemplate, wire.GetTemplateRequest(template="policy/commercial")
            ).sample_json,
        ),
    ).pdf
    stranger = verify(stranger_pdf(draft))
    assert _words(stranger) == ("WHOLE", "UNKNOWN", "UNSPECIFIED")
    assert "not-issued-here" in _codes(stranger)
    assert not stranger.HasField("issued")


@pytest.mark.parametrize(
    ("name", "pdf", "code"),
    [
        ("empty", b"", "not-a-pdf"),
        ("random", bytes(range(256)) * 40, "not-a-pdf"),
        ("header-only", b"%PDF-1.7\n", "damaged"),
    ],
)
def test_a_bad_file_is_an_answer(verify: Any, name: str, pdf: bytes, code: str) -> None:
    report = verify(pdf)
    assert _words(report) == ("UNREADABLE", "UNKNOWN", "UNSPECIFIED"), name
    assert code in _codes(report)
    assert report.summary_zh


def test_truncated_and_encrypted_copies_are_answers(issue: Issue, verify: Any, tmp_path: Path) -> None:
    pdf = issue().pdf
    for length in (len(pdf) // 4, len(pdf) // 2, len(pdf) - 10):
        assert _words(verify(pdf[:length]))[0] in {"UNREADABLE", "CHANGED"}
    (tmp_path / "plain.pdf").write_bytes(pdf)
    command = ["qpdf", "--encrypt", "user", "owner", "256", "--", "plain.pdf", "locked.pdf"]
    subprocess.run(command, cwd=tmp_path, check=True)
    locked = verify((tmp_path / "locked.pdf").read_bytes())
    assert _words(locked)[0] == "UNREADABLE"
    assert "encrypted" in _codes(locked)


def test_the_register_knows_only_bytes(issue: Issue, verify: Any) -> None:
    """A file that merely claims a number of ours is told nothing about it."""
    number = issue().number
    forged = f"%PDF-1.7\n% {number}\n".encode()
    report = verify(forged)
    assert not report.HasField("issued")
    assert number not in str(report)


@pytest.mark.parametrize("template", [template.reference for template in Catalog.load().every()])
def test_every_template_is_issued_and_verified(connection: Connection, verify: Any, template: str) -> None:
    known = Catalog.load().get(template)
    request = wire.IssueDocumentRequest(issue_id=str(uuid.uuid4()), template=template, data_json=known.sample_json)
    issued = connection.call(connection.documents.IssueDocument, request)
    report = verify(issued.pdf)
    assert (report.integrity, report.origin) == (wire.INTEGRITY_WHOLE, wire.ORIGIN_ISSUED_HERE)
    assert report.issued.template == template
    # only policies speak for a contract of their own
    assert bool(report.contract_state) == (known.begins_at is not None)
