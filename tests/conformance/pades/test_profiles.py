"""Every seal profile with both kinds of keys, issued by a running appliance and judged by others: pyHanko, OpenSSL, qpdf, poppler.

SM2 is verified by GmSSL inside of pyHanko. Threats: T5.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import itertools
import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.policy_decl import PdfSignatureValidationSpec, SignatureValidationSpec
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager

from signer.app.demo_appliance import PORTAL_OFFSET
from signer.client import Connection, RemoteError
from signer.cms.signer_info import read_signed_data
from signer.pades.pyhanko_sm2 import SignatureAlgorithmPolicy, register_names
from signer.pades.shape import check_shape
from signer.v1 import document_pb2 as wire
from signer.v1 import timestamp_pb2
from tests.conformance.pades.gmssl_validator import GmsslValidator
from tests.conftest import RunningAppliance

_Issue = Callable[..., bytes]
_PROFILES = {
    "B": wire.Seal.PROFILE_PADES_B,
    "T": wire.Seal.PROFILE_PADES_T,
    "LT": wire.Seal.PROFILE_PADES_LT,
    "LTA": wire.Seal.PROFILE_PADES_LTA,
}
_GBT = wire.Seal.PROFILE_GBT_38540
_KEYS = ("seal-rsa", "seal-sm2")
_numbers = itertools.count()


@pytest.fixture(scope="module")
def issue(connection: Connection, sample: dict[str, Any]) -> _Issue:
    """Issues a fresh document with those seals."""

    def issued(*seals: wire.Seal) -> bytes:
        number = next(_numbers)
        data = {**sample, "policy": {**sample["policy"], "number": f"PDZA2026PROFILES{number:06d}"}}
        request = wire.IssueDocumentRequest(
            issue_id=f"profiles-{number}", template="policy/commercial", data_json=json.dumps(data), seals=seals
        )
        return connection.call(connection.documents.IssueDocument, request).pdf

    return issued


def _report(connection: Connection, pdf: bytes) -> wire.VerifyDocumentResponse:
    report = connection.call(connection.documents.VerifyDocument, wire.VerifyDocumentRequest(pdf=pdf))
    assert (report.integrity, report.origin) == (wire.INTEGRITY_WHOLE, wire.ORIGIN_ISSUED_HERE)
    return report


def _anchors(appliance: RunningAppliance) -> list[x509.Certificate]:
    files = sorted((appliance.directory / "trust").glob("*.pem"))
    return [x509.Certificate.load(pem.unarmor(file.read_bytes())[2]) for file in files]


def _qpdf_and_poppler(pdf: bytes, folder: Path) -> str:
    file = folder / "sealed.pdf"
    file.write_bytes(pdf)
    checked = subprocess.run(["qpdf", "--check", file], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    return subprocess.run(["pdfsig", file], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("key", _KEYS)
@pytest.mark.parametrize("level", list(_PROFILES))
def test_each_level_is_what_it_says(
    key: str, level: str, issue: _Issue, connection: Connection, tmp_path: Path
) -> None:
    pdf = issue(wire.Seal(key=key, profile=_PROFILES[level]))
    report = _report(connection, pdf)
    seal = report.signatures[0]
    assert seal.profile == _PROFILES[level]
    assert seal.HasField("proven_at") == (level != "B")
    assert len(report.signatures) == (2 if level == "LTA" else 1)
    said = _qpdf_and_poppler(pdf, tmp_path)
    assert ("Signature is Valid." in said) == (key == "seal-rsa")  # poppler knows no SM2


@pytest.mark.parametrize("key", _KEYS)
def test_pyhanko_proves_archived_documents(key: str, issue: _Issue, appliance: RunningAppliance) -> None:
    """AdES validation with archive data (ETSI EN 319 102-1, 5.6): from what the file brings along, no network."""
    register_names()
    pdf = issue(wire.Seal(key=key, profile=wire.Seal.PROFILE_PADES_LTA))
    weak_refused = SignatureAlgorithmPolicy()  # type: ignore[no-untyped-call] # pyHanko has no types here
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(_anchors(appliance)),
        revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO),
        algorithm_usage_policy=weak_refused,
        signature_validator=GmsslValidator(),
    )
    specification = PdfSignatureValidationSpec(
        SignatureValidationSpec(cert_validation_policy=policy, signature_algorithm_policy=weak_refused)
    )
    signature = PdfFileReader(io.BytesIO(pdf)).embedded_regular_signatures[0]
    outcome = asyncio.run(ades.ades_lta_validation(signature, specification))
    assert outcome.ades_subindic.status.name == "PASSED", outcome.failure_msg
    assert outcome.oldest_evidence_record_timestamp is not None


def test_openssl_verifies_the_timestamp(issue: _Issue, appliance: RunningAppliance, tmp_path: Path) -> None:
    pdf = issue(wire.Seal(key="seal-rsa", profile=wire.Seal.PROFILE_PADES_T))
    signer = read_signed_data(check_shape(pdf).signatures[0].content).signer
    token = signer.signature_timestamp
    assert token is not None
    (tmp_path / "token").write_bytes(token)
    (tmp_path / "signature").write_bytes(signer.signature)
    command = ["openssl", "ts", "-verify", "-token_in", "-in", "token", "-data", "signature", "-CAfile"]
    command.append(str(appliance.directory / "trust" / "ca-rsa.pem"))
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def _ask_over_http(appliance: RunningAppliance, query: bytes) -> bytes:
    """As RFC 3161, clause 3.4 has it."""
    http_connection = http.client.HTTPConnection("127.0.0.1", appliance.port + PORTAL_OFFSET, timeout=60)
    http_connection.request("POST", "/timestamp", query, {"Content-Type": "application/timestamp-query"})
    answer = http_connection.getresponse()
    assert (answer.status, answer.headers.get_content_type()) == (200, "application/timestamp-reply")
    content = answer.read()
    http_connection.close()
    return content


@pytest.mark.parametrize("over_http", [False, True], ids=["grpc", "http"])
def test_our_authority_answers_what_openssl_asks(
    over_http: bool, connection: Connection, appliance: RunningAppliance, tmp_path: Path
) -> None:
    (tmp_path / "data").write_bytes(b"whatever is to be stamped")
    subprocess.run(
        ["openssl", "ts", "-query", "-data", "data", "-sha512", "-cert", "-out", "query"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    query = (tmp_path / "query").read_bytes()
    if over_http:
        (tmp_path / "reply").write_bytes(_ask_over_http(appliance, query))
    else:
        request = timestamp_pb2.TimestampRequest(request=query)
        (tmp_path / "reply").write_bytes(connection.call(connection.timestamps.Timestamp, request).response)
    command = ["openssl", "ts", "-verify", "-queryfile", "query", "-in", "reply", "-CAfile"]
    command.append(str(appliance.directory / "trust" / "ca-rsa.pem"))
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("query", [b"not DER", bytes(5_000)], ids=["nonsense", "too long"])
def test_our_authority_refuses_in_the_protocols_words(query: bytes, connection: Connection, tmp_path: Path) -> None:
    request = timestamp_pb2.TimestampRequest(request=query)
    (tmp_path / "reply").write_bytes(connection.call(connection.timestamps.Timestamp, request).response)
    shown = subprocess.run(
        ["openssl", "ts", "-reply", "-in", "reply", "-text"], cwd=tmp_path, capture_output=True, text=True
    ).stdout
    assert "Status: Rejected" in shown
    assert "the data submitted has the wrong format" in shown


@pytest.mark.parametrize(
    "seals",
    [
        (wire.Seal(key="seal-rsa"), wire.Seal(key="seal-sm2")),
        (wire.Seal(key="seal-sm2", profile=_PROFILES["T"]), wire.Seal(key="seal-rsa", profile=_PROFILES["T"])),
        (wire.Seal(key="seal-rsa"), wire.Seal(key="seal-sm2", profile=_GBT)),
        (wire.Seal(key="seal-sm2", profile=_GBT), wire.Seal(key="seal-rsa", profile=_PROFILES["LTA"])),
    ],
    ids=["rsa then sm2", "sm2 then rsa", "rsa then electronic seal", "electronic seal then archived rsa"],
)
def test_two_seals_on_one_document_both_hold(
    seals: Sequence[wire.Seal], issue: _Issue, connection: Connection, tmp_path: Path
) -> None:
    pdf = issue(*seals)
    report = _report(connection, pdf)
    assert [item.verdict for item in report.signatures[:2]] == [1, 1]
    assert report.signatures[0].certificate != report.signatures[1].certificate
    said = _qpdf_and_poppler(pdf, tmp_path)
    assert said.count("Signature is Valid.") == 1  # the RSA one: poppler knows no SM2
    for cut in check_shape(pdf).signatures[:1]:
        first_alone = connection.call(
            connection.documents.VerifyDocument, wire.VerifyDocumentRequest(pdf=pdf[: cut.end])
        )
        assert first_alone.origin != wire.ORIGIN_ISSUED_HERE  # never released like that


def test_an_electronic_seal_over_grpc(issue: _Issue, connection: Connection) -> None:
    report = _report(connection, issue(wire.Seal(profile=_GBT)))
    assert report.signatures[0].profile == _GBT


def test_certified_against_changes(issue: _Issue) -> None:
    """DocMDP: one seal allows nothing but validation data; the first of two allows the second."""
    alone, two = issue(wire.Seal()), issue(wire.Seal(key="seal-rsa"), wire.Seal(key="seal-sm2"))
    assert check_shape(alone).signatures[0].certification == 1
    assert [item.certification for item in check_shape(two).signatures] == [2, 0]


def test_places_by_keyword_and_across_pages(issue: _Issue, connection: Connection, sample: dict[str, Any]) -> None:
    place = wire.SealPlace
    keyword = place(keyword=place.Keyword(text="投保人信息", width_mm=25, dx_mm=20, every=True))
    _report(
        connection, issue(wire.Seal(places=[keyword, place(box=place.Box(page=1, x_mm=150, y_mm=40, width_mm=30))]))
    )
    with pytest.raises(RemoteError) as caught:
        issue(wire.Seal(places=[place(keyword=place.Keyword(text="无此字样", width_mm=25))]))
    assert (caught.value.status, caught.value.reason) == ("INVALID_ARGUMENT", "SEAL_KEYWORD_NOT_FOUND")
    with pytest.raises(RemoteError) as caught:
        issue(wire.Seal(places=[place(cross_page=place.CrossPage(y_mm=150, width_mm=40))]))
    assert caught.value.reason == "SEAL_PLACE_OFF_PAGE"  # the sample has one page
