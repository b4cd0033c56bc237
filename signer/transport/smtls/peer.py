"""Who a peer of the public listener is, and whether it may stay: its certificates judged by our own code, after OpenSSL's.

Path, validity, usage, SM2 throughout, revocation, name. Asked in the handshake and again while the connection lives. Not for what
the peer may do: grants decide that in the worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509

from signer.algorithms import KeyType, load_path_key
from signer.certificates import Certificate, CertificateUsage, PathEvidence, RevocationLists, TrustStore, judge_path
from signer.errors import AccessError, RequestError, VerificationError
from signer.findings import FindingCode
from signer.smtls import SmTlsError, SmTlsReason
from signer.transport.identity import RESERVED_PREFIX, client_name

_SM2_WITH_SM3 = "1.2.156.10197.1.501"

_REASONS: dict[str, SmTlsReason] = {
    FindingCode.CERTIFICATE_EXPIRED: SmTlsReason.CERTIFICATE_EXPIRED,
    FindingCode.CERTIFICATE_NOT_YET_VALID: SmTlsReason.CERTIFICATE_NOT_YET_VALID,
    FindingCode.CERTIFICATE_PATH_NOT_FOUND: SmTlsReason.AUTHORITY_UNKNOWN,
    FindingCode.CERTIFICATE_USAGE: SmTlsReason.CERTIFICATE_USAGE,
    FindingCode.CERTIFICATE_REVOKED: SmTlsReason.REVOKED,
    FindingCode.REVOCATION_NOT_CHECKED: SmTlsReason.REVOCATION_UNKNOWN,
}


@dataclass(frozen=True)
class VerifiedPeer:
    """Evidence: the peer's name, its chain (leaf to anchor), and when at the latest it must be judged again."""

    name: str
    chain: tuple[Certificate, ...]
    good_until: datetime


@dataclass(frozen=True)
class PeerJudge:
    """What is trusted at one time; a reload makes another one. `revocation` None: not checked, which the front says aloud.

    `for_self_test`: takes only the reserved names instead of refusing them.
    """

    trust: TrustStore
    revocation: RevocationLists | None
    for_self_test: bool = False

    def judge(self, chain: Sequence[bytes], at: datetime | None = None) -> VerifiedPeer:
        """Evidence for a chain of certificates (DER, the peer's own first).

        Raises:
            SmTlsError: why the peer is refused.
        """
        now = at or datetime.now(UTC)
        if not chain:
            raise SmTlsError(SmTlsReason.NO_CERTIFICATE, "the client showed no certificate")
        try:
            path = judge_path(chain[0], chain[1:], self.trust, now, CertificateUsage.TLS_CLIENT)
            _require_sm2(path)
            until = path.not_after
            if self.revocation is not None:
                until = min(until, self.revocation.check(path.chain, now))
        except VerificationError as problem:
            reason = _REASONS.get(problem.finding_code, SmTlsReason.CERTIFICATE_INVALID)
            raise SmTlsError(reason, problem.message) from None
        except RequestError as problem:
            raise SmTlsError(SmTlsReason.CERTIFICATE_INVALID, problem.message) from None
        return VerifiedPeer(self._name(chain[0]), path.chain, until)

    def _name(self, leaf: bytes) -> str:
        try:
            name = client_name(_uris(leaf))
        except AccessError as problem:
            raise SmTlsError(SmTlsReason.CERTIFICATE_NAME, problem.message, problem.remedy) from None
        if name.startswith(RESERVED_PREFIX) != self.for_self_test:
            raise SmTlsError(
                SmTlsReason.CERTIFICATE_NAME, f"names that begin with {RESERVED_PREFIX} are the front's own"
            )
        return name


def _uris(leaf: bytes) -> list[str]:
    try:
        names = x509.load_der_x509_certificate(leaf).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (ValueError, x509.ExtensionNotFound):
        return []
    return names.value.get_values_for_type(x509.UniformResourceIdentifier)


def _require_sm2(path: PathEvidence) -> None:
    """RFC 8998, 3.2.1: certificates with SM2 keys, signed by SM2 with SM3; up to the anchor, lest the weakest link be another."""
    for certificate in path.chain:
        is_sm2 = load_path_key(certificate.public_key).key_type is KeyType.SM2
        if not is_sm2 or certificate.signature_oid != _SM2_WITH_SM3:
            raise SmTlsError(SmTlsReason.NOT_SM2, "a certificate of the chain is not an SM2 certificate")
