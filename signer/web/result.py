"""An answer made ready for the page and for JSON: words, times of Beijing, and the signed report. Decides nothing."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from signer.client.conclusion import Conclusion, algorithm_words, conclude
from signer.client.conclusion_words import Text
from signer.v1 import document_pb2 as wire
from signer.v1 import types_pb2

_BEIJING = timezone(timedelta(hours=8))
_VERDICTS = {
    types_pb2.VERDICT_PASSED: ("passed", Text("通过", "Passed")),
    types_pb2.VERDICT_FAILED: ("failed", Text("不通过", "Failed")),
    types_pb2.VERDICT_INDETERMINATE: ("noted", Text("无法确认", "Indeterminate")),
}
_COMMON_NAME = re.compile(r"(?:^|,|\+)CN=((?:\\.|[^,+\\])+)")


@dataclass(frozen=True)
class SignatureLine:
    """One signature for people. `mark`: how its verdict is shown. `name`: the common name of the signer, else all of the subject."""

    mark: str
    verdict: Text
    name: str
    subject: str
    algorithm: str
    signed_at: str
    proven_at: str
    whole: bool
    findings: tuple[types_pb2.Finding, ...]


@dataclass(frozen=True)
class Result:
    """`verified_at`: when the portal had the answer. `file_name`: as the browser called it."""

    report: wire.VerifyDocumentResponse
    conclusion: Conclusion
    file_name: str
    verified_at: datetime

    @classmethod
    def of(cls, report: wire.VerifyDocumentResponse, file_name: str) -> Result:
        """From an answer that has just come."""
        return cls(report, conclude(report), file_name, datetime.now(UTC))

    @property
    def signatures(self) -> list[SignatureLine]:
        """In the file's order."""
        return [_signature_line(item) for item in self.report.signatures]

    @property
    def file_findings(self) -> list[types_pb2.Finding]:
        """What was found beyond what stands beside a signature already."""
        told = {item.code for signature in self.report.signatures for item in signature.findings}
        return [item for item in self.report.findings if item.code not in told]

    @property
    def issued_at(self) -> str:
        """When the document was issued, where that may be told."""
        return time_words(self.report.issued.issued_at)

    @property
    def verified_at_words(self) -> str:
        """Beijing's time."""
        return _words(self.verified_at)

    @property
    def report_base64(self) -> str:
        """The signed report for a form; empty where there is none."""
        return base64.b64encode(self.report.report_cms).decode("ascii")

    def as_json(self) -> dict[str, Any]:
        """For programs; names of enumerations without their prefixes."""
        report = self.report
        issued = None
        if report.HasField("issued"):
            issued = {
                "document_id": report.issued.document_id,
                "number": report.issued.number,
                "template": report.issued.template,
                "title_zh": report.issued.title_zh,
                "issued_at": report.issued.issued_at.ToJsonString(),
                "same_bytes": report.issued.same_bytes,
            }
        return {
            "outcome": self.conclusion.outcome.value,
            "headline": _pair(self.conclusion.headline),
            "summary": _pair(self.conclusion.sentence),
            "integrity": wire.Integrity.Name(report.integrity).removeprefix("INTEGRITY_"),
            "origin": wire.Origin.Name(report.origin).removeprefix("ORIGIN_"),
            "contract_state": wire.ContractState.Name(report.contract_state).removeprefix("CONTRACT_STATE_"),
            "checks": [
                {"name": _pair(item.name), "result": item.result.value, "told": _pair(item.told)}
                for item in self.conclusion.checks
            ],
            "findings": [_finding(item) for item in report.findings],
            "signatures": [
                {
                    "verdict": types_pb2.Verdict.Name(item.verdict).removeprefix("VERDICT_"),
                    "signer": item.signer,
                    "algorithm": types_pb2.SignatureAlgorithm.Name(item.algorithm).removeprefix("SIGNATURE_ALGORITHM_"),
                    "signed_at": item.signed_at.ToJsonString() if item.HasField("signed_at") else None,
                    "covers_whole_file": item.covers_whole_file,
                    "findings": [_finding(found) for found in item.findings],
                }
                for item in report.signatures
            ],
            "issued": issued,
            "report_cms": self.report_base64 or None,
        }


def time_words(stamp: Timestamp) -> str:
    """A time as people in China write it, of Beijing; empty for one that isn't set."""
    if not stamp.seconds:
        return ""
    return _words(stamp.ToDatetime(tzinfo=UTC))


def _words(moment: datetime) -> str:
    local = moment.astimezone(_BEIJING)
    return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M:%S}"


def _signature_line(item: wire.SignatureReport) -> SignatureLine:
    mark, verdict = _VERDICTS.get(item.verdict, ("noted", Text("未判断", "Not judged")))
    found = _COMMON_NAME.search(item.signer)
    name = re.sub(r"\\(.)", r"\1", found[1]) if found else item.signer
    return SignatureLine(
        mark,
        verdict,
        name,
        item.signer,
        algorithm_words(item.algorithm),
        time_words(item.signed_at),
        time_words(item.proven_at),
        item.covers_whole_file,
        tuple(item.findings),
    )


def _finding(item: types_pb2.Finding) -> dict[str, str]:
    return {"code": item.code, "message": item.message, "message_zh": item.message_zh}


def _pair(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}
