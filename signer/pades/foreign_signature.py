"""Judges one signature of a stranger's PDF: how it lies in the file, what came after it, the mathematics, the path.

Runs in the inspector process. pyHanko does structure, difference analysis and paths; what it is lenient about is
checked beside it (`signature_gap`, `later_revisions`). Whatever goes wrong is a finding. Revocation is not checked, and
SM2 is judged with the default distinguishing ID.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from asn1crypto import algos, cms, core, x509
from cryptography.x509 import load_der_x509_certificate
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESIndeterminate, AdESSubIndic
from pyhanko.sign.validation.generic_cms import async_validate_cms_signature, validate_tst_signed_data
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureStatus, TimestampSignatureStatus
from pyhanko_certvalidator import ValidationContext

from signer.algorithms import SignatureAlgorithm
from signer.findings import Finding, FindingCode, finding
from signer.pades.evidence import SignatureEvidence, Verdict
from signer.pades.later_revisions import check_later_revisions
from signer.pades.pyhanko_sm2 import SignatureAlgorithmPolicy, Sm2SignatureValidator
from signer.pades.signature_gap import GapProblem, SignatureGap, digest_covered, read_gap
from signer.pades.update_plan import SUBFILTER_PADES

T = TypeVar("T")

_ALGORITHMS = {
    ("sm3_sm2", "sm3"): SignatureAlgorithm.SM2_SM3,
    ("rsassa_pkcs1v15", "sha256"): SignatureAlgorithm.RSA_PKCS1_SHA256,
    ("rsassa_pkcs1v15", "sha384"): SignatureAlgorithm.RSA_PKCS1_SHA384,
    ("rsassa_pkcs1v15", "sha512"): SignatureAlgorithm.RSA_PKCS1_SHA512,
    ("rsassa_pss", "sha256"): SignatureAlgorithm.RSA_PSS_SHA256,
    ("rsassa_pss", "sha384"): SignatureAlgorithm.RSA_PSS_SHA384,
    ("rsassa_pss", "sha512"): SignatureAlgorithm.RSA_PSS_SHA512,
}
# Formats of PDF 1.x that sign a SHA-1 digest, or no CMS at all (ISO 32000-1, 12.8.3).
_UNSUPPORTED_SUBFILTERS = frozenset({"/adbe.pkcs7.sha1", "/adbe.x509.rsa_sha1", "/adbe.x509.rsa.sha1"})
_TIMESTAMP_SUBFILTER = "/ETSI.RFC3161"
_PATH_FINDINGS: dict[AdESSubIndic | None, FindingCode] = {
    AdESIndeterminate.NO_CERTIFICATE_CHAIN_FOUND: FindingCode.CERTIFICATE_PATH_NOT_FOUND,
    AdESIndeterminate.OUT_OF_BOUNDS_NO_POE: FindingCode.CERTIFICATE_EXPIRED,
    AdESIndeterminate.OUT_OF_BOUNDS_NOT_REVOKED: FindingCode.CERTIFICATE_EXPIRED,
    AdESIndeterminate.CHAIN_CONSTRAINTS_FAILURE: FindingCode.CERTIFICATE_USAGE,
    AdESIndeterminate.SIG_CONSTRAINTS_FAILURE: FindingCode.CERTIFICATE_USAGE,
    AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE: FindingCode.CERTIFICATE_WEAK,
    AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE_NO_POE: FindingCode.CERTIFICATE_WEAK,
}
_POLICY = SignatureAlgorithmPolicy()  # type: ignore[no-untyped-call] # the constructor is pyHanko's, without types
# RFC 5280, 4.2.1.3: either usage is for signatures other than on certificates.
_USAGE = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False)


@dataclass(frozen=True)
class SignatureField:
    """A filled signature field, as found in the file."""

    name: str
    field: generic.DictionaryObject
    signature: generic.DictionaryObject


def entry(dictionary: generic.DictionaryObject, key: str, default: Any) -> Any:
    """An entry with its reference followed, which pyHanko's own `get` does not do."""
    return dictionary[key] if key in dictionary else default  # noqa: SIM401 - that is what the docstring is about


@dataclass
class _Judgement:
    """What is known so far of one signature; becomes evidence once nothing more can be found out."""

    verdict: Verdict = Verdict.FAILED
    signer: str = ""
    certificate: bytes = b""
    algorithm: SignatureAlgorithm = SignatureAlgorithm.UNSPECIFIED
    signed_at: datetime | None = None
    covers_whole_file: bool = False
    mathematics_right: bool = False
    trusted: bool = False
    pades_b: bool = False
    covered: tuple[int, int, int] | None = None
    signed_sm3: bytes = b""
    findings: list[Finding] = field(default_factory=list)

    def evidence(self) -> SignatureEvidence:
        values = {**self.__dict__, "findings": tuple(self.findings)}
        return SignatureEvidence(**values)


def judge_signature(
    data: bytes, reader: PdfFileReader, found: SignatureField, anchors: list[x509.Certificate]
) -> SignatureEvidence:
    """Evidence about one signature; FAILED whenever the file is not as it was signed. Raises MemoryError alone."""
    judgement = _Judgement()
    try:
        _judge(judgement, data, reader, found, anchors)
    except GapProblem as problem:
        judgement.verdict = Verdict.FAILED
        judgement.findings.append(finding(problem.code))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - hostile files raise exceptions of many kinds in a parser; each is a finding
        judgement.verdict = Verdict.FAILED
        judgement.findings.append(finding(FindingCode.SIGNATURE_MALFORMED))
    return judgement.evidence()


def _judge(
    judgement: _Judgement,
    data: bytes,
    reader: PdfFileReader,
    found: SignatureField,
    anchors: list[x509.Certificate],
) -> None:
    gap = read_gap(data, entry(found.signature, "/ByteRange", ()))
    judgement.covered = gap.covered
    judgement.signed_sm3 = digest_covered(data, gap.covered, "sm3")
    judgement.covers_whole_file = gap.covered_end == len(data)
    subfilter = str(entry(found.signature, "/SubFilter", ""))
    if subfilter in _UNSUPPORTED_SUBFILTERS or not _is_detached(gap, timestamp=subfilter == _TIMESTAMP_SUBFILTER):
        if not judgement.covers_whole_file:
            raise GapProblem(FindingCode.NOT_WHOLLY_COVERED)
        _unsupported(judgement)
        return
    signature = EmbeddedPdfSignature(reader, found.field, found.name)
    if not signature.pkcs7_content.startswith(gap.cms):
        raise GapProblem(FindingCode.NOT_WHOLLY_COVERED)
    _describe(judgement, signature, subfilter)
    check_later_revisions(data, signature, gap)
    if not _algorithms_allowed(signature):
        _unsupported(judgement)
        return
    _judge_mathematics(judgement, signature, subfilter, anchors)


def _is_detached(gap: SignatureGap, *, timestamp: bool) -> bool:
    """False for what is no CMS over the file's bytes: the seals of GB/T 38540, or CMS that brings its own content.

    SM2 without signed attributes is left out too: what was signed then can't be told from a digest, for want of Z.
    """
    try:
        content = cms.ContentInfo.load(gap.cms, strict=True)
        if content["content_type"].native != "signed_data" or len(content["content"]["signer_infos"]) != 1:
            return False
        signer = content["content"]["signer_infos"][0]
        has_content = content["content"]["encap_content_info"]["content"] is not core.VOID
        bare_sm2 = (
            signer["signed_attrs"] is core.VOID and signer["signature_algorithm"]["algorithm"].native == "sm3_sm2"
        )
    except ValueError:
        return False
    return has_content == timestamp and not bare_sm2


def _unsupported(judgement: _Judgement) -> None:
    judgement.verdict = Verdict.INDETERMINATE
    judgement.findings.append(finding(FindingCode.SIGNATURE_UNSUPPORTED))


def _describe(judgement: _Judgement, signature: EmbeddedPdfSignature, subfilter: str) -> None:
    """Who says to have signed, when, and how; true or not."""
    certificate = signature.signer_cert.dump()
    judgement.certificate = certificate
    judgement.signer = load_der_x509_certificate(certificate).subject.rfc4514_string()
    mechanism = signature.signer_info["signature_algorithm"]
    try:
        name = mechanism.signature_algo
    except ValueError:  # asn1crypto knows no parts of SM2's name
        name = mechanism["algorithm"].native
    judgement.algorithm = _ALGORITHMS.get((name, signature.md_algorithm), SignatureAlgorithm.UNSPECIFIED)
    judgement.pades_b = subfilter == f"/{SUBFILTER_PADES.decode()}"
    claimed = signature.self_reported_timestamp
    if claimed is not None:
        judgement.signed_at = claimed if claimed.tzinfo is not None else claimed.replace(tzinfo=UTC)


def _algorithms_allowed(signature: EmbeddedPdfSignature) -> bool:
    mechanism = signature.signer_info["signature_algorithm"]
    # By name alone: NULL parameters beside a digest are as good as none (RFC 5754, 2).
    digest = algos.DigestAlgorithm({"algorithm": signature.signer_info["digest_algorithm"]["algorithm"].native})
    key = signature.signer_cert.public_key
    return bool(
        _POLICY.signature_algorithm_allowed(mechanism, None, key)
        and _POLICY.digest_algorithm_allowed(digest, None)
        and _POLICY.digest_combination_allowed(mechanism, digest, None)
    )


def _judge_mathematics(
    judgement: _Judgement, signature: EmbeddedPdfSignature, subfilter: str, anchors: list[x509.Certificate]
) -> None:
    context = ValidationContext(
        trust_roots=anchors,
        allow_fetching=False,
        revocation_mode="soft-fail",
        signature_validator=Sm2SignatureValidator(),
        algorithm_usage_policy=_POLICY,
    )
    status: SignatureStatus
    if subfilter == _TIMESTAMP_SUBFILTER:
        values = _complete(validate_tst_signed_data(signature.signed_data, context, signature.compute_digest))
        status = TimestampSignatureStatus(**values)
    else:
        status = _complete(
            async_validate_cms_signature(
                signature.signed_data,
                raw_digest=signature.compute_digest(),
                validation_context=context,
                key_usage_settings=_USAGE,
            )
        )
    judgement.findings.append(finding(FindingCode.REVOCATION_NOT_CHECKED))
    if not status.intact:
        raise GapProblem(FindingCode.CONTENT_MODIFIED)
    if not status.valid:
        raise GapProblem(FindingCode.SIGNATURE_WRONG)
    judgement.mathematics_right = True
    judgement.trusted = status.trusted
    judgement.verdict = Verdict.PASSED if status.trusted else Verdict.INDETERMINATE
    if not status.trusted:
        code = _PATH_FINDINGS.get(status.trust_problem_indic, FindingCode.CERTIFICATE_PATH_INVALID)
        judgement.findings.append(finding(code))


def _complete(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine that has nothing to wait for: fetching is off, and an event loop would need sockets."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    coroutine.close()
    raise RuntimeError("pyHanko wants to wait for something")
