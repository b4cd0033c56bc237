"""CMS as strangers put it into PDFs: who signed, by which algorithms, and whether the mathematics is right for the covered bytes.

In the inspector process, by asn1crypto and pyHanko, which read BER and every usual algorithm; SM2 by `signer.algorithms`.
Three forms: SignedData over the covered bytes, SignedData with their digest as its content (GM/T 0010 as vendors use it), and timestamp
tokens. Not for trust: `foreign_trust`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from asn1crypto import algos, cms, core, x509
from pyhanko.sign.general import extract_signer_info
from pyhanko.sign.validation.generic_cms import (
    extract_certs_for_validation,
    extract_self_reported_ts,
    extract_tst_data_iter,
    validate_sig_integrity,
)

from signer.algorithms import SignatureAlgorithm, load_public_key
from signer.errors import SignerError
from signer.findings import FindingCode
from signer.pades.pyhanko_sm2 import SignatureAlgorithmPolicy, Sm2SignatureValidator
from signer.pades.signature_gap import GapProblem

POLICY = SignatureAlgorithmPolicy()  # type: ignore[no-untyped-call] # the constructor is pyHanko's, without types
VALIDATOR = Sm2SignatureValidator()
_SM2 = "sm3_sm2"
_ALGORITHMS = {
    (_SM2, "sm3"): SignatureAlgorithm.SM2_SM3,
    ("rsassa_pkcs1v15", "sha256"): SignatureAlgorithm.RSA_PKCS1_SHA256,
    ("rsassa_pkcs1v15", "sha384"): SignatureAlgorithm.RSA_PKCS1_SHA384,
    ("rsassa_pkcs1v15", "sha512"): SignatureAlgorithm.RSA_PKCS1_SHA512,
    ("rsassa_pss", "sha256"): SignatureAlgorithm.RSA_PSS_SHA256,
    ("rsassa_pss", "sha384"): SignatureAlgorithm.RSA_PSS_SHA384,
    ("rsassa_pss", "sha512"): SignatureAlgorithm.RSA_PSS_SHA512,
}


@dataclass(frozen=True)
class CmsSignature:
    """One SignedData with one signer. `hash_name`: the signer's digest, as hashlib names it."""

    message: cms.SignedData = field(repr=False)
    signer: cms.SignerInfo = field(repr=False)
    certificate: x509.Certificate = field(repr=False)
    others: tuple[x509.Certificate, ...] = field(repr=False)
    hash_name: str

    @classmethod
    def load(cls, content: bytes) -> CmsSignature:
        """From a ContentInfo. Raises whatever asn1crypto and pyHanko raise on bytes of another structure."""
        return cls.of(cms.ContentInfo.load(content)["content"])

    @classmethod
    def of(cls, message: cms.SignedData) -> CmsSignature:
        """The same for a SignedData that is at hand."""
        signer = extract_signer_info(message)
        certificates = extract_certs_for_validation(message)
        name = signer["digest_algorithm"]["algorithm"].native.lower()
        return cls(message, signer, certificates.signer_cert, tuple(certificates.other_certs), name)

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """UNSPECIFIED where the API has no number for it."""
        return _ALGORITHMS.get((self._mechanism, self.hash_name), SignatureAlgorithm.UNSPECIFIED)

    @property
    def claimed_at(self) -> datetime | None:
        """The attribute signing-time."""
        claimed = extract_self_reported_ts(self.signer)
        return claimed if claimed is None or claimed.tzinfo is not None else claimed.replace(tzinfo=UTC)

    @property
    def signature_value(self) -> bytes:
        """What a signature timestamp is over."""
        value: bytes = self.signer["signature"].native
        return value

    def signature_timestamps(self) -> Iterator[CmsSignature]:
        """The tokens beside the signature (RFC 3161, appendix A)."""
        return (CmsSignature.of(token) for token in extract_tst_data_iter(self.signer, signed=False))

    def weakness(self) -> FindingCode | None:
        """What forbids to rely on the algorithms, None where nothing does."""
        mechanism = self.signer["signature_algorithm"]
        # By name alone: NULL parameters beside a digest are as good as none (RFC 5754, 2).
        digest = algos.DigestAlgorithm({"algorithm": self.signer["digest_algorithm"]["algorithm"].native})
        strong = POLICY.signature_algorithm_allowed(mechanism, None, self.certificate.public_key)
        if not strong or not POLICY.digest_algorithm_allowed(digest, None):
            return FindingCode.SIGNATURE_WEAK
        return None if POLICY.digest_combination_allowed(mechanism, digest, None) else FindingCode.ALGORITHM_MISMATCH

    def verify(self, covered: bytes) -> None:
        """The signature is right for these bytes. Raises GapProblem: CONTENT_MODIFIED, SIGNATURE_WRONG."""
        digest = hashlib.new(self.hash_name, covered).digest()
        if self._mechanism == _SM2 and self._is_bare:
            self._verify_sm2(covered)
        else:
            self._verify_digest("data", digest)

    def verify_as_digest(self, covered: bytes) -> None:
        """The content is the digest of these bytes, and the signature is right for it. Raises GapProblem as `verify`."""
        content = self._content
        if content != hashlib.new(self.hash_name, covered).digest():
            raise GapProblem(FindingCode.CONTENT_MODIFIED)
        if self._mechanism == _SM2 and self._is_bare:
            self._verify_sm2(content)
        else:
            self._verify_digest("data", hashlib.new(self.hash_name, content).digest())

    def verify_as_timestamp(self, digest_of: Callable[[str], bytes]) -> datetime:
        """When the token says that it was made, for what has these digests (by hashlib's names).

        Raises:
            GapProblem: CONTENT_MODIFIED, SIGNATURE_WRONG, SIGNATURE_WEAK (the imprint's digest).
        """
        info = self.message["encap_content_info"]["content"].parsed
        imprint = info["message_imprint"]
        if not POLICY.digest_algorithm_allowed(imprint["hash_algorithm"], None):
            raise GapProblem(FindingCode.SIGNATURE_WEAK)
        if digest_of(imprint["hash_algorithm"]["algorithm"].native) != imprint["hashed_message"].native:
            raise GapProblem(FindingCode.CONTENT_MODIFIED)
        self._verify_digest("tst_info", hashlib.new(self.hash_name, self._content).digest())
        moment: datetime = info["gen_time"].native
        return moment

    @property
    def _mechanism(self) -> str:
        mechanism = self.signer["signature_algorithm"]
        try:
            name: str = mechanism.signature_algo
        except ValueError:  # asn1crypto knows no parts of SM2's name
            name = mechanism["algorithm"].native
        return name

    @property
    def _is_bare(self) -> bool:
        return self.signer["signed_attrs"] is core.VOID

    @property
    def _content(self) -> bytes:
        return bytes(self.message["encap_content_info"]["content"])

    def _verify_sm2(self, message: bytes) -> None:
        """Without signed attributes the content itself is signed, with Z before it (GB/T 35275)."""
        try:
            key = load_public_key(self.certificate.public_key.dump())
            key.verify(SignatureAlgorithm.SM2_SM3, message, self.signature_value)
        except SignerError:
            raise GapProblem(FindingCode.SIGNATURE_WRONG) from None

    def _verify_digest(self, content_type: str, digest: bytes) -> None:
        intact, valid = validate_sig_integrity(self.signer, self.certificate, content_type, digest, VALIDATOR)
        if not intact:
            raise GapProblem(FindingCode.CONTENT_MODIFIED if not self._is_bare else FindingCode.SIGNATURE_WRONG)
        if not valid:
            raise GapProblem(FindingCode.SIGNATURE_WRONG)
