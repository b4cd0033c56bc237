"""What was found out about a document's signatures: plain values that travel from whoever judged to whoever answers.

Not for judging: `verify` makes evidence about files of our own making, `foreign` about everybody else's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from signer.algorithms import SignatureAlgorithm
from signer.findings import Finding


class Integrity(StrEnum):
    """The names of the public API's Integrity, without its prefix."""

    WHOLE = "WHOLE"
    CHANGED = "CHANGED"
    UNSIGNED = "UNSIGNED"
    UNREADABLE = "UNREADABLE"


class Verdict(StrEnum):
    """The outcome for one signature in the terms of ETSI EN 319 102-1."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    INDETERMINATE = "INDETERMINATE"


@dataclass(frozen=True)
class SignatureEvidence:
    """One signature in a document.

    `signer`: subject of the certificate, RFC 4514, empty where there is none to read. `certificate`: DER, or empty.
    `signed_at`: claimed by the signer. `mathematics_right`: the signature is right for the bytes that it covers, and
    those are as it says. `trusted`: the certificate leads to a trust anchor, now. `pades_b`: in the shape of a PAdES
    baseline signature. `covered`: offsets where the signature's place begins and ends and where the covered bytes end,
    None where that can't be told. `signed_sm3`: SM3 of the covered bytes, empty where unknown.
    """

    verdict: Verdict
    signer: str
    certificate: bytes
    algorithm: SignatureAlgorithm
    signed_at: datetime | None
    covers_whole_file: bool
    mathematics_right: bool
    trusted: bool
    pades_b: bool
    covered: tuple[int, int, int] | None
    signed_sm3: bytes
    findings: tuple[Finding, ...]
    proven_at: datetime | None = None
