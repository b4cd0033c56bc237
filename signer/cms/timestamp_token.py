"""RFC 3161 timestamps: the request, the response, and the evidence in a token. Strict DER; SHA-256 imprints.

Signatures that `verify` knows: RSA with SHA-2, SM2 with SM3; ECDSA tokens can't be judged here. Not for asking an authority over
the network, nor for being one.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime

from signer.certificates import Certificate, TrustStore
from signer.certificates.path import CertificateUsage, judge_path
from signer.cms import object_identifiers as oid
from signer.cms.der import (
    INTEGER,
    NULL,
    OCTET_STRING,
    SEQUENCE,
    DerError,
    Element,
    encode,
    integer,
    read,
    read_integer,
    read_object_identifier,
)
from signer.cms.verify import SignedDataEvidence, verify_signed_data
from signer.errors import Reason, RequestError, SignerError, VerificationError

MAX_RESPONSE_BYTES = 64 * 1024
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_GENERALIZED_TIME = 0x18
_GRANTED = (0, 1)  # granted, grantedWithMods
_TRUE = b"\x01\x01\xff"


class TimestampError(SignerError):
    """A response or token is not what was asked for, or nobody trusted made it."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.TIMESTAMP_WRONG, message, "Ask the authority again; check its anchors.")


@dataclass(frozen=True)
class TimestampEvidence:
    """Content with that SHA-256 existed at `moment` (UTC), says `authority` (RFC 4514). `serial`: the token's."""

    moment: datetime
    serial: int
    policy: str
    authority: str


def timestamp_request(content: bytes, nonce: int) -> bytes:
    """TimeStampReq (clause 2.4.1) with the authority's certificate asked for, DER."""
    return encode(SEQUENCE, integer(1), _imprint(content), integer(nonce), _TRUE)


def verify_timestamp_response(
    response: bytes, content: bytes, trust: TrustStore, *, nonce: int | None = None
) -> TimestampEvidence:
    """Evidence from a TimeStampResp (clause 2.4.2). `nonce`: what was asked with; None: it was checked before.

    Raises:
        TimestampError: not granted, of another content or request, a wrong signature, or no path to an anchor at its time.
    """
    if len(response) > MAX_RESPONSE_BYTES:
        raise TimestampError(f"the response is larger than {MAX_RESPONSE_BYTES} bytes")
    try:
        token = _granted_token(response)
        signed = verify_signed_data(token)
        if signed.content_type != _TST_INFO or signed.content is None:
            raise TimestampError("the token holds no timestamp")
        if not signed.names_its_certificate:  # RFC 3161, 2.4.2 and RFC 5816: a must
            raise TimestampError("the token does not name its signer's certificate")
        evidence = _read_info(signed, content, nonce)
        judge_path(signed.signer_certificate, signed.certificates, trust, evidence.moment, CertificateUsage.TIMESTAMPS)
    except DerError as problem:
        raise TimestampError(f"not a timestamp response in DER: {problem}") from None
    except (RequestError, VerificationError) as problem:
        raise TimestampError(f"the token is not to be relied on: {problem.message}") from None
    return evidence


def _granted_token(response: bytes) -> bytes:
    parts = read(response).expect(SEQUENCE).children()
    if not 1 <= len(parts) <= 2:
        raise DerError("not a TimeStampResp")
    status = read_integer(parts[0].expect(SEQUENCE).children()[0])
    if status not in _GRANTED or len(parts) != 2:
        raise TimestampError(f"the authority did not grant a timestamp (status {status})")
    return parts[1].whole


def _read_info(signed: SignedDataEvidence, content: bytes, nonce: int | None) -> TimestampEvidence:
    assert signed.content is not None
    fields = read(signed.content).expect(SEQUENCE).children()
    if len(fields) < 5 or read_integer(fields[0]) != 1:
        raise DerError("not a TSTInfo of version 1")
    if not _same_imprint(fields[2], content):
        raise TimestampError("the timestamp is of another content")
    moment = _read_moment(fields[4])
    given = [read_integer(item) for item in fields[5:] if item.tag == INTEGER]
    if nonce is not None and given != [nonce]:
        raise TimestampError("the timestamp answers another request")
    authority = Certificate.load(signed.signer_certificate).subject_text
    return TimestampEvidence(moment, _read_serial(fields[3]), read_object_identifier(fields[1]), authority)


def _read_serial(element: Element) -> int:
    """Up to 160 bits (clause 2.4.2); some authorities' look negative."""
    return int.from_bytes(element.expect(INTEGER).content, "big")


def _same_imprint(element: Element, content: bytes) -> bool:
    parts = element.expect(SEQUENCE).children()
    if len(parts) != 2:
        raise DerError("not a MessageImprint")
    algorithm = parts[0].expect(SEQUENCE).children()
    named = algorithm[0].whole == oid.DIGESTS["sha256"] and [item.whole for item in algorithm[1:]] in ([], [NULL])
    return named and hmac.compare_digest(parts[1].expect(OCTET_STRING).content, hashlib.sha256(content).digest())


def _imprint(content: bytes) -> bytes:
    digest = hashlib.sha256(content).digest()
    return encode(SEQUENCE, encode(SEQUENCE, oid.DIGESTS["sha256"], NULL), encode(OCTET_STRING, digest))


def _read_moment(element: Element) -> datetime:
    """GeneralizedTime with up to microseconds (clause 2.4.2 allows fractions)."""
    text = element.expect(_GENERALIZED_TIME).content.decode("ascii", "replace")
    whole, dot, fraction = text.removesuffix("Z").partition(".")
    if not text.endswith("Z") or len(whole) != 14 or not text.isascii() or (dot and not fraction.isdecimal()):
        raise DerError("not a time in UTC")
    try:
        moment = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        return moment.replace(microsecond=int(fraction.ljust(6, "0")[:6]) if dot else 0)
    except ValueError:
        raise DerError("not a time") from None
