"""Timestamps in files of our own shape: over a signature's value (PAdES B-T), over a whole document (B-LTA); ETSI EN 319 142-1, 5.4.3, 6.3.

Whether a token is right and whom it leads to. Not for strangers' files: `foreign_signature`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from signer.certificates import TrustStore
from signer.cms.timestamp_token import TimestampError, TimestampEvidence, verify_timestamp_token
from signer.cms.verify import verify_signed_data
from signer.findings import Finding, FindingCode, finding
from signer.pades.evidence import SignatureEvidence, Verdict
from signer.pades.shape import SealedRevision


def judge_signature_timestamp(
    token: bytes, signature: bytes, trust: TrustStore
) -> tuple[datetime | None, tuple[Finding, ...]]:
    """Since when the signature is known to exist, None where the token does not prove it; and what was found."""
    found = _judge(token, lambda name: hashlib.new(name, signature).digest(), trust)
    return (found.moment, ()) if isinstance(found, TimestampEvidence) else (None, (found,))


def judge_document_timestamp(
    evidence: SignatureEvidence, pdf: bytes, revision: SealedRevision, trust: TrustStore
) -> SignatureEvidence:
    """`evidence`, of which nothing is known yet, with what the document timestamp in that revision says."""
    found = _judge(revision.content, lambda name: revision.digest(pdf, name), trust)
    if isinstance(found, TimestampEvidence):
        return replace(
            evidence,
            verdict=Verdict.PASSED,
            signer=found.authority,
            certificate=found.certificate,
            algorithm=verify_signed_data(revision.content).algorithm,
            mathematics_right=True,
            trusted=True,
            proven_at=found.moment,
        )
    if found.code is FindingCode.TIMESTAMP_NOT_TRUSTED:
        return replace(evidence, verdict=Verdict.INDETERMINATE, mathematics_right=True, findings=(found,))
    return replace(evidence, findings=(found,))


def _judge(token: bytes, digest_of: Callable[[str], bytes], trust: TrustStore) -> TimestampEvidence | Finding:
    """The evidence, or the one finding that says why there is none."""
    try:
        return verify_timestamp_token(token, digest_of, trust)
    except TimestampError as problem:
        code = FindingCode.TIMESTAMP_NOT_TRUSTED if problem.nobody_vouches else FindingCode.TIMESTAMP_WRONG
        return finding(code)
