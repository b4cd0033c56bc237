"""Was a certificate revoked when it was used? From everything that is known: CRLs and OCSP responses, brought along or fetched.

A revocation counts from its date on: a signature that a timestamp proves to be older stands. Without such a proof any revocation counts,
whatever time the signer claims. invalidityDate (RFC 5280, 5.3.2) is not taken into account. Silence is told as such, never as good.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from signer.certificates.certificate import Certificate
from signer.certificates.ocsp import OcspResponse
from signer.certificates.revocation import RevocationLists
from signer.errors import Reason, VerificationError
from signer.findings import FindingCode


@dataclass(frozen=True)
class RevocationEvidence:
    """Nothing in the chain was revoked when it was used, as was known at `known_at` (the oldest of the newest statements)."""

    known_at: datetime


@dataclass(frozen=True)
class _Statement:
    """What one list or response says about one certificate."""

    revoked_at: datetime | None
    good: bool
    this_update: datetime
    next_update: datetime


@dataclass(frozen=True)
class RevocationKnowledge:
    """Lists and responses, from wherever; each is believed only with the signature of the issuer that it speaks for."""

    lists: RevocationLists = field(default_factory=lambda: RevocationLists(()))
    responses: tuple[OcspResponse, ...] = ()

    def check(self, chain: Sequence[Certificate], proven_at: datetime | None, now: datetime) -> RevocationEvidence:
        """Evidence for a path, from the leaf to the anchor (whose own revocation nobody can state).

        `proven_at`: since when the signature is known to exist; None: it may have been made now.

        Raises:
            VerificationError: PATH_NOT_TRUSTED; finding certificate-revoked or revocation-unknown.
        """
        pairs = list(pairwise(chain))
        statements = [list(self._statements(child, issuer)) for child, issuer in pairs]
        for about in statements:
            revoked = [item.revoked_at for item in about if item.revoked_at is not None]
            if any(proven_at is None or moment <= proven_at for moment in revoked):
                raise _refused(FindingCode.CERTIFICATE_REVOKED, "the certificate, or one above it, was revoked")
        known = []
        for (child, _), about in zip(pairs, statements, strict=True):
            used_at = proven_at or now
            current = [item.this_update for item in about if _is_current(item, child, used_at, now)]
            if not current:
                raise _refused(
                    FindingCode.REVOCATION_UNKNOWN, "an issuer's word on a certificate is missing or too old"
                )
            known.append(max(current))
        return RevocationEvidence(min(known, default=now))

    def _statements(self, child: Certificate, issuer: Certificate) -> Iterator[_Statement]:
        for crl in self.lists.of(issuer):
            revoked_at = crl.revoked.get(child.serial)
            yield _Statement(revoked_at, True, crl.this_update, crl.next_update)
        for response in self.responses:
            answer = response.find(child, issuer)
            if answer is not None:
                yield _Statement(answer.revoked_at, answer.good, answer.this_update, answer.next_update)


def _is_current(item: _Statement, child: Certificate, used_at: datetime, now: datetime) -> bool:
    """A statement covers a use that it was made after, or that its period includes; about expired certificates none is made."""
    said = item.this_update <= now and item.this_update <= child.not_after
    return said and used_at <= item.next_update and (item.good or item.revoked_at is not None)


def _refused(code: FindingCode, message: str) -> VerificationError:
    return VerificationError(Reason.PATH_NOT_TRUSTED, code, message)
