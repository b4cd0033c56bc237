"""Verifies a signed report on a document: signature, content type, path, the report's own form, and the document that it is about.

Evidence, or raises. Needs no appliance: whoever got a report may run it. Not for what the report says: that is the appliance's word.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from signer.algorithms import sm3
from signer.certificates import Certificate, TrustStore
from signer.certificates.path import CertificateUsage, judge_path
from signer.cms import object_identifiers as oid
from signer.cms.der import read, read_object_identifier
from signer.cms.verify import verify_signed_data
from signer.errors import Reason, VerificationError
from signer.findings import FindingCode

_SCHEMA = Path(__file__).with_name("report.schema.json")


@dataclass(frozen=True)
class ReportEvidence:
    """`report`: by report.schema.json. `signer`: subject of the certificate, RFC 4514."""

    report: dict[str, Any]
    signer: str
    signed_at: datetime


def verify_report(cms: bytes, trust: TrustStore, document: bytes | None = None) -> ReportEvidence:
    """Evidence for a report. `document`: the file that it must be about; None: that is not asked.

    Raises:
        RequestError: CMS_MALFORMED; it is no CMS that could be a report.
        VerificationError: SIGNATURE_WRONG, CONTENT_MODIFIED, PATH_NOT_TRUSTED, with the finding's code.
    """
    evidence = verify_signed_data(cms)
    if evidence.content_type != read_object_identifier(read(oid.VERIFICATION_REPORT)) or evidence.content is None:
        # Any message key could have signed such JSON as data; only the appliance signs it as a report.
        raise _wrong(FindingCode.SIGNATURE_MALFORMED, "it is signed, but not as a report")
    if evidence.signing_time is None or not evidence.names_its_certificate:
        raise _wrong(FindingCode.SIGNATURE_MALFORMED, "signing time or signing certificate is missing")
    judge_path(
        evidence.signer_certificate,
        evidence.certificates,
        trust,
        min(evidence.signing_time, datetime.now(UTC)),
        CertificateUsage.SIGNATURE,
    )
    report = _read(evidence.content)
    if document is not None and sm3.digest(document).hex() != report["file"]["sm3"]:
        raise VerificationError(
            Reason.CONTENT_MODIFIED, FindingCode.CONTENT_MODIFIED, "the report is about another document"
        )
    return ReportEvidence(report, Certificate.load(evidence.signer_certificate).subject_text, evidence.signing_time)


def _read(content: bytes) -> dict[str, Any]:
    try:
        report = json.loads(content)
    except (ValueError, RecursionError):
        raise _wrong(FindingCode.SIGNATURE_MALFORMED, "the report is not JSON") from None
    if not _validator().is_valid(report):
        raise _wrong(FindingCode.SIGNATURE_MALFORMED, "the report is not by the schema of a version that is known here")
    checked: dict[str, Any] = report
    return checked


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(_SCHEMA.read_text(encoding="utf-8")))


def _wrong(code: FindingCode, message: str) -> VerificationError:
    return VerificationError(Reason.SIGNATURE_WRONG, code, message)
