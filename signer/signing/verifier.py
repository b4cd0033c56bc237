"""Verification of signatures and messages for callers: the mathematics, and who holds the key.

A wrong signature is an answer with findings; a request that makes no sense raises. No private key, no token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from signer.algorithms import PublicKey, SignatureAlgorithm, check_digest_length, load_public_key, message_digest
from signer.certificates import Certificate, CertificateUsage, TrustStore, judge_path
from signer.cms.verify import SignedDataEvidence, verify_signed_data
from signer.errors import Reason, RequestError, VerificationError
from signer.findings import Finding, FindingCode, finding
from signer.keys import KeyState
from signer.keys.registry import KeyRegistry


class Verdict(StrEnum):
    """The outcome in the terms of ETSI EN 319 102-1."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    INDETERMINATE = "INDETERMINATE"


@dataclass(frozen=True)
class VerificationRequest:
    """Exactly one of `key`, `certificate`, `public_key` and exactly one of `message`, `digest` is given."""

    algorithm: SignatureAlgorithm
    signature: bytes
    key: str | None = None
    certificate: bytes | None = None
    public_key: bytes | None = None
    message: bytes | None = None
    digest: bytes | None = None
    sm2_id: bytes | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class VerificationAnswer:
    """A verdict and what led to it."""

    verdict: Verdict
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class MessageAnswer:
    """The same for a CMS message; `content` only where the verdict is PASSED."""

    verdict: Verdict
    findings: list[Finding]
    content: bytes = b""
    signer_certificate: bytes = b""


class SignatureVerifier:
    """Verifies signatures with the appliance's keys, with certificates, with bare public keys; CMS messages."""

    def __init__(self, registry: KeyRegistry, trust: TrustStore) -> None:
        self._registry = registry
        self._trust = trust
        self._own_keys = {version.reference: load_public_key(version.public_key) for version in registry.all()}

    def verify(self, request: VerificationRequest) -> VerificationAnswer:
        """The verdict on a raw signature.

        Raises:
            RequestError: the request makes no sense (what, is in its reason).
        """
        _check_inputs(request)
        if request.key is not None:
            return self._verify_with_own_key(request, request.key)
        if request.certificate is not None:
            certificate = Certificate.load(request.certificate)
            failed = _mathematics(load_public_key(certificate.public_key), request)
            if failed is not None:
                return failed
            return self._judge_signer(certificate.der, [], request.at)
        assert request.public_key is not None
        failed = _mathematics(load_public_key(request.public_key), request)
        return failed or VerificationAnswer(Verdict.INDETERMINATE, [finding(FindingCode.PUBLIC_KEY_ONLY)])

    def verify_message(self, cms: bytes, detached_content: bytes | None, at: datetime | None) -> MessageAnswer:
        """The verdict on a CMS SignedData.

        Raises:
            RequestError: CMS_MALFORMED, or the content is missing or given twice.
        """
        try:
            evidence: SignedDataEvidence = verify_signed_data(cms, detached_content=detached_content)
        except VerificationError as problem:
            return MessageAnswer(Verdict.FAILED, [finding(problem.finding_code)])
        answer = self._judge_signer(evidence.signer_certificate, list(evidence.certificates), at)
        passed = answer.verdict is Verdict.PASSED
        content = evidence.content if evidence.content is not None else (detached_content or b"")
        return MessageAnswer(answer.verdict, answer.findings, content if passed else b"", evidence.signer_certificate)

    def _verify_with_own_key(self, request: VerificationRequest, key: str) -> VerificationAnswer:
        answer = None
        for version in self._registry.for_verification(key):
            if request.algorithm not in version.algorithms:
                continue
            answer = _mathematics(self._own_keys[version.reference], request)
            if answer is None:
                deactivated = version.state is not KeyState.ACTIVE
                return VerificationAnswer(Verdict.PASSED, [finding(FindingCode.KEY_DEACTIVATED)] if deactivated else [])
        if answer is None:
            raise RequestError(
                Reason.ALGORITHM_NOT_ALLOWED,
                f"the key {key!r} never signs with {request.algorithm.name}",
                "ListKeys shows what each key signs with.",
            )
        return answer

    def _judge_signer(self, leaf: bytes, others: list[bytes], at: datetime | None) -> VerificationAnswer:
        try:
            judge_path(leaf, others, self._trust, at or datetime.now(UTC), CertificateUsage.SIGNATURE)
        except VerificationError as problem:
            return VerificationAnswer(Verdict.INDETERMINATE, [finding(problem.finding_code, problem.message)])
        return VerificationAnswer(Verdict.PASSED, [finding(FindingCode.REVOCATION_NOT_CHECKED)])


def _check_inputs(request: VerificationRequest) -> None:
    if request.algorithm is SignatureAlgorithm.UNSPECIFIED:
        raise RequestError(Reason.ALGORITHM_UNKNOWN, "algorithm must be given", "Name the algorithm of the signature.")
    if (request.message is None) == (request.digest is None):
        raise RequestError(Reason.INPUT_MISSING, "exactly one of message and digest must be given")
    if sum(given is not None for given in (request.key, request.certificate, request.public_key)) != 1:
        raise RequestError(Reason.INPUT_MISSING, "exactly one of key, certificate and public_key must be given")
    if not request.signature:
        raise RequestError(Reason.INPUT_MISSING, "signature must be given")
    if request.digest is not None:
        if request.sm2_id is not None:
            raise RequestError(Reason.SM2_ID_INVALID, "sm2_id has no effect on a digest", "Leave it out.")
        check_digest_length(request.algorithm, request.digest)


def _mathematics(key: PublicKey, request: VerificationRequest) -> VerificationAnswer | None:
    """None where the signature is right."""
    try:
        digest = request.digest
        if digest is None:
            assert request.message is not None
            digest = message_digest(request.algorithm, key, request.message, sm2_id=request.sm2_id)
        key.verify_digest(request.algorithm, digest, request.signature)
    except VerificationError as problem:
        return VerificationAnswer(Verdict.FAILED, [finding(problem.finding_code)])
    return None
