"""验真: what is this upload? Three answers (whole? ours? in force?), each for itself, with findings.

Our own shape first (no PDF parser), then the mathematics and the issue register; whatever fails our gate is opened by the
inspector only. Nothing that a file claims of itself is believed: the issue record is shown for a match of bytes alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from monitoring import metrics
from signer.algorithms import sm3
from signer.archive.catalogue import Catalogue, ReleasedRevision
from signer.contracts import ContractRegister, ContractState, state_at
from signer.deadline import Deadline
from signer.documents.released_beginning import begins_as_released
from signer.documents.revocation_check import RevocationCheck
from signer.documents.summary import Seen, summarise
from signer.findings import Finding, FindingCode, finding
from signer.pades.evidence import Integrity, SignatureEvidence
from signer.pades.inspection import DOUBTS
from signer.pades.inspector import Inspector
from signer.pades.shape import SealedShape, ShapeMismatch, check_shape
from signer.pades.verify import SealVerifier

MAX_PDF_BYTES = 32 * 1024 * 1024


class Origin(StrEnum):
    """The names of the public API's Origin, without its prefix."""

    ISSUED_HERE = "ISSUED_HERE"
    TRUSTED = "TRUSTED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class DocumentReport:
    """The answer. `record` and `contract_state` only where the file or its signed revision is one that we issued."""

    integrity: Integrity
    origin: Origin
    contract_state: ContractState | None
    findings: Sequence[Finding] = ()
    signatures: Sequence[SignatureEvidence] = ()
    record: ReleasedRevision | None = None
    same_bytes: bool = False

    @property
    def summary_zh(self) -> str:
        """One sentence for the policyholder."""
        found = [*self.findings, *(item for signature in self.signatures for item in signature.findings)]
        return summarise(
            Seen(
                self.integrity,
                None if self.record is None else self.record.template,
                trusted=self.origin is Origin.TRUSTED,
                doubtful=any(item.code in DOUBTS for item in found),
                state=self.contract_state,
            )
        )


class DocumentVerifier:
    """Verifies uploads against the issue register and the trust anchors."""

    def __init__(
        self,
        *,
        seals: SealVerifier,
        inspector: Inspector,
        catalogue: Catalogue,
        contracts: ContractRegister,
        revocation: RevocationCheck,
        own_certificates: frozenset[bytes],
    ) -> None:
        """`own_certificates`: DER of every certificate of our seal keys."""
        self._seals = seals
        self._inspector = inspector
        self._catalogue = catalogue
        self._contracts = contracts
        self._revocation = revocation
        self._own_certificates = own_certificates

    def verify(self, pdf: bytes, deadline: Deadline) -> DocumentReport:
        """The report on a file; a bad file is an answer, not an error.

        Raises:
            ApplianceError: the database or the inspector pool can't be reached.
        """
        if len(pdf) > MAX_PDF_BYTES:
            report = _unreadable(FindingCode.TOO_LARGE)
        else:
            try:
                report = self._verify_shaped(pdf, check_shape(pdf))
            except ShapeMismatch:
                report = self._verify_other(pdf, deadline)
        metrics.verifications.labels("document", f"{report.integrity.value}/{report.origin.value}").inc()
        return report

    def _verify_shaped(self, pdf: bytes, shape: SealedShape) -> DocumentReport:
        signed_sm3, whole_sm3 = shape.sm3_signed_and_whole(pdf)
        revision = self._catalogue.find_revision(sm3=whole_sm3)
        # What is in the register was there when it was released: a proof of time like any other.
        released_at = None if revision is None else revision.issued_at
        judged = self._seals.verify_all(pdf, shape, released_at or datetime.now(UTC), signed_sm3=signed_sm3)
        signatures = self._revocation.apply(judged, released_at=released_at)
        seals = [evidence for evidence, each in zip(signatures, shape.signatures, strict=True) if not each.is_timestamp]
        findings = list(dict.fromkeys(each for evidence in signatures for each in evidence.findings))
        if revision is None:
            signed = self._catalogue.find_signed_revision(signed_sm3=signed_sm3)
            return self._not_released_bytes(signatures, seals, findings, signed)
        ours = all(evidence.certificate in self._own_certificates for evidence in seals)
        if not ours or not all(evidence.mathematics_right for evidence in signatures):
            # In the register, yet not sealed by us: the register or the archive was tampered with.
            findings.append(finding(FindingCode.SIGNATURE_WRONG))
            return DocumentReport(Integrity.CHANGED, Origin.UNKNOWN, None, findings, signatures)
        return self._issued(revision, signatures, findings, Integrity.WHOLE, same_bytes=True)

    def _verify_other(self, pdf: bytes, deadline: Deadline) -> DocumentReport:
        released = self._catalogue.find_revision(sm3=sm3.digest(pdf))
        inspected = self._inspector.inspect(pdf, timeout=deadline.remaining())
        released_at = None if released is None else released.issued_at
        signatures = self._revocation.apply(inspected.signatures, released_at=released_at)
        inspected = replace(inspected, signatures=signatures)
        if released is not None and inspected.integrity is Integrity.WHOLE:
            # Byte for byte what an earlier embedder of ours released; the gate knows today's shape only.
            return self._issued(released, inspected.signatures, inspected.findings, Integrity.WHOLE, same_bytes=True)
        findings = list(inspected.findings)
        signed = [
            revision
            for evidence in inspected.signatures
            if (revision := self._catalogue.find_signed_revision(signed_sm3=evidence.signed_sm3)) is not None
        ]
        if signed:
            findings.append(finding(FindingCode.NOT_THE_RELEASED_BYTES))
            only_kept = (
                inspected.integrity is Integrity.WHOLE
                and all(map(_is_only_kept, inspected.signatures))
                and begins_as_released(pdf, {revision.sm3 for revision in signed})
            )
            integrity = Integrity.WHOLE if only_kept else Integrity.CHANGED
            return self._issued(signed[0], inspected.signatures, findings, integrity, same_bytes=False)
        if any(evidence.certificate in self._own_certificates for evidence in inspected.signatures):
            # We release nothing but our own shape: whatever else carries our certificate was made from one of ours.
            findings.append(finding(FindingCode.NOT_THE_RELEASED_BYTES))
            integrity = Integrity.CHANGED
            return DocumentReport(integrity, Origin.UNKNOWN, None, findings, inspected.signatures)
        whole = inspected.integrity is Integrity.WHOLE
        trusted = whole and all(evidence.trusted for evidence in inspected.signatures)
        findings.append(finding(FindingCode.NOT_ISSUED_HERE))
        return DocumentReport(
            inspected.integrity, Origin.TRUSTED if trusted else Origin.UNKNOWN, None, findings, inspected.signatures
        )

    def _not_released_bytes(
        self,
        signatures: Sequence[SignatureEvidence],
        seals: Sequence[SignatureEvidence],
        findings: list[Finding],
        signed: ReleasedRevision | None,
    ) -> DocumentReport:
        if signed is not None:
            findings.append(finding(FindingCode.NOT_THE_RELEASED_BYTES))
            return self._issued(signed, signatures, findings, Integrity.CHANGED, same_bytes=False)
        if not all(evidence.mathematics_right for evidence in signatures):
            findings.append(finding(FindingCode.NOT_ISSUED_HERE))
            return DocumentReport(Integrity.CHANGED, Origin.UNKNOWN, None, findings, signatures)
        ours = any(evidence.certificate in self._own_certificates for evidence in seals)
        findings.append(finding(FindingCode.NOT_IN_ISSUE_REGISTER if ours else FindingCode.NOT_ISSUED_HERE))
        origin = Origin.TRUSTED if all(evidence.trusted for evidence in seals) else Origin.UNKNOWN
        return DocumentReport(Integrity.WHOLE, origin, None, findings, signatures)

    def _issued(
        self,
        revision: ReleasedRevision,
        signatures: Sequence[SignatureEvidence],
        findings: Sequence[Finding],
        integrity: Integrity,
        *,
        same_bytes: bool,
    ) -> DocumentReport:
        """A match of bytes or of a signed revision: the record may be shown, and the contract's state be told."""
        term = self._contracts.term_of(revision.document_id)
        return DocumentReport(
            integrity,
            Origin.ISSUED_HERE,
            None if term is None else state_at(term, datetime.now(UTC)),
            findings,
            signatures,
            revision,
            same_bytes,
        )


def _is_only_kept(evidence: SignatureEvidence) -> bool:
    """Whether nothing came after a signature but what keeps it verifiable; on our own documents nobody else has a place."""
    others = (FindingCode.FURTHER_SIGNATURES, FindingCode.FORM_FILLED, FindingCode.COMMENTS_ADDED)
    return not any(evidence.has(code) for code in others)


def _unreadable(code: FindingCode) -> DocumentReport:
    return DocumentReport(Integrity.UNREADABLE, Origin.UNKNOWN, None, [finding(code)])
