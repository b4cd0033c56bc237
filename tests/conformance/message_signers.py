"""Signers of CMS messages for tests: certificates by the product, keys in software, one for each algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from signer.algorithms import SignatureAlgorithm as Algorithm
from signer.algorithms import SignMessage, content_digest, digest_name
from signer.certificates.issue import CertificateFacts, CertificateKind, Issuer, issue_certificate
from signer.cms.signed_data import Identifiers, SignedDataBuilder
from tests.conformance.path_cases import FROM, TO, issued_key

ALGORITHMS = [algorithm for algorithm in Algorithm if algorithm is not Algorithm.UNSPECIFIED]
RSA_ALGORITHMS = [algorithm for algorithm in ALGORITHMS if algorithm.name.startswith("RSA")]
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True)
class MessageSigner:
    """A signer: certificate and root (DER), SubjectPublicKeyInfo, what signs. `private`: PKCS#8 PEM with RSA."""

    algorithm: Algorithm
    certificate: bytes
    root: bytes
    public_key: bytes
    sign: SignMessage
    private: bytes = b""

    def builder(self, identifiers: Identifiers = Identifiers.RFC_5652, *, chain: bool = True) -> SignedDataBuilder:
        """Makes CMS with this signer's certificate."""
        others = (self.root,) if chain else ()
        return SignedDataBuilder.for_certificate(self.certificate, others, self.algorithm, identifiers=identifiers)

    def cms(self, content: bytes, *, attached: bool = True, identifiers: Identifiers = Identifiers.RFC_5652) -> bytes:
        """A message with its content, or detached."""
        digest = content_digest(self.algorithm, content)
        return self.builder(identifiers).build(digest, self.sign, content=content if attached else None)


@cache
def _rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _rsa_sign(algorithm: Algorithm) -> SignMessage:
    digest = _HASHES[digest_name(algorithm)]
    pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
    scheme = pss if "PSS" in algorithm.name else padding.PKCS1v15()
    return lambda message: _rsa_key().sign(message, scheme, digest)


@cache
def signer(algorithm: Algorithm) -> MessageSigner:
    """The signer for an algorithm; all of RSA share a key."""
    sm2 = algorithm is Algorithm.SM2_SM3
    issuing = Algorithm.SM2_SM3 if sm2 else Algorithm.RSA_PKCS1_SHA256
    root_key, root_sign = issued_key(issuing)
    private = b""
    if sm2:
        public_key, sign = issued_key(algorithm)
    else:
        key = _rsa_key()
        public_key = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        sign = _rsa_sign(algorithm)

    def certificate(name: str, key: bytes, kind: CertificateKind, issuer: bytes | None) -> bytes:
        facts = CertificateFacts((("country_name", "CN"), ("common_name", name)), key, kind, FROM, TO)
        return issue_certificate(facts, Issuer(issuer, issuing, root_sign))

    root = certificate("Root", root_key, CertificateKind.AUTHORITY, None)
    leaf = certificate("报文签名", public_key, CertificateKind.MESSAGE_SIGNER, root)
    return MessageSigner(algorithm, leaf, root, public_key, sign, private)
