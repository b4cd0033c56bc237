"""Makes electronic seals and signatures with them: GB/T 38540-2020, structure version 4, SM2 with SM3.

Two acts by two keys, each behind a signing callable (`SignMessage`: takes the message, returns the SM2 signature over
SM3(Z ‖ message) with the default ID, DER):

1. `build_electronic_seal`: the seal maker (制章者) signs the seal's name, picture, validity and the certificates of those who may
   use it. Done once; the result (SESeal) is kept as a file.
2. `build_seal_signature`: a signer whose certificate the seal lists signs the seal together with a document's digest. In a PDF
   the digest is SM3 of the bytes that /ByteRange names, and the result (SES_Signature) is what /Contents holds.

Not for reading (`electronic_seal_structure`) nor for judging (`electronic_seal_verify`), and not for older versions, which are
read only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

from signer.algorithms import KeyType, SignMessage, load_public_key
from signer.certificates import Certificate
from signer.cms.der import (
    OCTET_STRING,
    SEQUENCE,
    DerError,
    encode,
    integer,
    object_identifier,
)
from signer.cms.electronic_seal_structure import (
    BIT_STRING,
    EXPLICIT_0,
    GENERALIZED_TIME,
    IA5_STRING,
    PRINTABLE_STRING,
    UTF8_STRING,
    CertificateDigest,
    ElectronicSeal,
    ElectronicSealInfo,
    SealGeneration,
    read_electronic_seal,
    read_seal_signature,
)
from signer.errors import Reason, RequestError

_VERSION = integer(SealGeneration.GBT_38540_2020)
_SM2_WITH_SM3 = object_identifier("1.2.156.10197.1.501")
_CERTIFICATES, _DIGESTS = integer(1), integer(2)  # certListType
_SM3_BYTES = 32
_MAX_MILLIMETRES = 1_000


def build_electronic_seal(info: ElectronicSealInfo, maker_certificate: bytes, sign: SignMessage) -> bytes:
    """SESeal, DER. `maker_certificate`: the seal maker's, DER; `sign`: by its key, over DER of SES_SealInfo alone.

    The certificate list is of type 1 where `info` has certificates, of type 2 where it has digests (`certificate_digest`).
    Times are written to the second, in UTC.

    Raises:
        RequestError: SEAL_INVALID, for facts that no verifier would take; CERTIFICATE_MALFORMED; and whatever `sign` raises.
    """
    _check_info(info)
    _check_sm2(maker_certificate)
    encoded = _seal_info(info)
    seal = encode(
        SEQUENCE,
        encoded,
        encode(OCTET_STRING, maker_certificate),
        _SM2_WITH_SM3,
        _bits(sign(encoded)),
    )
    return _as_read_by(read_electronic_seal, seal)


def build_seal_signature(
    eseal: bytes,
    data_hash: bytes,
    signed_at: datetime,
    property_info: str,
    signer_certificate: bytes,
    sign: SignMessage,
    timestamp: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """SES_Signature, DER, over a document's digest.

    `eseal`: SESeal of version 4, DER. `data_hash`: SM3, 32 bytes. `property_info`: ASCII, what the digest is of (in a PDF the
    name of the signature field serves). `sign`: by the signer's key, over DER of TBS_Sign. `timestamp`: gets the signature value
    (DER) and returns an RFC 3161 token (ContentInfo, DER) over it.

    Raises:
        RequestError: SEAL_INVALID (not such a seal, the signer is not listed in it, it is not valid at `signed_at`, …),
            CERTIFICATE_MALFORMED; and whatever `sign` and `timestamp` raise.
    """
    seal = _usable_seal(eseal, signer_certificate, signed_at)
    if len(data_hash) != _SM3_BYTES:
        raise _refused(f"the document's digest has {len(data_hash)} bytes, SM3 has {_SM3_BYTES}", "Digest by SM3.")
    _check_sm2(signer_certificate)
    to_sign = encode(
        SEQUENCE,
        _VERSION,
        seal.der,
        _time(signed_at),
        _bits(data_hash),
        _ascii(IA5_STRING, property_info),
    )
    signature = sign(to_sign)
    stamped = b"" if timestamp is None else encode(EXPLICIT_0, _bits(timestamp(signature)))
    made = encode(
        SEQUENCE,
        to_sign,
        encode(OCTET_STRING, signer_certificate),
        _SM2_WITH_SM3,
        _bits(signature),
        stamped,
    )
    return _as_read_by(read_seal_signature, made)


def certificate_digest(certificate: bytes) -> CertificateDigest:
    """How a certificate (DER) stands in a list of type 2: its SM3."""
    return CertificateDigest("SM3", hashlib.new("sm3", certificate).digest())


def _as_read_by(reader: Callable[[bytes], object], made: bytes) -> bytes:
    """What was made, once the reader took it: sizes and characters have their bounds there."""
    try:
        reader(made)
    except DerError as problem:
        raise _refused(f"no reader would take it: {problem}", "Use shorter texts and a smaller picture.") from None
    return made


def _usable_seal(eseal: bytes, signer_certificate: bytes, at: datetime) -> ElectronicSeal:
    try:
        seal = read_electronic_seal(eseal)
    except DerError as problem:
        raise _refused(f"not an electronic seal: {problem}", "Give a SESeal of GB/T 38540-2020, DER.") from None
    if seal.generation is not SealGeneration.GBT_38540_2020:
        raise _refused("the seal is of another version than 4", "Have a seal of GB/T 38540-2020 made.")
    info = seal.info
    listed = {item.value for item in info.certificate_digests}
    if signer_certificate not in info.certificates and certificate_digest(signer_certificate).value not in listed:
        raise _refused("the seal does not list the signer's certificate", "Have a seal made for this certificate.")
    if not info.valid_from <= at <= info.valid_to:
        raise _refused("the seal is not valid at the time of signing", "Have a new seal made.")
    return seal


def _seal_info(info: ElectronicSealInfo) -> bytes:
    by_certificates = bool(info.certificates)
    listed = (
        [encode(OCTET_STRING, certificate) for certificate in info.certificates]
        if by_certificates
        else [
            encode(SEQUENCE, _ascii(PRINTABLE_STRING, item.kind), encode(OCTET_STRING, item.value))
            for item in info.certificate_digests
        ]
    )
    return encode(
        SEQUENCE,
        encode(SEQUENCE, encode(IA5_STRING, b"ES"), _VERSION, _ascii(IA5_STRING, info.vid)),
        _ascii(IA5_STRING, info.es_id),
        encode(
            SEQUENCE,
            integer(info.seal_type),
            encode(UTF8_STRING, info.name.encode()),
            _CERTIFICATES if by_certificates else _DIGESTS,
            encode(SEQUENCE, *listed),
            _time(info.created_at),
            _time(info.valid_from),
            _time(info.valid_to),
        ),
        encode(
            SEQUENCE,
            _ascii(IA5_STRING, info.picture_type),
            encode(OCTET_STRING, info.picture),
            integer(info.width_mm),
            integer(info.height_mm),
        ),
    )


def _check_info(info: ElectronicSealInfo) -> None:
    if bool(info.certificates) == bool(info.certificate_digests):
        raise _refused("a seal lists certificates or digests of certificates", "Give one of the two, not empty.")
    if not (info.es_id and info.name and info.picture_type and info.picture):
        raise _refused("a seal has an identifier, a name and a picture", "Give all of them.")
    if not info.valid_from < info.valid_to:
        raise _refused("the seal's validity ends before it begins", "Give valid_from before valid_to.")
    if not (0 < info.width_mm <= _MAX_MILLIMETRES and 0 < info.height_mm <= _MAX_MILLIMETRES):
        raise _refused("the picture's size is out of range", f"Give 1 to {_MAX_MILLIMETRES} mm each way.")
    if info.seal_type not in {1, 2} or info.extensions:
        raise _refused("a seal of this kind is not made here", "Type 1 or 2, no extensions.")
    for certificate in info.certificates:
        _check_sm2(certificate)


def _check_sm2(certificate: bytes) -> None:
    if load_public_key(Certificate.load(certificate).public_key).key_type is not KeyType.SM2:
        raise _refused("a certificate has another key than SM2", "GB/T 38540 seals are made and used with SM2 keys.")


def _bits(content: bytes) -> bytes:
    return encode(BIT_STRING, b"\0", content)


def _time(moment: datetime) -> bytes:
    return encode(GENERALIZED_TIME, moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def _ascii(tag: int, text: str) -> bytes:
    if not text.isascii():
        raise _refused(
            "identifier, vendor's mark, picture type and property are ASCII texts", "Leave other characters out."
        )
    return encode(tag, text.encode())


def _refused(message: str, remedy: str) -> RequestError:
    return RequestError(Reason.SEAL_INVALID, message, remedy)
