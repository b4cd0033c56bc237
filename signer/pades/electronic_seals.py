"""Signatures with an electronic seal (GB/T 38540) in files of our own shape. Strangers' are judged by the inspector."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from signer.certificates import Certificate, CertificateUsage, TrustStore, judge_path
from signer.cms.electronic_seal_verify import check_validity, verify_seal_signature
from signer.errors import RequestError, VerificationError
from signer.findings import Finding, FindingCode, finding
from signer.pades.evidence import SignatureEvidence, SignatureProfile, Verdict
from signer.pades.shape import SealedRevision


def judge_electronic_seal(
    evidence: SignatureEvidence, revision: SealedRevision, trust: TrustStore, at: datetime
) -> SignatureEvidence:
    """`evidence`, of which nothing is known yet, with what the seal in that revision says; its path judged at that time."""
    try:
        found = verify_seal_signature(revision.content, evidence.signed_sm3)
    except (VerificationError, RequestError) as problem:
        code = getattr(problem, "finding_code", FindingCode.SIGNATURE_MALFORMED)
        return replace(evidence, findings=(finding(code),))
    evidence = replace(
        evidence,
        certificate=found.signer_certificate,
        algorithm=found.algorithm,
        profile=SignatureProfile.GBT_38540,
        signed_at=found.signed_at or evidence.signed_at,
        mathematics_right=True,
    )
    findings: tuple[Finding, ...] = (finding(FindingCode.REVOCATION_NOT_CHECKED),)
    try:
        check_validity(found.seal, found.signed_at or at)
        path = judge_path(found.signer_certificate, (), trust, at, CertificateUsage.SIGNATURE)
        judge_path(found.seal.maker_certificate, (), trust, at, CertificateUsage.SIGNATURE)
    except (VerificationError, RequestError) as problem:
        code = getattr(problem, "finding_code", FindingCode.CERTIFICATE_PATH_INVALID)
        signer = Certificate.load(found.signer_certificate).subject_text
        return replace(evidence, verdict=Verdict.INDETERMINATE, signer=signer, findings=(*findings, finding(code)))
    return evidence.passed(path.chain[0].subject_text, tuple(item.der for item in path.chain), findings)
