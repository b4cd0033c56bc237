"""Reads SignedData (RFC 5652 clause 5) into its parts, strictly: DER only, one signer, no attribute twice. Judges nothing.

Signed attributes are taken in the order in which they stand: that is what the signature is over, and DER of any order
has one meaning only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from signer.cms import object_identifiers as oid
from signer.cms.der import (
    NULL,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    SET,
    DerError,
    Element,
    encode,
    read,
    read_integer,
)

_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_TIME_CHARACTERS = len("YYYYMMDDhhmmssZ")


@dataclass(frozen=True)
class SignerInfo:
    """One signer. `signer_id`: IssuerAndSerialNumber, or [0] with a subject key identifier.

    `digest`, `signature_algorithm`: encoded object identifiers. `attributes`: encoded identifier → the one value; None
    where there are no signed attributes. `signed_attributes`: their DER SET, what the signature is over.
    """

    signer_id: Element
    digest: bytes
    attributes: dict[bytes, Element] | None
    signed_attributes: bytes
    signature_algorithm: bytes
    signature_parameters: bytes
    signature: bytes
    unsigned_attributes: Element | None = None

    @property
    def signature_timestamp(self) -> bytes | None:
        """The TimeStampToken over the signature's value, where that is the only unsigned attribute; not judged. Raises DerError."""
        if self.unsigned_attributes is None:
            return None
        value = _attributes(self.unsigned_attributes).get(oid.SIGNATURE_TIMESTAMP)
        return None if value is None else value.whole


@dataclass(frozen=True)
class SignedData:
    """`content_type`: encoded identifier. `content`: None where detached. `certificates`: DER each, not read yet."""

    uses_gbt_identifiers: bool
    content_type: bytes
    content: bytes | None
    certificates: tuple[bytes, ...]
    signer: SignerInfo


def read_signed_data(cms: bytes) -> SignedData:
    """The parts of a ContentInfo with SignedData. Raises DerError."""
    content_info = read(cms).expect(SEQUENCE).children()
    if len(content_info) != 2 or content_info[0].whole not in {oid.RFC_SIGNED_DATA, oid.GBT_SIGNED_DATA}:
        raise DerError("not SignedData")
    (wrapped,) = _exactly(content_info[1].expect(0xA0).children(), 1)
    fields = wrapped.expect(SEQUENCE).children()
    if len(fields) < 4 or not 1 <= read_integer(fields[0]) <= 5:
        raise DerError("not SignedData of a known version")
    fields[1].expect(SET)
    content_type, content = _encapsulated(fields[2])
    certificates: tuple[bytes, ...] = ()
    for extra in fields[3:-1]:
        if extra.tag == 0xA0:
            certificates = tuple(item.whole for item in extra.children() if item.tag == SEQUENCE)
        elif extra.tag != 0xA1:  # [1]: revocation lists, which nobody here believes
            raise DerError("an unknown part of SignedData")
    (signer,) = _exactly(fields[-1].expect(SET).children(), 1)
    return SignedData(
        content_info[0].whole == oid.GBT_SIGNED_DATA, content_type, content, certificates, _signer_info(signer)
    )


def read_time(element: Element) -> datetime:
    """UTCTime or GeneralizedTime in DER form (seconds, Z). Raises DerError."""
    try:
        text = element.content.decode("ascii")
        if element.tag == _UTC_TIME:
            # RFC 5280, 4.1.2.5.1: years 50 to 99 are of the 20th century
            text = ("19" if text[:2] >= "50" else "20") + text
        elif element.tag != _GENERALIZED_TIME:
            raise DerError("not a time")
        if len(text) != _TIME_CHARACTERS:  # strptime would take fewer digits
            raise DerError("not a time to the second")
        return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise DerError("not a time") from None


def _encapsulated(element: Element) -> tuple[bytes, bytes | None]:
    parts = element.expect(SEQUENCE).children()
    if not 1 <= len(parts) <= 2:
        raise DerError("encapContentInfo has another form")
    content_type = parts[0].expect(OBJECT_IDENTIFIER).whole
    if len(parts) == 1:
        return content_type, None
    (octets,) = _exactly(parts[1].expect(0xA0).children(), 1)
    return content_type, octets.expect(OCTET_STRING).content


def _signer_info(element: Element) -> SignerInfo:
    fields = element.expect(SEQUENCE).children()
    if len(fields) < 5 or read_integer(fields[0]) not in {1, 3}:
        raise DerError("not a SignerInfo of a known version")
    attributes: dict[bytes, Element] | None = None
    signed_attributes = b""
    rest = fields[3:]
    if rest[0].tag == 0xA0:
        attributes = _attributes(rest[0])
        signed_attributes = encode(SET, rest[0].content)
        rest = rest[1:]
    if len(rest) not in {2, 3} or (len(rest) == 3 and rest[2].tag != 0xA1):
        raise DerError("SignerInfo has another form")
    algorithm = rest[0].expect(SEQUENCE).children()
    if not 1 <= len(algorithm) <= 2:
        raise DerError("not an AlgorithmIdentifier")
    digest = fields[2].expect(SEQUENCE).children()
    if not 1 <= len(digest) <= 2 or (len(digest) == 2 and digest[1].whole != NULL):
        raise DerError("not an AlgorithmIdentifier of a digest")
    return SignerInfo(
        signer_id=fields[1],
        digest=digest[0].whole,
        attributes=attributes,
        signed_attributes=signed_attributes,
        signature_algorithm=algorithm[0].whole,
        signature_parameters=algorithm[1].whole if len(algorithm) == 2 else b"",
        signature=rest[1].expect(OCTET_STRING).content,
        unsigned_attributes=rest[2] if len(rest) == 3 else None,
    )


def _attributes(element: Element) -> dict[bytes, Element]:
    attributes: dict[bytes, Element] = {}
    for item in element.children():
        identifier, values = _exactly(item.expect(SEQUENCE).children(), 2)
        (value,) = _exactly(values.expect(SET).children(), 1)
        if identifier.whole in attributes:
            raise DerError("an attribute stands twice")
        attributes[identifier.whole] = value
    return attributes


def _exactly(elements: list[Element], count: int) -> list[Element]:
    if len(elements) != count:
        raise DerError(f"{len(elements)} elements where {count} belong")
    return elements
