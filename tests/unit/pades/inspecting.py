"""Inspects files in this process, and looks at reports the way tests do."""

from __future__ import annotations

from signer.certificates import Certificate, TrustStore
from signer.findings import FindingCode
from signer.pades.evidence import SignatureEvidence
from signer.pades.foreign import inspect_pdf
from signer.pades.inspection import InspectionReport
from tests.fuzz.sealed_documents import Pki


def inspect(data: bytes, *trusted: Pki | bytes) -> InspectionReport:
    """The report under these roots; it survives the way between processes."""
    roots = [item if isinstance(item, bytes) else item.root for item in trusted]
    report = inspect_pdf(data, TrustStore(tuple(Certificate.load(root) for root in roots)))
    assert InspectionReport.from_json(report.to_json(), data) == report, "the report does not survive the way"
    return report


def only(report: InspectionReport) -> SignatureEvidence:
    """The one signature."""
    (signature,) = report.signatures
    return signature


def codes(item: InspectionReport | SignatureEvidence) -> set[FindingCode]:
    """What was found."""
    return {found.code for found in item.findings}
