"""Does a certificate lead to a trust anchor, and may it sign?

RFC 5280 clause 6.1: signatures, names, validity, basic constraints, path length, key usage. RSA, P-256 and SM2 (default ID).
Revocation is judged by `revocation`. Name constraints and policy constraints are not processed: name constraints anywhere, and
every critical extension that is not understood, make a path invalid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum

from signer.algorithms import KeyType, PathKey, load_path_key, verify_x509_signature
from signer.algorithms.rsa import MIN_TRUSTED_BITS
from signer.certificates.certificate import Certificate
from signer.certificates.evidence import PathEvidence
from signer.certificates.store import TrustStore
from signer.errors import Reason, RequestError, VerificationError
from signer.findings import FindingCode

_MAX_DEPTH = 8
_MAX_OTHERS = 32
_MAX_SIGNATURES = 32
_REMEMBERED = 1024


class CertificateUsage(Enum):
    """What the leaf is used for."""

    SIGNATURE = "signature"
    TLS_CLIENT = "tls-client"
    TIMESTAMPS = "timestamps"


# anyExtendedKeyUsage, emailProtection, clientAuth, documentSigning (RFC 9336), Adobe and Microsoft document signing
_SIGNATURE_PURPOSES = frozenset(
    {
        "2.5.29.37.0",
        "1.3.6.1.5.5.7.3.4",
        "1.3.6.1.5.5.7.3.2",
        "1.3.6.1.5.5.7.3.36",
        "1.2.840.113583.1.1.5",
        "1.3.6.1.4.1.311.10.3.12",
    }
)
_CLIENT_AUTHENTICATION = "1.3.6.1.5.5.7.3.2"
_TIMESTAMPING = "1.3.6.1.5.5.7.3.8"


def judge_path(
    leaf: bytes, others: Sequence[bytes], trust: TrustStore, at: datetime, usage: CertificateUsage
) -> PathEvidence:
    """Evidence that the leaf (DER) leads to an anchor at that time. `others`: certificates that may help, DER.

    Raises:
        VerificationError: PATH_NOT_TRUSTED with the finding code that says why.
        RequestError: CERTIFICATE_MALFORMED, for the leaf.
    """
    remembered = _memory_key(leaf, others, usage)
    known = trust.judged.get(remembered)
    if known is not None and known.not_before <= at <= known.not_after:
        return known
    search = _Search(_readable(others), trust, at)
    certificate = Certificate.load(leaf)
    search.check_leaf(certificate, usage)
    evidence = PathEvidence.of(search.extend((certificate,)))
    if len(trust.judged) >= _REMEMBERED:
        trust.judged.clear()
    trust.judged[remembered] = evidence
    return evidence


class _Search:
    """A depth-first search with a budget, so that no set of certificates makes it long."""

    def __init__(self, others: list[Certificate], trust: TrustStore, at: datetime) -> None:
        self._others = others
        self._trust = trust
        self._at = at
        self._signatures_left = _MAX_SIGNATURES

    def check_leaf(self, leaf: Certificate, usage: CertificateUsage) -> None:
        if usage is CertificateUsage.TLS_CLIENT:
            _check_tls_client(leaf)
        elif usage is CertificateUsage.TIMESTAMPS:
            _check_timestamping(leaf)
        else:
            _check_signer(leaf)
        self._check_itself(leaf)

    def extend(self, chain: tuple[Certificate, ...]) -> tuple[Certificate, ...]:
        """The chain up to an anchor; the first failure that says more than "not found" is the one that is told.

        Raises:
            VerificationError: PATH_NOT_TRUSTED.
        """
        last = chain[-1]
        if any(last.der == anchor.der for anchor in self._trust.anchors):
            return chain
        best: VerificationError | None = None
        for issuer, is_anchor in self._issuers(last, chain):
            try:
                self._check_issuer(issuer, last, depth=len(chain))
                longer = (*chain, issuer)
                return longer if is_anchor else self.extend(longer)
            except VerificationError as problem:
                if best is None or best.finding_code == FindingCode.CERTIFICATE_PATH_NOT_FOUND:
                    best = problem
        raise best or _refused(FindingCode.CERTIFICATE_PATH_NOT_FOUND, "no issuer of it is known")

    def _issuers(self, child: Certificate, chain: tuple[Certificate, ...]) -> Iterable[tuple[Certificate, bool]]:
        if len(chain) == _MAX_DEPTH:
            return
        for anchor in self._trust.anchors:
            if _may_have_issued(anchor, child):
                yield anchor, True
        for other in self._others:
            if _may_have_issued(other, child) and all(other.der != item.der for item in chain):
                yield other, False

    def _check_issuer(self, issuer: Certificate, child: Certificate, depth: int) -> None:
        if not issuer.is_authority:
            raise _refused(FindingCode.CERTIFICATE_PATH_INVALID, "an issuer is not a certificate authority")
        if issuer.key_usage is not None and "key_cert_sign" not in issuer.key_usage:
            raise _refused(FindingCode.CERTIFICATE_PATH_INVALID, "an issuer may not sign certificates")
        if issuer.path_length is not None and issuer.path_length < depth - 1:
            raise _refused(FindingCode.CERTIFICATE_PATH_INVALID, "the path is longer than an issuer allows")
        self._check_itself(issuer)
        if self._signatures_left == 0:
            raise _refused(FindingCode.CERTIFICATE_PATH_INVALID, "too many certificates were tried")
        self._signatures_left -= 1
        try:
            verify_x509_signature(
                child.signature_oid, _load_key(issuer.public_key), child.signed_bytes, child.signature
            )
        except VerificationError as problem:
            if problem.reason is not Reason.SIGNATURE_WRONG:
                raise
            raise _refused(FindingCode.CERTIFICATE_PATH_INVALID, "a certificate's signature is wrong") from None

    def _check_itself(self, certificate: Certificate) -> None:
        if certificate.unprocessed:
            raise _refused(
                FindingCode.CERTIFICATE_PATH_INVALID,
                f"a certificate has an extension that is not processed: {certificate.unprocessed[0]}",
            )
        if self._at < certificate.not_before:
            raise _refused(FindingCode.CERTIFICATE_NOT_YET_VALID, "a certificate of the path is not valid yet")
        if self._at > certificate.not_after:
            raise _refused(FindingCode.CERTIFICATE_EXPIRED, "a certificate of the path has expired")
        key = _load_key(certificate.public_key)
        if key.key_type is KeyType.RSA and key.bits < MIN_TRUSTED_BITS:
            raise _refused(FindingCode.CERTIFICATE_WEAK, f"an RSA key of {key.bits} bits")


def _check_signer(leaf: Certificate) -> None:
    if leaf.key_usage is not None and not leaf.key_usage & {"digital_signature", "content_commitment"}:
        raise _refused(FindingCode.CERTIFICATE_USAGE, "its key usage has no signatures")
    if leaf.extended_key_usage is not None and not leaf.extended_key_usage & _SIGNATURE_PURPOSES:
        raise _refused(FindingCode.CERTIFICATE_USAGE, "its extended key usage has no document signatures")


def _check_tls_client(leaf: Certificate) -> None:
    # RFC 8446, 4.4.2.3, and RFC 5280, 4.2.1.12; anyExtendedKeyUsage won't do: who may connect is said, not left open
    if leaf.key_usage is None or "digital_signature" not in leaf.key_usage:
        raise _refused(FindingCode.CERTIFICATE_USAGE, "its key usage has no digital signatures")
    if leaf.extended_key_usage is None or _CLIENT_AUTHENTICATION not in leaf.extended_key_usage:
        raise _refused(FindingCode.CERTIFICATE_USAGE, "its extended key usage has no client authentication")
    if leaf.is_authority:
        raise _refused(FindingCode.CERTIFICATE_USAGE, "it is a certificate authority's")


def _check_timestamping(leaf: Certificate) -> None:
    # RFC 3161, 2.3: this purpose alone
    if leaf.extended_key_usage != frozenset({_TIMESTAMPING}):
        raise _refused(FindingCode.CERTIFICATE_USAGE, "its extended key usage is not timestamping alone")
    if leaf.key_usage is not None and not leaf.key_usage & {"digital_signature", "content_commitment"}:
        raise _refused(FindingCode.CERTIFICATE_USAGE, "its key usage has no signatures")


def _load_key(spki: bytes) -> PathKey:
    try:
        return load_path_key(spki)
    except RequestError as problem:
        raise _refused(FindingCode.CERTIFICATE_PATH_INVALID, problem.message) from None


def _may_have_issued(issuer: Certificate, child: Certificate) -> bool:
    if issuer.subject != child.issuer:
        return False
    known = issuer.key_identifier, child.authority_key_identifier
    return not all(known) or known[0] == known[1]


def _readable(others: Sequence[bytes]) -> list[Certificate]:
    """Certificates that help; one that can't be read helps nobody."""
    read = []
    for der in others[:_MAX_OTHERS]:
        try:
            read.append(Certificate.load(der))
        except RequestError:
            continue
    return read


def _memory_key(leaf: bytes, others: Sequence[bytes], usage: CertificateUsage) -> bytes:
    digest = hashlib.sha256(usage.value.encode())
    for der in (leaf, *others):
        digest.update(len(der).to_bytes(4, "big") + der)
    return digest.digest()


def _refused(code: FindingCode, message: str) -> VerificationError:
    return VerificationError(Reason.PATH_NOT_TRUSTED, code, message)
