"""What was found out about a document's signatures: plain values that travel from whoever judged to whoever answers.

Not for judging: `verify` makes evidence about files of our own making, `foreign` about everybody else's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from signer.algorithms import SignatureAlgorithm
from signer.findings import Finding, FindingCode


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


class SignatureProfile(StrEnum):
    """What a signature brings along to be verified by; the names of the public API's Seal.Profile, without its prefix."""

    UNSPECIFIED = "UNSPECIFIED"
    PADES_B = "PADES_B"
    PADES_T = "PADES_T"
    PADES_LT = "PADES_LT"
    PADES_LTA = "PADES_LTA"
    GBT_38540 = "GBT_38540"


@dataclass(frozen=True)
class SignatureEvidence:
    """One signature in a document.

    `signer`: subject of the certificate, RFC 4514, empty where there is none to read. `certificate`: DER, or empty.
    `signed_at`: claimed by the signer. `proven_at`: since when it is known to exist, by a trusted timestamp; None where there is none.
    `mathematics_right`: the signature is right for the bytes that it covers, and those are as it says. `trusted`: the certificate
    leads to a trust anchor, at `proven_at` or now. `chain`: the path's certificates, DER, from the signer's to the anchor's; empty
    where nobody vouches. `covered`: offsets where the signature's place begins and ends and where the covered bytes end,
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
    profile: SignatureProfile
    covered: tuple[int, int, int] | None
    signed_sm3: bytes
    findings: tuple[Finding, ...]
    proven_at: datetime | None = None
    chain: tuple[bytes, ...] = ()

    @property
    def pades_b(self) -> bool:
        """In the shape of a PAdES baseline signature, whatever else it brings along."""
        return self.profile.name.startswith("PADES")

    def passed(self, signer: str, chain: tuple[bytes, ...], findings: tuple[Finding, ...]) -> SignatureEvidence:
        """With somebody who vouches for it. `signer`: subject; `chain`: DER, from the signer's to the anchor's."""
        return replace(self, verdict=Verdict.PASSED, signer=signer, trusted=True, chain=chain, findings=findings)

    def has(self, code: FindingCode) -> bool:
        """Whether that was found."""
        return any(item.code is code for item in self.findings)
