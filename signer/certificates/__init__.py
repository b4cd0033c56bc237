"""X.509 certificates: reading them, judging their paths, issuing them. Keys and tokens are not touched here."""

from signer.certificates.certificate import Certificate
from signer.certificates.evidence import PathEvidence
from signer.certificates.path import CertificateUsage, judge_path
from signer.certificates.revocation import RevocationLists
from signer.certificates.store import TrustStore, TrustStoreConfig

__all__ = [
    "Certificate",
    "CertificateUsage",
    "PathEvidence",
    "RevocationLists",
    "TrustStore",
    "TrustStoreConfig",
    "judge_path",
]
