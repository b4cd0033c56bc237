"""What our own seals can be verified with when their authorities are no more: the certificates of every path, and current CRLs.

From files that the operator keeps (like the public listener's), read anew for each document, so that a new list counts at once. Not for
judging strangers' signatures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from signer.certificates import Certificate, CertificateUsage, TrustStore, judge_path
from signer.certificates.revocation import RevocationList, RevocationLists
from signer.cms import object_identifiers as oid
from signer.cms.der import DerError
from signer.cms.electronic_seal_structure import read_seal_signature
from signer.cms.signer_info import read_signed_data
from signer.cms.verify import signer_certificate
from signer.errors import ApplianceError, ConfigurationError, Reason, RequestError, VerificationError
from signer.pades.update_plan import ValidationData

# A certificate that signed something, what else came with it, and what it is for.
_Signer = tuple[bytes, Sequence[bytes], CertificateUsage]


class CollectedValidationData:
    """Collects from what signatures carry, from the trust anchors and from a directory of CRLs."""

    def __init__(self, crl_directory: Path, trust: TrustStore, timestamps: TrustStore) -> None:
        """`trust`: anchors of seals. `timestamps`: anchors of timestamp authorities."""
        self._directory = crl_directory
        self._trust = trust
        self._timestamps = timestamps

    def collect(self, signatures: Sequence[bytes]) -> ValidationData:
        """See `ValidationDataSource`."""
        now = datetime.now(UTC)
        try:
            known = RevocationLists.from_directory(self._directory)
            certificates: dict[bytes, None] = {}
            lists: dict[bytes, None] = {}
            for signature in signatures:
                for signer in _signers(signature):
                    chain = self._path(signer, now)
                    known.check(chain, now)
                    certificates.update(dict.fromkeys(item.der for item in chain))
                    for _, issuer in pairwise(chain):
                        lists[_newest(known, issuer, now).der] = None
        except (ConfigurationError, VerificationError, RequestError, DerError) as problem:
            raise ApplianceError(
                Reason.REVOCATION_UNAVAILABLE,
                f"nothing is sealed for the long term without current revocation lists: {_told(problem)}",
                "Bring the authorities' newest CRLs into [seal] crl_directory.",
            ) from None
        return ValidationData(tuple(certificates), tuple(lists))

    def _path(self, signer: _Signer, at: datetime) -> tuple[Certificate, ...]:
        certificate, others, usage = signer
        trust = self._timestamps if usage is CertificateUsage.TIMESTAMPS else self._trust
        return tuple(judge_path(certificate, others, trust, at, usage).chain)


def _signers(signature: bytes) -> Iterator[_Signer]:
    """Who signed, and who stamped it. Raises DerError, RequestError, VerificationError for what is not ours."""
    try:
        sealed = read_seal_signature(signature)
    except DerError:
        read = read_signed_data(signature)
        token = read.signer.signature_timestamp
        if read.content_type == oid.TST_INFO:  # a document timestamp
            yield signer_certificate(read).der, read.certificates, CertificateUsage.TIMESTAMPS
            return
        yield signer_certificate(read).der, read.certificates, CertificateUsage.SIGNATURE
        if token is not None:
            stamp = read_signed_data(token)
            yield signer_certificate(stamp).der, stamp.certificates, CertificateUsage.TIMESTAMPS
        return
    yield sealed.signer_certificate, (), CertificateUsage.SIGNATURE
    yield sealed.seal.maker_certificate, (), CertificateUsage.SIGNATURE


def _newest(known: RevocationLists, issuer: Certificate, at: datetime) -> RevocationList:
    current = [crl for crl in known.of(issuer) if crl.this_update <= at <= crl.next_update]
    return max(current, key=lambda crl: crl.this_update)


def _told(problem: Exception) -> str:
    return getattr(problem, "message", str(problem))
