"""The inspector's report: what it found out about a file, as data that crosses a process border.

The sending process may be owned by a hostile file, so the reader believes no more than it must: a schema and sizes for
every value, codes instead of texts, and digests that the reader computes itself from its own copy of the file. What
remains is the verdict on a stranger's file. Never enough to call a file ours: that needs the issue register, which no
inspector can reach.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from signer.algorithms import SignatureAlgorithm
from signer.findings import Finding, FindingCode, finding
from signer.pades.evidence import Integrity, SignatureEvidence, SignatureProfile, Verdict
from signer.pades.signature_gap import digest_covered

MAX_REPORT_BYTES = 4 * 1024 * 1024
MAX_SIGNATURES = 100
# What the reader hashes for one report: many signatures on a large file must not cost it seconds.
_MAX_HASHED_BYTES = 256 * 1024 * 1024
_MAX_CERTIFICATE = 16_384
_MAX_FINDINGS = 20
# Beside right mathematics: what of the signed content is seen can't be told.
DOUBTS = frozenset(
    {FindingCode.DRAWN_OVER, FindingCode.FILLED_OVER, FindingCode.COMMENTED_OVER, FindingCode.READERS_DIFFER}
)
_CODES = {"type": "array", "maxItems": _MAX_FINDINGS, "items": {"enum": [code.value for code in FindingCode]}}
_FLAGS = ("covers_whole_file", "mathematics_right", "trusted")
_MAX_CHAIN = 10
_CERTIFICATE = {"type": "string", "maxLength": _MAX_CERTIFICATE * 4 // 3 + 4, "pattern": "^[A-Za-z0-9+/]*={0,2}$"}
_TIME = {"type": ["string", "null"], "maxLength": 40}
_SIGNATURE_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "verdict": {"enum": [verdict.value for verdict in Verdict]},
        "signer": {"type": "string", "maxLength": 2_000},
        "certificate": _CERTIFICATE,
        "chain": {"type": "array", "maxItems": _MAX_CHAIN, "items": _CERTIFICATE},
        "profile": {"enum": [profile.value for profile in SignatureProfile]},
        "algorithm": {"enum": [int(algorithm) for algorithm in SignatureAlgorithm]},
        "signed_at": _TIME,
        "proven_at": _TIME,
        "covered": {
            "type": ["array", "null"],
            "minItems": 3,
            "maxItems": 3,
            "items": {"type": "integer", "minimum": 1, "maximum": 1 << 31},
        },
        "findings": _CODES,
        **{flag: {"type": "boolean"} for flag in _FLAGS},
    },
}
_SIGNATURE_SCHEMA["required"] = list(_SIGNATURE_SCHEMA["properties"])  # type: ignore[call-overload] # a plain JSON value
_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["integrity", "pages", "findings", "signatures"],
    "properties": {
        "integrity": {"enum": [integrity.value for integrity in Integrity]},
        "pages": {"type": ["integer", "null"], "minimum": 0, "maximum": 10_000},
        "findings": _CODES,
        "signatures": {"type": "array", "maxItems": MAX_SIGNATURES, "items": _SIGNATURE_SCHEMA},
    },
}


class ReportMalformed(Exception):
    """What the inspector process sent is no report."""


@dataclass(frozen=True)
class InspectionReport:
    """`pages`: None where they can't be counted. `signatures`: in the order of the file."""

    integrity: Integrity
    pages: int | None = None
    findings: tuple[Finding, ...] = ()
    signatures: tuple[SignatureEvidence, ...] = ()

    def to_json(self) -> bytes:
        """For the way to the client."""
        return json.dumps(
            {
                "integrity": self.integrity.value,
                "pages": self.pages,
                "findings": _to_codes(self.findings),
                "signatures": [_to_object(item) for item in self.signatures],
            }
        ).encode()

    @classmethod
    def from_json(cls, data: bytes, pdf: bytes) -> InspectionReport:
        """Reads a report on a file from a process that may be hostile.

        Raises:
            ReportMalformed: it breaks the schema or contradicts itself.
        """
        try:
            value = json.loads(data)
            if len(data) > MAX_REPORT_BYTES or not _validator().is_valid(value):
                raise ReportMalformed("the report breaks its schema")
            if sum((item["covered"] or (0, 0, 0))[2] for item in value["signatures"]) > _MAX_HASHED_BYTES:
                raise ReportMalformed("the report asks for too much work")
            signatures = tuple(_from_object(item, pdf) for item in value["signatures"])
        except (ValueError, RecursionError):
            raise ReportMalformed("the report is not readable") from None
        report = cls(Integrity(value["integrity"]), value["pages"], _from_codes(value["findings"]), signatures)
        if report.integrity is not combine(signatures) and report.integrity in {Integrity.WHOLE, Integrity.UNSIGNED}:
            raise ReportMalformed("the report contradicts itself")
        return report


def combine(signatures: tuple[SignatureEvidence, ...]) -> Integrity:
    """The integrity that follows from the signatures alone; a file's structure can only make it worse."""
    if not signatures:
        return Integrity.UNSIGNED
    if any(item.verdict is Verdict.FAILED for item in signatures):
        return Integrity.CHANGED
    if all(item.mathematics_right and not any(item.has(code) for code in DOUBTS) for item in signatures):
        return Integrity.WHOLE
    return Integrity.UNREADABLE


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(_SCHEMA)


def _to_codes(findings: tuple[Finding, ...]) -> list[str]:
    return [item.code.value for item in findings[:_MAX_FINDINGS]]


def _from_codes(codes: list[str]) -> tuple[Finding, ...]:
    return tuple(finding(code) for code in codes)


def _to_object(item: SignatureEvidence) -> dict[str, Any]:
    fits = len(item.certificate) <= _MAX_CERTIFICATE
    chain_fits = len(item.chain) <= _MAX_CHAIN and all(len(der) <= _MAX_CERTIFICATE for der in item.chain)
    return {
        "verdict": item.verdict.value,
        "signer": item.signer[:2_000],
        "certificate": base64.b64encode(item.certificate).decode() if fits else "",
        "chain": [base64.b64encode(der).decode() for der in item.chain] if chain_fits else [],
        "profile": item.profile.value,
        "algorithm": int(item.algorithm),
        "signed_at": _to_time(item.signed_at),
        "proven_at": _to_time(item.proven_at),
        "covered": item.covered,
        "findings": _to_codes(item.findings),
        **{flag: getattr(item, flag) for flag in _FLAGS},
    }


def _from_object(value: dict[str, Any], pdf: bytes) -> SignatureEvidence:
    covered = None if value["covered"] is None else (value["covered"][0], value["covered"][1], value["covered"][2])
    if covered is not None and not covered[0] < covered[1] < covered[2] <= len(pdf):
        raise ReportMalformed("covered bytes outside of the file")
    return SignatureEvidence(
        verdict=Verdict(value["verdict"]),
        signer="".join(character if character.isprintable() else "\ufffd" for character in value["signer"]),
        certificate=base64.b64decode(value["certificate"], validate=True),
        algorithm=SignatureAlgorithm(value["algorithm"]),
        chain=tuple(base64.b64decode(der, validate=True) for der in value["chain"]),
        profile=SignatureProfile(value["profile"]),
        signed_at=_from_time(value["signed_at"]),
        proven_at=_from_time(value["proven_at"]),
        covered=covered,
        signed_sm3=b"" if covered is None else digest_covered(pdf, covered, "sm3"),
        findings=_from_codes(value["findings"]),
        **{flag: value[flag] for flag in _FLAGS},
    )


def _to_time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _from_time(text: str | None) -> datetime | None:
    moment = None if text is None else datetime.fromisoformat(text)
    if moment is not None and moment.tzinfo is None:
        raise ReportMalformed("a time without its zone")
    return moment
