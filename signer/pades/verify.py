"""Judges the signature of a file that passed the shape gate: digest, mathematics, every byte of the CMS, the path.

In the worker, without a PDF parser. Whether the file is one that we released is the issue register's to say, for which
the evidence has the digest of the signed bytes. Revocation is not checked yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache

from signer.algorithms import SignatureAlgorithm, digest_name
from signer.certificates import Certificate, CertificateUsage, TrustStore, judge_path
from signer.cms import object_identifiers
from signer.cms.der import DerError
from signer.cms.signed_data import Identifiers, SignedDataBuilder
from signer.cms.signer_info import SignerInfo, read_signed_data
from signer.cms.verify import SignedDataEvidence, verify_read_signed_data
from signer.errors import Reason, RequestError, VerificationError
from signer.findings import Finding, FindingCode, finding
from signer.pades.electronic_seals import judge_electronic_seal
from signer.pades.evidence import SignatureEvidence, SignatureProfile, Verdict
from signer.pades.shape import SealedRevision, SealedShape
from signer.pades.timestamps import judge_document_timestamp, judge_signature_timestamp
from signer.pades.update_plan import SUBFILTER_PADES


@dataclass(frozen=True)
class SealVerifier:
    """`trust`: the anchors that a seal's certificate must lead to. `timestamps`: those of timestamp authorities, None: the same."""

    trust: TrustStore = field(repr=False)
    timestamps: TrustStore | None = field(default=None, repr=False)

    def verify_all(
        self, pdf: bytes, shape: SealedShape, at: datetime, *, signed_sm3: bytes | None = None
    ) -> tuple[SignatureEvidence, ...]:
        """Evidence about each signature of a file of our shape. `signed_sm3`: SM3 of what the last seal covers, where it is known."""
        known = {shape.seals[-1].end: signed_sm3}
        found = [self.verify(pdf, each, at, signed_sm3=known.get(each.end)) for each in shape.signatures]
        archived = [item.trusted and each.is_timestamp for item, each in zip(found, shape.signatures, strict=True)]
        return tuple(_with_level(item, shape, any(archived[number:])) for number, item in enumerate(found))

    def verify(
        self, pdf: bytes, shape: SealedRevision, at: datetime, *, signed_sm3: bytes | None = None
    ) -> SignatureEvidence:
        """Evidence about one signature of a file of our shape, its path judged at that time. Raises nothing.

        `signed_sm3`: SM3 of the signed bytes, where the caller has it already.
        """
        evidence = _nothing_known(pdf, shape, signed_sm3 or shape.digest(pdf, "sm3"))
        if shape.is_timestamp:
            return judge_document_timestamp(evidence, pdf, shape, self.timestamps or self.trust)
        if shape.subfilter.encode() != SUBFILTER_PADES:
            return judge_electronic_seal(evidence, shape, self.trust, at)
        try:
            read = read_signed_data(shape.content)
            token = read.signer.signature_timestamp
            algorithm = _algorithm_of(read.signer)
            hash_name = digest_name(algorithm)
            digest = evidence.signed_sm3 if hash_name == "sm3" else shape.digest(pdf, hash_name)
            signed = verify_read_signed_data(read, detached_digest=digest)
            _check_every_byte(shape.content, signed, read.signer, digest)
        except (VerificationError, RequestError, DerError) as problem:
            code = getattr(problem, "finding_code", FindingCode.SIGNATURE_MALFORMED)
            return replace(evidence, findings=(finding(code),))
        evidence = replace(
            evidence,
            certificate=signed.signer_certificate,
            algorithm=algorithm,
            mathematics_right=True,
            profile=SignatureProfile.PADES_B if signed.names_its_certificate else SignatureProfile.UNSPECIFIED,
        )
        if token is None:
            return self._with_path(evidence, signed, at)
        proven_at, findings = judge_signature_timestamp(token, read.signer.signature, self.timestamps or self.trust)
        if proven_at is not None and evidence.pades_b:
            evidence = replace(evidence, profile=SignatureProfile.PADES_T)
        judged = self._with_path(evidence, signed, proven_at or at)
        profile = evidence.profile if proven_at is None else SignatureProfile.PADES_T
        return replace(judged, proven_at=proven_at, profile=profile, findings=(*findings, *judged.findings))

    def _with_path(self, evidence: SignatureEvidence, signed: SignedDataEvidence, at: datetime) -> SignatureEvidence:
        """Adds who signed, and whether anybody vouches for it."""
        others = [der for der in signed.certificates if der != signed.signer_certificate]
        findings: tuple[Finding, ...] = (finding(FindingCode.REVOCATION_NOT_CHECKED),)
        try:
            path = judge_path(signed.signer_certificate, others, self.trust, at, CertificateUsage.SIGNATURE)
        except (VerificationError, RequestError) as problem:
            code = getattr(problem, "finding_code", FindingCode.CERTIFICATE_PATH_INVALID)
            return replace(
                evidence,
                verdict=Verdict.INDETERMINATE,
                signer=_subject(signed.signer_certificate),
                findings=(*findings, finding(code)),
            )
        if not {der.der for der in path.chain}.issuperset(others):
            # Nothing signs the certificates in a CMS: one that the path does not need may be anything.
            return replace(
                evidence, mathematics_right=False, findings=(*findings, finding(FindingCode.JUNK_IN_SIGNATURE))
            )
        return evidence.passed(path.chain[0].subject_text, tuple(item.der for item in path.chain), findings)


def _with_level(evidence: SignatureEvidence, shape: SealedShape, archived: bool) -> SignatureEvidence:
    """What validation data and document timestamps behind a signature make of its level; ETSI EN 319 142-1, 6.

    `archived`: a trusted document timestamp comes after it.
    """
    if evidence.profile is not SignatureProfile.PADES_T or not shape.pdf.additions.validation_data:
        return evidence
    return replace(evidence, profile=SignatureProfile.PADES_LTA if archived else SignatureProfile.PADES_LT)


def _nothing_known(pdf: bytes, shape: SealedRevision, signed_sm3: bytes) -> SignatureEvidence:
    return SignatureEvidence(
        verdict=Verdict.FAILED,
        signer="",
        certificate=b"",
        algorithm=SignatureAlgorithm.UNSPECIFIED,
        signed_at=shape.signed_at,
        covers_whole_file=shape.end == len(pdf),
        mathematics_right=False,
        trusted=False,
        profile=SignatureProfile.UNSPECIFIED,
        covered=shape.covered,
        signed_sm3=signed_sm3,
        findings=(),
    )


def _algorithm_of(signer: SignerInfo) -> SignatureAlgorithm:
    """Raises VerificationError."""
    algorithm = object_identifiers.find_algorithm(
        signer.digest, signer.signature_algorithm, signer.signature_parameters
    )
    if algorithm is None:
        raise VerificationError(Reason.SIGNATURE_WRONG, FindingCode.SIGNATURE_UNSUPPORTED, "not an algorithm of ours")
    return algorithm


def _check_every_byte(cms: bytes, signed: SignedDataEvidence, signer: SignerInfo, digest: bytes) -> None:
    """Builds the CMS once more from what was verified: whatever is not signed in it must be what we would write.

    A timestamp is taken as it is: it is somebody else's, and judged by itself.

    Raises:
        VerificationError: the CMS says the same in other bytes, or holds more.
        DerError: its unsigned attributes are not well formed.
    """
    token = signer.signature_timestamp
    others = tuple(der for der in signed.certificates if der != signed.signer_certificate)
    try:
        builder = _builder(signed.signer_certificate, others, signed.algorithm)
    except (ValueError, TypeError, KeyError):
        rebuilt = b""
    else:
        timestamp = None if token is None else (lambda _: token)
        rebuilt = builder.build(digest, lambda _: signer.signature, content=None, timestamp=timestamp)
    if rebuilt != cms:
        raise VerificationError(Reason.SIGNATURE_WRONG, FindingCode.JUNK_IN_SIGNATURE, "the CMS is not as we write it")


@lru_cache(maxsize=64)
def _builder(certificate: bytes, others: tuple[bytes, ...], algorithm: SignatureAlgorithm) -> SignedDataBuilder:
    return SignedDataBuilder.for_certificate(certificate, others, algorithm, identifiers=Identifiers.RFC_5652)


def _subject(certificate: bytes) -> str:
    try:
        return Certificate.load(certificate).subject_text
    except RequestError:
        return ""
