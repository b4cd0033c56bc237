"""Judges one signature of a stranger's PDF: how it lies in the file, what came after it, its format, the mathematics.

Runs in the inspector process. pyHanko does structure, difference analysis and CMS; what it is lenient about is checked beside it
(`signature_gap`, `signed_revision`, `later_revisions`). Whatever goes wrong is a finding. Whether anybody vouches for the signer, and since
when the signature is known to exist, is judged afterwards, for all signatures of a file together (`foreign_trust`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from asn1crypto import x509
from cryptography.x509 import load_der_x509_certificate
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader

from signer.algorithms import SignatureAlgorithm
from signer.cms.electronic_seal_structure import SealSignature, read_seal_signature
from signer.cms.electronic_seal_verify import ElectronicSealEvidence, verify_read_seal_signature
from signer.errors import VerificationError
from signer.findings import FindingCode, finding
from signer.pades.evidence import SignatureEvidence, SignatureProfile, Verdict
from signer.pades.foreign_cms import CmsSignature
from signer.pades.later_revisions import LaterChanges, check_later_revisions
from signer.pades.signature_formats import SignatureFormat, find_format
from signer.pades.signature_gap import GapProblem, SignatureGap, digest_covered, read_gap
from signer.pades.signed_revision import SignatureField, SignedRevision, entry, find_revision
from signer.pades.update_plan import SUBFILTER_PADES


@dataclass
class Judgement:
    """What is known so far of one signature; `foreign_trust` makes more of it, then it becomes evidence.

    `gap`, `revision` None: it does not lie in the file as it must. `signer`: whose path is to be found; None where the mathematics is
    wrong. `stamped`: what signature timestamps beside it are over. `generated_at`: of a document timestamp, when it says it was made.
    """

    found: SignatureField
    evidence: SignatureEvidence
    gap: SignatureGap | None = None
    revision: SignedRevision | None = None
    changes: LaterChanges = field(default_factory=LaterChanges)
    signer: x509.Certificate | None = None
    others: tuple[x509.Certificate, ...] = ()
    tokens: Sequence[CmsSignature] = ()
    stamped: bytes = b""
    generated_at: datetime | None = None
    seal: ElectronicSealEvidence | None = None
    seal_maker: x509.Certificate | None = None

    def update(self, **values: object) -> None:
        """Sets fields of the evidence."""
        self.evidence = replace(self.evidence, **values)  # type: ignore[arg-type] # callers name fields with values of their types

    def add(self, *codes: FindingCode) -> None:
        """Adds findings, each once."""
        known = {item.code for item in self.evidence.findings}
        new = tuple(finding(code) for code in dict.fromkeys(codes) if code not in known)
        self.update(findings=(*self.evidence.findings, *new))

    def fail(self, code: FindingCode) -> None:
        """The signature is not what it says."""
        self.signer = None
        self.update(verdict=Verdict.FAILED, mathematics_right=False, trusted=False)
        self.add(code)

    def leave_open(self, code: FindingCode) -> None:
        """Nothing is wrong that can be told, and yet the signature can't be relied on."""
        self.update(verdict=Verdict.INDETERMINATE, trusted=False)
        self.add(code)


def locate_signature(data: bytes, reader: PdfFileReader, found: SignatureField) -> Judgement:
    """Where the signature stands and what it covers. Raises MemoryError alone."""
    judgement = Judgement(found, _NOTHING_KNOWN)
    try:
        gap = read_gap(data, entry(found.signature, "/ByteRange", ()))
        judgement.gap = gap
        judgement.update(
            covered=gap.covered,
            signed_sm3=digest_covered(data, gap.covered, "sm3"),
            covers_whole_file=gap.covered_end == len(data),
        )
        judgement.revision = find_revision(data, reader, found, gap)
    except GapProblem as problem:
        judgement.fail(problem.code)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - hostile files raise exceptions of many kinds in a parser; each is a finding
        more = judgement.gap is not None and not judgement.evidence.covers_whole_file
        judgement.fail(FindingCode.CHANGED_AFTER_SIGNING if more else FindingCode.SIGNATURE_MALFORMED)
    return judgement


def judge_signature(
    data: bytes, reader: PdfFileReader, judgement: Judgement, others: Sequence[tuple[SignatureField, int]]
) -> None:
    """Format, later revisions, mathematics. `others`: the file's other signatures with their revisions. Raises MemoryError alone."""
    gap, revision = judgement.gap, judgement.revision
    if gap is None:
        return
    try:
        judge = _describe(judgement, data, gap)
        if revision is None:
            return
        judgement.changes = check_later_revisions(data, reader, revision, gap, others)
        judgement.add(*judgement.changes.codes)
        judge()
    except GapProblem as problem:
        judgement.fail(problem.code)
    except VerificationError as problem:
        code = FindingCode(problem.finding_code)
        (judgement.leave_open if code is FindingCode.SIGNATURE_UNSUPPORTED else judgement.fail)(code)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - as above
        judgement.fail(FindingCode.SIGNATURE_MALFORMED)


def _describe(judgement: Judgement, data: bytes, gap: SignatureGap) -> Callable[[], None]:
    """Who says to have signed, when, and how, true or not; returns what judges it."""
    subfilter = str(entry(judgement.found.signature, "/SubFilter", ""))
    kind = find_format(subfilter, gap.cms)
    if kind is SignatureFormat.SHA1:
        return partial(judgement.leave_open, FindingCode.SIGNATURE_WEAK)
    if kind is SignatureFormat.UNKNOWN:
        return partial(judgement.leave_open, FindingCode.SIGNATURE_UNSUPPORTED)
    if kind is SignatureFormat.SEAL:
        seal = read_seal_signature(gap.cms)
        judgement.update(
            certificate=seal.signer_certificate,
            signer=_subject(seal.signer_certificate),
            algorithm=SignatureAlgorithm.SM2_SM3,
            signed_at=seal.signed_at or _claimed_by_dictionary(judgement.found),
            profile=SignatureProfile.GBT_38540,
        )
        return partial(_judge_seal, judgement, seal)
    signature = CmsSignature.load(gap.cms)
    certificate = signature.certificate.dump()
    judgement.update(
        certificate=certificate,
        signer=_subject(certificate),
        algorithm=signature.algorithm,
        signed_at=signature.claimed_at or _claimed_by_dictionary(judgement.found),
        profile=SignatureProfile.PADES_B
        if subfilter == f"/{SUBFILTER_PADES.decode()}"
        else SignatureProfile.UNSPECIFIED,
    )
    return partial(_judge_cms, judgement, data, gap, signature, kind)


def _judge_seal(judgement: Judgement, seal: SealSignature) -> None:
    evidence = verify_read_seal_signature(seal, judgement.evidence.signed_sm3)
    judgement.seal = evidence.seal
    judgement.seal_maker = x509.Certificate.load(evidence.seal.maker_certificate)
    judgement.signer = x509.Certificate.load(evidence.signer_certificate)
    judgement.update(mathematics_right=True, verdict=Verdict.INDETERMINATE)
    if evidence.timestamp:
        _take_tokens(judgement, evidence.signature, lambda: [CmsSignature.load(evidence.timestamp)])


def _judge_cms(
    judgement: Judgement, data: bytes, gap: SignatureGap, signature: CmsSignature, kind: SignatureFormat
) -> None:
    weakness = signature.weakness()
    if weakness is not None:
        judgement.leave_open(weakness)
        return
    if kind is SignatureFormat.TIMESTAMP:
        judgement.generated_at = signature.verify_as_timestamp(partial(digest_covered, data, gap.covered))
        judgement.update(signed_at=judgement.generated_at)
    else:
        signed = b"".join((data[: gap.start], data[gap.end : gap.covered_end]))
        (signature.verify if kind is SignatureFormat.CMS else signature.verify_as_digest)(signed)
        _take_tokens(judgement, signature.signature_value, signature.signature_timestamps)
    judgement.signer, judgement.others = signature.certificate, signature.others
    judgement.update(mathematics_right=True, verdict=Verdict.INDETERMINATE)


def _take_tokens(judgement: Judgement, stamped: bytes, tokens: Callable[[], Iterable[CmsSignature]]) -> None:
    """Timestamps stand outside of what the signer signed: one that can't be read spoils nothing but itself."""
    judgement.stamped = stamped
    try:
        judgement.tokens = list(tokens())
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - hostile bytes raise exceptions of many kinds in a parser
        judgement.add(FindingCode.TIMESTAMP_WRONG)


def _claimed_by_dictionary(found: SignatureField) -> datetime | None:
    """The entry /M; whoever can't write it properly has claimed nothing."""
    text = entry(found.signature, "/M", None)
    try:
        claimed: datetime = generic.parse_pdf_date(text, strict=True)
    except (PdfReadError, ValueError, TypeError, AttributeError):
        return None
    return claimed if claimed.tzinfo is not None else claimed.replace(tzinfo=UTC)


def _subject(certificate: bytes) -> str:
    return load_der_x509_certificate(certificate).subject.rfc4514_string()


_NOTHING_KNOWN = SignatureEvidence(
    verdict=Verdict.FAILED,
    signer="",
    certificate=b"",
    algorithm=SignatureAlgorithm.UNSPECIFIED,
    signed_at=None,
    covers_whole_file=False,
    mathematics_right=False,
    trusted=False,
    profile=SignatureProfile.UNSPECIFIED,
    covered=None,
    signed_sm3=b"",
    findings=(),
)
