"""Documents sealed by our own rooms with keys in software, and a small PKI around them: RSA and SM2, root and seal.

SM2 signatures come from gmssl-pyx, RSA ones from `cryptography`: other code than verifies them. The HSM has its own
tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import gmssl_pyx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from signer.algorithms import SignatureAlgorithm, SignMessage, digest_name
from signer.certificates import Certificate, TrustStore
from signer.certificates.issue import CertificateFacts, CertificateKind, Issuer, issue_certificate
from signer.cms.signed_data import Identifiers, SignedDataBuilder
from signer.pades.embed import BoxPlace, prepare
from tests.fuzz.rendered_documents import DrawnSeal, rendered

_SM2_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")
SIGNED_AT = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
PLACES = (BoxPlace(1, 150, 240, 40), BoxPlace(2, 150, 240, 40))
SM2 = SignatureAlgorithm.SM2_SM3
RSA = SignatureAlgorithm.RSA_PKCS1_SHA256


@dataclass(frozen=True)
class SoftwareKey:
    """A key pair: SubjectPublicKeyInfo and what signs. `private`: PKCS#8 DER, with RSA keys only."""

    public_key: bytes
    sign: SignMessage
    private: bytes = b""


@dataclass(frozen=True)
class Pki:
    """Certificates, DER: the seal's, and those above it up to the root, in this order."""

    algorithm: SignatureAlgorithm
    key: SoftwareKey
    certificate: bytes
    chain: tuple[bytes, ...]

    @property
    def root(self) -> bytes:
        """The trust anchor."""
        return self.chain[-1]

    @property
    def trust(self) -> TrustStore:
        """Trusts the root alone."""
        return TrustStore((Certificate.load(self.root),))


def new_key(algorithm: SignatureAlgorithm) -> SoftwareKey:
    """A fresh key pair in memory."""
    if algorithm is SM2:
        point, secret = gmssl_pyx.sm2_key_generate()
        return SoftwareKey(_SM2_SPKI + point, lambda message: bytes(gmssl_pyx.sm2_sign(secret, point, message)))
    key = rsa.generate_private_key(65537, 2048)
    der = serialization.Encoding.DER
    spki = key.public_key().public_bytes(der, serialization.PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(der, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return SoftwareKey(spki, lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA256()), private)


def new_pki(
    algorithm: SignatureAlgorithm, name: str = "Example Insurance", *, days: tuple[int, int] = (-30, 300)
) -> Pki:
    """A fresh root and a seal certificate below it, valid from and to those days from now."""
    root_key, seal_key = new_key(algorithm), new_key(algorithm)
    not_before, not_after = (datetime.now(UTC) + timedelta(days=count) for count in days)

    def issue(subject: str, key: SoftwareKey, kind: CertificateKind, issuer: bytes | None) -> bytes:
        facts = CertificateFacts(
            (("country_name", "CN"), ("common_name", subject)), key.public_key, kind, not_before, not_after
        )
        return issue_certificate(facts, Issuer(issuer, algorithm, root_key.sign))

    root = issue(f"{name} Root", root_key, CertificateKind.AUTHORITY, None)
    certificate = issue(f"{name} Seal", seal_key, CertificateKind.DOCUMENT_SIGNER, root)
    return Pki(algorithm, seal_key, certificate, (root,))


@cache
def own_pki(algorithm: SignatureAlgorithm) -> Pki:
    """The PKI of "our" documents in this test run."""
    return new_pki(algorithm)


def seal(pdf: bytes, pki: Pki, places: tuple[BoxPlace, ...] = PLACES) -> bytes:
    """The document sealed as the appliance does it."""
    prepared = prepare(
        pdf,
        appearance=DrawnSeal(),
        places=places,
        signer_name="示例财产保险股份有限公司",
        signed_at=SIGNED_AT,
        reason="签发电子保单",
    )
    builder = SignedDataBuilder.for_certificate(
        pki.certificate, pki.chain, pki.algorithm, identifiers=Identifiers.RFC_5652
    )
    return prepared.fill(builder.build(prepared.digest(digest_name(pki.algorithm)), pki.key.sign, content=None))


@cache
def sealed(algorithm: SignatureAlgorithm) -> bytes:
    """A two-page document of ours with a seal on each page."""
    return seal(rendered(), own_pki(algorithm))
