"""The signed report on a verification: what was asked and what was found, as JSON in CMS, for whoever wasn't there.

Signed by a key that does nothing else, through `signer.signing` like every signature. A verification never fails because of its
report: where it can't be signed, the report is missing and the caller says so by a finding. Not for verifying: `verify` does that.
"""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import UTC, datetime
from typing import Any

from hsm.errors import HsmError
from monitoring import metrics
from signer.algorithms import SignatureAlgorithm, content_digest, sm3
from signer.authz import Actor
from signer.cms import object_identifiers as oid
from signer.cms.signed_data import Identifiers, SignedDataBuilder
from signer.deadline import Deadline
from signer.documents.report_config import ReportsConfig
from signer.documents.verify import DocumentReport
from signer.errors import ConfigurationError, Reason, SignerError
from signer.findings import Finding
from signer.keys import KeyVersion, Purpose
from signer.keys.registry import KeyRegistry
from signer.pades.evidence import SignatureEvidence
from signer.signing import Signer

FORMAT, FORMAT_VERSION = "signer/verification-report", 1
_ABOUT = {
    "zh": "本报告由签章系统对上传文件验真后出具并签名。文件以 SM3 和 SHA-256 摘要标识；结论只对该文件和验真时刻有效。",
    "en": "Made and signed by the signing appliance after it verified an uploaded file. The file is the one with these SM3 and "
    "SHA-256 digests; what is said holds for that file at that time.",
}
# The share of the time that is left, and the most: an HSM that hangs must not cost the caller the answer itself.
_SHARE, _LONGEST_S = 0.5, 3.0

_log = logging.getLogger(__name__)


class ReportMaker:
    """Makes reports."""

    def __init__(self, config: ReportsConfig, signer: Signer) -> None:
        self._config = config
        self._signer = signer
        self._builders: dict[str, SignedDataBuilder] = {}

    @classmethod
    def from_config(cls, config: ReportsConfig, registry: KeyRegistry, signer: Signer) -> ReportMaker:
        """Checks that the key is there and fit for reports, whatever its state is now.

        Raises:
            ConfigurationError: START_FAILED.
        """
        if config.key:
            try:
                version = registry.resolve(config.key)
            except SignerError as problem:
                raise _unfit(config.key, problem.message) from None
            if version.purpose is not Purpose.REPORT:
                raise _unfit(config.key, f"its purpose is {version.purpose.value!r}")
            if not version.certificate_chain:
                raise _unfit(config.key, "it has no certificate")
        return cls(config, signer)

    def make(self, actor: Actor, pdf: bytes, report: DocumentReport, title_zh: str, deadline: Deadline) -> bytes:
        """ContentInfo with SignedData, DER; empty where the report can't be signed now. `title_zh`: of the document's template."""
        if not self._config.key:
            metrics.reports.labels("no-key").inc()
            return b""
        try:
            signed = self._make(actor, pdf, report, title_zh, deadline)
        except (SignerError, HsmError) as problem:
            metrics.reports.labels(problem.reason.value).inc()
            _log.warning("a verification report is unsigned", extra={"fields": {"reason": problem.reason.value}})
            return b""
        metrics.reports.labels("signed").inc()
        return signed

    def _make(self, actor: Actor, pdf: bytes, report: DocumentReport, title_zh: str, deadline: Deadline) -> bytes:
        limit = Deadline.after(min(_LONGEST_S, _SHARE * deadline.remaining()))
        sign = self._signer.report_signer(actor, self._config.key, limit)
        now = datetime.now(UTC)
        content = report_json(self._config.appliance, now, pdf, report, title_zh)
        builder = self._builder(sign.key, sign.algorithm)
        return builder.build(content_digest(sign.algorithm, content), sign, content=content, signing_time=now)

    def _builder(self, key: KeyVersion, algorithm: SignatureAlgorithm) -> SignedDataBuilder:
        if key.reference not in self._builders:
            self._builders[key.reference] = report_builder(key.certificate_chain, algorithm)
        return self._builders[key.reference]


def report_builder(chain: tuple[bytes, ...], algorithm: SignatureAlgorithm) -> SignedDataBuilder:
    """CMS for reports: a content type of their own, so that no key that signs messages can make what looks like one.

    RFC 5652 around RSA, GB/T 35275 identifiers around SM2. `chain`: DER, the signer's first.
    """
    sm2 = algorithm is SignatureAlgorithm.SM2_SM3
    return SignedDataBuilder.for_certificate(
        chain[0],
        chain[1:],
        algorithm,
        identifiers=Identifiers.GBT_35275 if sm2 else Identifiers.RFC_5652,
        content_type=oid.VERIFICATION_REPORT,
    )


def report_json(appliance: str, verified_at: datetime, pdf: bytes, report: DocumentReport, title_zh: str) -> bytes:
    """The report itself, by report.schema.json: UTF-8, sorted keys, no spaces. Times are UTC, to the second."""
    record = report.record
    values: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "about": _ABOUT,
        "appliance": appliance,
        "verified_at": _time(verified_at),
        "file": {"bytes": len(pdf), "sm3": sm3.digest(pdf).hex(), "sha256": hashlib.sha256(pdf).hexdigest()},
        "integrity": report.integrity.value,
        "origin": report.origin.value,
        "contract_state": None if report.contract_state is None else report.contract_state.value,
        "summary_zh": report.summary_zh,
        "findings": [_finding(item) for item in report.findings],
        "signatures": [_signature(item) for item in report.signatures],
        "issued": None
        if record is None
        else {
            "document_id": record.document_id,
            "number": record.number,
            "template": record.template,
            "title_zh": title_zh,
            "issued_at": _time(record.issued_at),
            "same_bytes": report.same_bytes,
        },
    }
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _signature(evidence: SignatureEvidence) -> dict[str, Any]:
    return {
        "verdict": evidence.verdict.value,
        "signer": evidence.signer,
        "certificate_sm3": sm3.digest(evidence.certificate).hex() if evidence.certificate else None,
        "algorithm": evidence.algorithm.name,
        "signed_at": None if evidence.signed_at is None else _time(evidence.signed_at),
        "proven_at": None if evidence.proven_at is None else _time(evidence.proven_at),
        "profile": evidence.profile.value,
        "covers_whole_file": evidence.covers_whole_file,
        "findings": [_finding(item) for item in evidence.findings],
    }


def _finding(item: Finding) -> dict[str, str]:
    return {"code": item.code.value, "message": item.message, "message_zh": item.message_zh}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _unfit(key: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        Reason.START_FAILED,
        f"[reports] key = {key!r} can't sign reports: {why}",
        'Name a key with the purpose "report" and a certificate, or leave [reports] out: reports are unsigned then.',
    )
