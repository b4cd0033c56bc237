"""Whether anybody vouches for the signatures of a stranger's PDF, and since when they are known to exist; all of a file together.

Timestamps first, from the last to the first: each document timestamp proves the time of everything that it covers, and is itself judged at
the time that a later one proves for it, or now (ETSI EN 319 102-1, 5.5 and 5.6, in short). Then each signature: the earliest proven
time, the path at that time, revocation by what the file brings along. In the inspector process, without a network; what only the worker
knows about revocation, it adds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import x509
from pyhanko_certvalidator.registry import TrustManager

from signer.certificates import Certificate
from signer.cms.electronic_seal_verify import check_validity
from signer.errors import RequestError, VerificationError
from signer.findings import FindingCode
from signer.pades.evidence import SignatureProfile, Verdict
from signer.pades.foreign_cms import CmsSignature
from signer.pades.foreign_path import PathProblem, Usage, find_path
from signer.pades.foreign_signature import Judgement
from signer.pades.signature_gap import GapProblem
from signer.pades.validation_data import ValidationData


@dataclass(frozen=True)
class Surroundings:
    """What trust is judged by. `anchors`: whom the appliance trusts; `brought`: what the file's security store holds."""

    anchors: TrustManager
    brought: ValidationData
    now: datetime

    def path(
        self, signer: x509.Certificate, others: Sequence[x509.Certificate], at: datetime, usage: Usage
    ) -> tuple[bytes, ...]:
        """Raises PathProblem."""
        return find_path(signer, [*others, *self.brought.certificates], self.anchors, at, usage)

    def revocation(self, chain: Sequence[bytes], proven_at: datetime | None) -> FindingCode | None:
        """None: not revoked, as the file's own lists and responses prove."""
        if not self.brought.speaks_of_revocation:
            return FindingCode.REVOCATION_NOT_CHECKED
        try:
            loaded = [Certificate.load(der) for der in chain]
            self.brought.knowledge.check(loaded, proven_at, self.now)
        except VerificationError as problem:
            revoked = problem.finding_code == FindingCode.CERTIFICATE_REVOKED
            # What the file is silent about, somebody else may know.
            return FindingCode.CERTIFICATE_REVOKED if revoked else FindingCode.REVOCATION_NOT_CHECKED
        except RequestError:
            return FindingCode.REVOCATION_NOT_CHECKED
        return None


def settle_trust(judgements: Sequence[Judgement], surroundings: Surroundings) -> None:
    """Adds to all signatures of a file who vouches for them and what that makes of them. Raises MemoryError alone."""
    proofs = _document_timestamps(judgements, surroundings)
    for judgement in judgements:
        if judgement.signer is not None and judgement.generated_at is None:
            try:
                _settle_signature(judgement, proofs, surroundings)
            except MemoryError:
                raise
            except Exception:  # noqa: BLE001 - certificates and tokens are hostile bytes in parsers
                judgement.leave_open(FindingCode.CERTIFICATE_PATH_INVALID)
    _settle_drawings(judgements)


@dataclass(frozen=True)
class _Proof:
    """Everything up to that byte existed then."""

    covered_end: int
    moment: datetime
    revision: int


def _document_timestamps(judgements: Sequence[Judgement], surroundings: Surroundings) -> list[_Proof]:
    proofs: list[_Proof] = []
    stamps = [item for item in judgements if item.generated_at is not None and item.signer is not None]
    for judgement in sorted(stamps, key=_covered_end, reverse=True):
        end = _covered_end(judgement)
        assert judgement.signer is not None
        assert judgement.generated_at is not None
        at = _proven_by(proofs, end)
        try:
            _vouch(judgement, judgement.others, at, surroundings, Usage.TIMESTAMPS)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - as above
            judgement.leave_open(FindingCode.CERTIFICATE_PATH_INVALID)
        if judgement.evidence.verdict is Verdict.PASSED:
            assert judgement.revision is not None
            judgement.update(proven_at=judgement.generated_at)
            proofs.append(_Proof(end, judgement.generated_at, judgement.revision.number))
    return proofs


def _proven_by(proofs: Sequence[_Proof], end: int) -> datetime | None:
    """The earliest time at which a document timestamp proves bytes up to `end` to exist; it covers them, and more."""
    return min((proof.moment for proof in proofs if proof.covered_end > end), default=None)


def _covered_end(judgement: Judgement) -> int:
    return 0 if judgement.evidence.covered is None else judgement.evidence.covered[2]


def _settle_signature(judgement: Judgement, proofs: Sequence[_Proof], surroundings: Surroundings) -> None:
    documented = _proven_by(proofs, _covered_end(judgement))
    stamped = _signature_timestamp(judgement, documented, surroundings)
    proven_at = min((moment for moment in (documented, stamped) if moment is not None), default=None)
    judgement.update(proven_at=proven_at)
    _vouch(judgement, judgement.others, proven_at, surroundings, Usage.SIGNATURE)
    _settle_seal(judgement, proven_at, surroundings)
    _settle_profile(judgement, proofs, stamped, surroundings)


def _signature_timestamp(
    judgement: Judgement, documented: datetime | None, surroundings: Surroundings
) -> datetime | None:
    """The earliest time of the tokens beside a signature that can be relied on; the others are findings."""
    moments = []
    for token in judgement.tokens:
        try:
            moment = _judge_token(token, judgement.stamped)
            chain = surroundings.path(token.certificate, token.others, documented or surroundings.now, Usage.TIMESTAMPS)
            if surroundings.revocation(chain, documented) is FindingCode.CERTIFICATE_REVOKED:
                raise PathProblem(FindingCode.CERTIFICATE_REVOKED)  # noqa: TRY301 - told like any other authority without a path
            moments.append(moment)
        except PathProblem:
            judgement.add(FindingCode.TIMESTAMP_NOT_TRUSTED)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - hostile bytes in a parser
            judgement.add(FindingCode.TIMESTAMP_WRONG)
    return min(moments, default=None)


def _judge_token(token: CmsSignature, stamped: bytes) -> datetime:
    if token.weakness() is not None:
        raise GapProblem(FindingCode.SIGNATURE_WEAK)
    return token.verify_as_timestamp(lambda name: hashlib.new(name, stamped).digest())


def _vouch(
    judgement: Judgement,
    others: Sequence[x509.Certificate],
    proven_at: datetime | None,
    surroundings: Surroundings,
    usage: Usage,
) -> None:
    """Path and revocation of a signer at the proven time, or now; PASSED where both are good."""
    assert judgement.signer is not None
    try:
        chain = surroundings.path(judgement.signer, others, proven_at or surroundings.now, usage)
    except PathProblem as problem:
        judgement.leave_open(problem.code)
        return
    revocation = surroundings.revocation(chain, proven_at)
    if revocation is FindingCode.CERTIFICATE_REVOKED:
        judgement.leave_open(revocation)
        return
    if revocation is not None:
        judgement.add(revocation)
    judgement.update(verdict=Verdict.PASSED, trusted=True, chain=chain)


def _settle_seal(judgement: Judgement, proven_at: datetime | None, surroundings: Surroundings) -> None:
    """An electronic seal was valid when it was used, and its maker is somebody whom one trusts, too."""
    if judgement.seal is None or judgement.seal_maker is None:
        return
    at = proven_at or surroundings.now
    used_at = proven_at or judgement.evidence.signed_at or surroundings.now
    try:
        check_validity(judgement.seal, used_at)
        chain = surroundings.path(judgement.seal_maker, judgement.others, at, Usage.SIGNATURE)
        if surroundings.revocation(chain, proven_at) is FindingCode.CERTIFICATE_REVOKED:
            judgement.leave_open(FindingCode.CERTIFICATE_REVOKED)
    except VerificationError as problem:
        judgement.leave_open(FindingCode(problem.finding_code))
    except PathProblem:
        judgement.leave_open(FindingCode.SEAL_MAKER_NOT_TRUSTED)


def _settle_profile(
    judgement: Judgement, proofs: Sequence[_Proof], stamped: datetime | None, surroundings: Surroundings
) -> None:
    """ETSI EN 319 142-1, clause 6: what is there and can be relied on, step by step."""
    if judgement.evidence.profile is not SignatureProfile.PADES_B:
        return
    end, store = _covered_end(judgement), surroundings.brought.revision
    later = [proof for proof in proofs if proof.covered_end > end]
    if stamped is None and not later:
        return
    profile = SignatureProfile.PADES_T
    if store is not None and surroundings.brought.speaks_of_revocation:
        profile = SignatureProfile.PADES_LT
        if any(proof.revision > store for proof in later):
            profile = SignatureProfile.PADES_LTA
    judgement.update(profile=profile)


def _settle_drawings(judgements: Sequence[Judgement]) -> None:
    """Who signs later may put a picture on a page; only of somebody trusted is it believed that it hides nothing."""
    names = {item.found.name: item for item in judgements}
    for judgement in judgements:
        drawers = [None if name is None else names.get(name) for name in judgement.changes.drawn_by]
        if any(drawer is None or not drawer.evidence.trusted for drawer in drawers):
            judgement.leave_open(FindingCode.DRAWN_OVER)
        for code in judgement.changes.may_hide:
            if judgement.evidence.verdict is not Verdict.FAILED:
                judgement.leave_open(code)
