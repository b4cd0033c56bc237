"""Reads electronic seals (电子印章, SESeal) and what they put on a document (电子签章, SES_Signature) into their parts, strictly.

Three generations, told apart by their structure: GM/T 0031-2014 (version 1), GB/T 38540-2020 (4), GM/T 0031-2025 (5). DER
only, bounded, nothing unknown beside the fields. Judges nothing: `electronic_seal_verify` does. The clauses of versions 1 and 5
were not at hand; their layout is the one that open implementations read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from signer.cms.der import (
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    DerError,
    Element,
    encode,
    read,
    read_integer,
    read_object_identifier,
)
from signer.cms.signer_info import read_time

MAX_SEAL_BYTES = 2 * 1024 * 1024  # the picture is most of it
MAX_SEAL_SIGNATURE_BYTES = MAX_SEAL_BYTES + 256 * 1024
BIT_STRING, UTF8_STRING, PRINTABLE_STRING, IA5_STRING = 0x03, 0x0C, 0x13, 0x16
GENERALIZED_TIME = 0x18
EXPLICIT_0 = 0xA0
_BOOLEAN, _TRUE = 0x01, b"\xff"
_MAX_TEXT = 1_024


class SealGeneration(IntEnum):
    """Which standard's structure it is; not what the header says, which vendors fill in differently in version 1."""

    GMT_0031_2014 = 1
    GBT_38540_2020 = 4
    GMT_0031_2025 = 5


@dataclass(frozen=True)
class CertificateDigest:
    """`kind`: what the seal maker calls the digest ("SM3"). `value`: digest of a certificate's DER."""

    kind: str
    value: bytes


@dataclass(frozen=True)
class ElectronicSealInfo:
    """SES_SealInfo: what the seal maker vouches for.

    `picture_type`: "PNG", "SVG", …; `width_mm`, `height_mm`: how large the picture prints. `certificates`: DER, of those who may
    seal with it (list type 1); `certificate_digests`: the same by digests (list type 2); one of the two is empty. `vid`: the
    vendor's mark. `seal_type`: 1 an organisation's, 2 a person's. `extensions`: dotted identifiers and whether critical.
    """

    es_id: str
    name: str
    picture_type: str
    picture: bytes = field(repr=False)
    width_mm: int
    height_mm: int
    certificates: Sequence[bytes] = field(repr=False)
    created_at: datetime
    valid_from: datetime
    valid_to: datetime
    vid: str
    seal_type: int = 1
    certificate_digests: Sequence[CertificateDigest] = ()
    extensions: Sequence[tuple[str, bool]] = ()


@dataclass(frozen=True)
class ElectronicSeal:
    """SESeal. `signed_bytes`: what the seal maker's signature is over. `timestamp`: version 5 only, DER, b"" where absent."""

    generation: SealGeneration
    info: ElectronicSealInfo
    maker_certificate: bytes = field(repr=False)
    signature_algorithm: str
    signed_bytes: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    timestamp: bytes = field(repr=False)
    der: bytes = field(repr=False)


@dataclass(frozen=True)
class SealSignature:
    """SES_Signature. `signed_at`: claimed by the signer; None where version 1 has something else there than a time.

    `data_hash`: digest of the document's protected bytes. `property_info`: which bytes these are, by convention of the format.
    `signed_bytes`: DER of toSign. `timestamp`: a token over the signature value, DER, b"" where absent.
    """

    generation: SealGeneration
    seal: ElectronicSeal
    signed_at: datetime | None
    data_hash: bytes
    property_info: str
    signer_certificate: bytes = field(repr=False)
    signature_algorithm: str
    signed_bytes: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    timestamp: bytes = field(repr=False)
    extensions: Sequence[tuple[str, bool]] = ()


def read_electronic_seal(data: bytes) -> ElectronicSeal:
    """The parts of a SESeal. Raises DerError."""
    if len(data) > MAX_SEAL_BYTES:
        raise DerError(f"a seal of more than {MAX_SEAL_BYTES} bytes")
    return _seal(read(data))


def read_seal_signature(data: bytes) -> SealSignature:
    """The parts of a SES_Signature. Raises DerError."""
    if len(data) > MAX_SEAL_SIGNATURE_BYTES:
        raise DerError(f"a seal signature of more than {MAX_SEAL_SIGNATURE_BYTES} bytes")
    fields = read(data).expect(SEQUENCE).children()
    if len(fields) == 2:
        return _signature_of_2014(fields)
    if not 4 <= len(fields) <= 5:
        raise DerError("not a SES_Signature")
    return _signature(fields)


def _signature(fields: list[Element]) -> SealSignature:
    """GB/T 38540-2020 and GM/T 0031-2025: SEQUENCE { toSign, cert, signatureAlgID, signature, [0] timeStamp OPTIONAL }."""
    signed = fields[0].expect(SEQUENCE).children()
    if not 5 <= len(signed) <= 6:
        raise DerError("not a TBS_Sign")
    version = read_integer(signed[0])
    seal = _seal(signed[1])
    if version != seal.generation:
        raise DerError("the signature and its seal are of different versions")
    return SealSignature(
        generation=seal.generation,
        seal=seal,
        signed_at=read_time(signed[2].expect(GENERALIZED_TIME)),
        data_hash=_bits(signed[3]),
        property_info=_text(signed[4], IA5_STRING),
        signer_certificate=fields[1].expect(OCTET_STRING).content,
        signature_algorithm=read_object_identifier(fields[2]),
        signed_bytes=fields[0].whole,
        signature=_bits(fields[3]),
        timestamp=_bits(_wrapped(fields[4])) if len(fields) == 5 else b"",
        extensions=_extensions(_wrapped(signed[5])) if len(signed) == 6 else (),
    )


def _signature_of_2014(fields: list[Element]) -> SealSignature:
    """GM/T 0031-2014: SEQUENCE { toSign, signature }, certificate and algorithm inside toSign."""
    signed = fields[0].expect(SEQUENCE).children()
    if len(signed) != 7:
        raise DerError("not a TBS_Sign")
    read_integer(signed[0])
    seal = _seal(signed[1])
    if seal.generation is not SealGeneration.GMT_0031_2014:
        raise DerError("the signature and its seal are of different versions")
    signed_at, timestamp = _time_info(_bits(signed[2]))
    return SealSignature(
        generation=seal.generation,
        seal=seal,
        signed_at=signed_at,
        data_hash=_bits(signed[3]),
        property_info=_text(signed[4], IA5_STRING),
        signer_certificate=signed[5].expect(OCTET_STRING).content,
        signature_algorithm=read_object_identifier(signed[6]),
        signed_bytes=fields[0].whole,
        signature=_bits(fields[1]),
        timestamp=timestamp,
    )


def _time_info(content: bytes) -> tuple[datetime | None, bytes]:
    """A time, or a timestamp token: the standard of 2014 lets either stand in timeInfo."""
    for candidate in (content, encode(0x17, content), encode(GENERALIZED_TIME, content)):
        try:
            return read_time(read(candidate)), b""
        except DerError:
            continue
    return None, content


def _seal(element: Element) -> ElectronicSeal:
    fields = element.expect(SEQUENCE).children()
    if len(fields) == 2:
        return _seal_of_2014(element, fields)
    if not 4 <= len(fields) <= 5:
        raise DerError("not a SESeal")
    version, info = _seal_info(fields[0], dated_by=SealGeneration.GBT_38540_2020)
    if version not in {SealGeneration.GBT_38540_2020, SealGeneration.GMT_0031_2025}:
        raise DerError("a seal of a version that has another structure")
    generation = SealGeneration(version)
    if len(fields) == 5 and generation is not SealGeneration.GMT_0031_2025:
        raise DerError("a timestamp in a seal of a version that has none")
    return ElectronicSeal(
        generation=generation,
        info=info,
        maker_certificate=fields[1].expect(OCTET_STRING).content,
        signature_algorithm=read_object_identifier(fields[2]),
        signed_bytes=fields[0].whole,
        signature=_bits(fields[3]),
        timestamp=_bits(_wrapped(fields[4])) if len(fields) == 5 else b"",
        der=element.whole,
    )


def _seal_of_2014(element: Element, fields: list[Element]) -> ElectronicSeal:
    """SEQUENCE { eSealInfo, SEQUENCE { cert, signatureAlgorithm, signData } }, signed over SEQUENCE { eSealInfo, cert, … }."""
    _, info = _seal_info(fields[0], dated_by=SealGeneration.GMT_0031_2014)
    signing = fields[1].expect(SEQUENCE).children()
    if len(signing) != 3:
        raise DerError("not a SES_SignInfo")
    return ElectronicSeal(
        generation=SealGeneration.GMT_0031_2014,
        info=info,
        maker_certificate=signing[0].expect(OCTET_STRING).content,
        signature_algorithm=read_object_identifier(signing[1]),
        signed_bytes=encode(SEQUENCE, fields[0].whole, signing[0].whole, signing[1].whole),
        signature=_bits(signing[2]),
        timestamp=b"",
        der=element.whole,
    )


def _seal_info(element: Element, dated_by: SealGeneration) -> tuple[int, ElectronicSealInfo]:
    """The version that the header names, and the rest. `dated_by`: whose property structure to expect."""
    fields = element.expect(SEQUENCE).children()
    if not 4 <= len(fields) <= 5:
        raise DerError("not a SES_SealInfo")
    header = fields[0].expect(SEQUENCE).children()
    if len(header) != 3 or _text(header[0], IA5_STRING) != "ES":
        raise DerError("not a header of an electronic seal")
    picture = fields[3].expect(SEQUENCE).children()
    if len(picture) != 4:
        raise DerError("not a SES_ESPictrueInfo")
    properties = fields[2].expect(SEQUENCE).children()
    old = dated_by is SealGeneration.GMT_0031_2014
    if len(properties) != (6 if old else 7):
        raise DerError("not a SES_ESPropertyInfo")
    certificates, digests = _certificate_list(1 if old else read_integer(properties[2]), properties[-4])
    created_at, valid_from, valid_to = (
        read_time(item if old else item.expect(GENERALIZED_TIME)) for item in properties[-3:]
    )
    return read_integer(header[1]), ElectronicSealInfo(
        es_id=_text(fields[1], IA5_STRING),
        name=_text(properties[1], UTF8_STRING),
        picture_type=_text(picture[0], IA5_STRING),
        picture=picture[1].expect(OCTET_STRING).content,
        width_mm=read_integer(picture[2]),
        height_mm=read_integer(picture[3]),
        certificates=certificates,
        created_at=created_at,
        valid_from=valid_from,
        valid_to=valid_to,
        vid=_text(header[2], IA5_STRING),
        seal_type=read_integer(properties[0].expect(INTEGER)),
        certificate_digests=digests,
        extensions=_extensions(fields[4]) if len(fields) == 5 else (),
    )


def _certificate_list(kind: int, element: Element) -> tuple[tuple[bytes, ...], tuple[CertificateDigest, ...]]:
    """certListType 1: SEQUENCE OF OCTET STRING; 2: SEQUENCE OF SEQUENCE { PrintableString, OCTET STRING }."""
    items = element.expect(SEQUENCE).children()
    if kind == 1:
        return tuple(item.expect(OCTET_STRING).content for item in items), ()
    if kind != 2:
        raise DerError("a certificate list of an unknown kind")
    digests = []
    for item in items:
        parts = item.expect(SEQUENCE).children()
        if len(parts) != 2:
            raise DerError("not a CertDigestObj")
        digests.append(CertificateDigest(_text(parts[0], PRINTABLE_STRING), parts[1].expect(OCTET_STRING).content))
    return (), tuple(digests)


def _extensions(element: Element) -> tuple[tuple[str, bool], ...]:
    """SEQUENCE OF ExtData { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }."""
    found = []
    for item in element.expect(SEQUENCE).children():
        parts = item.expect(SEQUENCE).children()
        if not 2 <= len(parts) <= 3:
            raise DerError("not an ExtData")
        if len(parts) == 3 and parts[1].expect(_BOOLEAN).content != _TRUE:  # DER writes no default
            raise DerError("not a BOOLEAN in DER")
        parts[-1].expect(OCTET_STRING)
        found.append((read_object_identifier(parts[0]), len(parts) == 3))
    return tuple(found)


def _wrapped(element: Element) -> Element:
    inside = element.expect(EXPLICIT_0).children()
    if len(inside) != 1:
        raise DerError("not one element under an explicit tag")
    return inside[0]


def _bits(element: Element) -> bytes:
    """A BIT STRING of whole octets."""
    content = element.expect(BIT_STRING).content
    if content[:1] != b"\0":
        raise DerError("not a BIT STRING of whole octets")
    return content[1:]


def _text(element: Element, tag: int) -> str:
    content = element.expect(tag).content
    if len(content) > _MAX_TEXT:
        raise DerError("a text that is too long")
    try:
        return content.decode("utf-8" if tag == UTF8_STRING else "ascii")
    except UnicodeDecodeError:
        raise DerError("a text with other characters than its type has") from None
