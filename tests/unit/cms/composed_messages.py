"""CMS messages put together from parts, right or wrong on purpose: what the product's builder would never make."""

from __future__ import annotations

from dataclasses import dataclass, field

from signer.algorithms import SignatureAlgorithm as Algorithm
from signer.algorithms import content_digest, digest_name
from signer.certificates import Certificate
from signer.cms import object_identifiers as oid
from signer.cms.der import OCTET_STRING, SEQUENCE, SET, encode, integer
from tests.conformance.message_signers import MessageSigner, signer

CONTENT = b"content of a message"


def octets(content: bytes) -> bytes:
    """OCTET STRING."""
    return encode(OCTET_STRING, content)


def attribute(identifier: bytes, *values: bytes) -> bytes:
    """One attribute with its values."""
    return encode(SEQUENCE, identifier, encode(SET, *values))


@dataclass
class Message:
    """Parts of a SignedData; whatever is None is made as it should be."""

    algorithm: Algorithm = Algorithm.SM2_SM3
    content: bytes | None = CONTENT  # inside; None: detached
    signed_content: bytes = CONTENT
    signed_data_type: bytes = oid.RFC_SIGNED_DATA
    content_type: bytes = oid.RFC_DATA
    attributes: list[bytes] | None = None
    without_attributes: bool = False
    digest: bytes | None = None
    signature_algorithm: bytes | None = None
    signature: bytes | None = None
    signer_id: bytes | None = None
    certificates: list[bytes] | None = None
    version: int = 1
    signer_version: int = 1
    signers: int = 1
    behind_signer: bytes = b""
    crls: bytes = b""
    extra: list[bytes] = field(default_factory=list)

    @property
    def who(self) -> MessageSigner:
        """Whose key signs."""
        return signer(self.algorithm)

    def usual_attributes(self) -> list[bytes]:
        """content-type and message-digest, right."""
        return [
            attribute(oid.CONTENT_TYPE, self.content_type),
            attribute(oid.MESSAGE_DIGEST, octets(content_digest(self.algorithm, self.signed_content))),
        ]

    def encoded(self) -> bytes:
        """ContentInfo."""
        certificates = [self.who.certificate] if self.certificates is None else self.certificates
        encapsulated = b"" if self.content is None else encode(0xA0, octets(self.content))
        signed = encode(
            SEQUENCE,
            integer(self.version),
            encode(SET, self._digest()),
            encode(SEQUENCE, self.content_type, encapsulated),
            encode(0xA0, *certificates) if certificates else b"",
            self.crls,
            encode(SET, *([self._signer_info()] * self.signers)),
        )
        return encode(SEQUENCE, self.signed_data_type, encode(0xA0, signed))

    def _digest(self) -> bytes:
        return oid.digest_algorithm(digest_name(self.algorithm)) if self.digest is None else self.digest

    def _signer_info(self) -> bytes:
        attributes = b"".join(sorted([*(self.attributes or self.usual_attributes()), *self.extra]))
        signed = self.signed_content if self.without_attributes else encode(SET, attributes)
        certificate = Certificate.load(self.who.certificate)
        return encode(
            SEQUENCE,
            integer(self.signer_version),
            self.signer_id or encode(SEQUENCE, certificate.issuer, integer(certificate.serial)),
            self._digest(),
            b"" if self.without_attributes else encode(0xA0, attributes),
            self.signature_algorithm or oid.signature_algorithm(self.algorithm),
            octets(self.who.sign(signed) if self.signature is None else self.signature),
            self.behind_signer,
        )
