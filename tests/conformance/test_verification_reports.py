"""Signed reports, judged by others: OpenSSL where the key is RSA, gmssl-pyx where it is SM2; and by our own `verify_report`.

Threat: T36.
"""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gmssl_pyx
import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import parser, pem
from jsonschema import Draft202012Validator

from signer.algorithms import SignatureAlgorithm as Algorithm
from signer.algorithms import content_digest
from signer.archive.catalogue import ReleasedRevision
from signer.certificates import Certificate, TrustStore
from signer.cms.signed_data import Identifiers, SignedDataBuilder
from signer.contracts import ContractState
from signer.documents.report import report_builder, report_json
from signer.documents.report_verification import verify_report
from signer.documents.verify import DocumentReport, Origin
from signer.errors import VerificationError
from signer.findings import FindingCode, finding
from signer.pades.evidence import Integrity, SignatureEvidence, SignatureProfile, Verdict
from tests.conformance.message_signers import MessageSigner, signer
from tests.conformance.path_cases import NOW

_PDF = "%PDF-1.7 一份保单".encode()
_SCHEMA = Path(__file__).parents[2] / "signer" / "documents" / "report.schema.json"
_EVIDENCE = SignatureEvidence(
    Verdict.PASSED,
    "CN=电子保单专用章,C=CN",
    b"certificate",
    Algorithm.SM2_SM3,
    NOW,
    covers_whole_file=True,
    mathematics_right=True,
    trusted=True,
    profile=SignatureProfile.PADES_B,
    covered=(1, 2, 3),
    signed_sm3=b"s",
    findings=(finding(FindingCode.REVOCATION_NOT_CHECKED),),
)
_REVISION = ReleasedRevision(
    b"w", b"s", 0, document_id="d1", number="PDZA1", template="policy/commercial@1", issued_at=NOW
)
_REPORTS = {
    "genuine": DocumentReport(
        Integrity.WHOLE,
        Origin.ISSUED_HERE,
        ContractState.IN_FORCE,
        [finding(FindingCode.REVOCATION_NOT_CHECKED)],
        [_EVIDENCE],
        _REVISION,
        same_bytes=True,
    ),
    "unreadable": DocumentReport(Integrity.UNREADABLE, Origin.UNKNOWN, None, [finding(FindingCode.NOT_A_PDF)]),
    **{
        state.value: DocumentReport(Integrity.WHOLE, Origin.ISSUED_HERE, state, record=_REVISION)
        for state in ContractState
    },
}


def _report(who: MessageSigner, report: DocumentReport = _REPORTS["genuine"], moment: datetime = NOW) -> bytes:
    content = report_json("demo", moment, _PDF, report, "机动车商业保险保险单")
    builder = report_builder((who.certificate, who.root), who.algorithm)
    return builder.build(content_digest(who.algorithm, content), who.sign, content=content, signing_time=moment)


def _trust(who: MessageSigner) -> TrustStore:
    return TrustStore((Certificate.load(who.root),))


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    """By the schema that is checked in."""
    schema = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("kind", _REPORTS)
def test_every_report_is_by_the_schema(validator: Draft202012Validator, kind: str) -> None:
    content = report_json("demo", NOW, _PDF, _REPORTS[kind], "题名")
    report = json.loads(content)
    assert list(validator.iter_errors(report)) == []
    assert content == json.dumps(report, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert content == report_json("demo", NOW, _PDF, _REPORTS[kind], "题名")
    for name in report:
        assert not validator.is_valid({key: value for key, value in report.items() if key != name}), name
    assert not validator.is_valid({**report, "more": 1})


def test_openssl_judges_a_report_by_an_rsa_key(tmp_path: Path) -> None:
    who = signer(Algorithm.RSA_PKCS1_SHA256)
    (tmp_path / "report.p7m").write_bytes(_report(who))
    (tmp_path / "root.pem").write_bytes(pem.armor("CERTIFICATE", who.root))
    command = [
        *("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "report.p7m", "-CAfile", "root.pem"),
        *("-purpose", "any", "-attime", str(int(NOW.timestamp()))),
    ]
    judged = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert json.loads(judged.stdout)["issued"]["number"] == "PDZA1"
    (tmp_path / "report.p7m").write_bytes(_report(who).replace(b"PDZA1", b"PDZA2"))
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0


def test_gmssl_judges_a_report_by_an_sm2_key() -> None:
    who = signer(Algorithm.SM2_SM3)
    outer = asn1_cms.ContentInfo.load(_report(who), strict=True)
    assert outer["content_type"].dotted == "1.2.156.10197.6.1.4.2.2"  # GB/T 35275
    signed = asn1_cms.SignedData.load(parser.parse(outer["content"].dump(), strict=True)[4], strict=True)
    assert signed["version"].native == "v3"  # RFC 5652 clause 5.1: the content is no data
    content_type = signed["encap_content_info"]["content_type"].dotted
    assert content_type.startswith("2.25.")
    info = signed["signer_infos"][0]
    attributes = {item["type"].dotted: item["values"][0] for item in info["signed_attrs"]}
    assert attributes["1.2.840.113549.1.9.3"].dotted == content_type
    content = _octets(signed)
    assert attributes["1.2.840.113549.1.9.4"].native == gmssl_pyx.sm3_hash(content)
    as_set = b"\x31" + info["signed_attrs"].dump()[1:]
    assert gmssl_pyx.sm2_verify(who.public_key[-64:], as_set, info["signature"].native)
    assert json.loads(content)["format"] == "signer/verification-report"


def _octets(signed: asn1_cms.SignedData) -> bytes:
    """SEQUENCE { OBJECT IDENTIFIER, [0] { OCTET STRING } }, whose content asn1crypto has no name for."""
    parts: bytes = signed["encap_content_info"].contents
    explicit = parser.parse(parts[parser.peek(parts) :], strict=True)[4]
    return bytes(parser.parse(explicit, strict=True)[4])


@pytest.mark.parametrize("algorithm", [Algorithm.SM2_SM3, Algorithm.RSA_PKCS1_SHA256])
def test_ours_judges_it_with_and_without_the_document(algorithm: Algorithm) -> None:
    who = signer(algorithm)
    evidence = verify_report(_report(who), _trust(who), _PDF)
    assert evidence.report["summary_zh"].startswith("该电子保单由本公司签发")
    assert evidence.report["file"]["bytes"] == len(_PDF)
    assert "报文签名" in evidence.signer
    assert verify_report(_report(who), _trust(who)).signed_at == NOW
    with pytest.raises(VerificationError, match="another document"):
        verify_report(_report(who), _trust(who), _PDF + b" ")


def _refused(who: MessageSigner, cms: bytes, trust: TrustStore | None = None) -> str:
    with pytest.raises(VerificationError) as refused:
        verify_report(cms, trust or _trust(who))
    return refused.value.finding_code


def test_what_a_message_key_signed_is_no_report() -> None:
    """Whoever may have messages signed could write such JSON; as a report it is not signed."""
    who = signer(Algorithm.SM2_SM3)
    content = report_json("demo", NOW, _PDF, _REPORTS["genuine"], "")
    digest = content_digest(who.algorithm, content)
    for identifiers in Identifiers:
        forged = who.builder(identifiers).build(digest, who.sign, content=content, signing_time=NOW)
        assert _refused(who, forged) == "signature-malformed"


def test_changed_strange_and_unfinished_reports_are_refused() -> None:
    who, other = signer(Algorithm.SM2_SM3), signer(Algorithm.RSA_PKCS1_SHA256)
    assert _refused(who, _report(who).replace(b"IN_FORCE", b"in_force")) == "content-modified"
    assert _refused(who, _report(who), _trust(other)) == "certificate-path-not-found"
    builder: SignedDataBuilder = report_builder((who.certificate, who.root), who.algorithm)

    def signed(values: Any, *, moment: datetime | None = NOW) -> bytes:
        content = json.dumps(values).encode()
        return builder.build(content_digest(who.algorithm, content), who.sign, content=content, signing_time=moment)

    good = json.loads(report_json("demo", NOW, _PDF, _REPORTS["genuine"], ""))
    assert verify_report(signed(good), _trust(who)).report == good
    wrong: Any
    for wrong in ({**good, "format_version": 2}, {}, [], "x"):
        assert _refused(who, signed(wrong)) == "signature-malformed"
    assert _refused(who, signed(good, moment=None)) == "signature-malformed"
    early = datetime(1999, 1, 1, tzinfo=UTC)
    assert _refused(who, _report(who, moment=early)) == "certificate-not-yet-valid"
