"""RFC 3161 timestamps: the request, the response, and the evidence in a token. Strict DER; imprints by SHA-2 or SM3.

Signatures that `verify` knows: RSA with SHA-2, SM2 with SM3; ECDSA tokens can't be judged here. Not for asking an authority over
the network, nor for being one (`timestamp_authority`).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
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
    """A response or token is not what was asked for, or nobody trusted made it (`nobody_vouches`: that alone)."""

    def __init__(self, message: str, *, nobody_vouches: bool = False) -> None:
        super().__init__(Reason.TIMESTAMP_WRONG, message, "Ask the authority again; check its anchors.")
        self.nobody_vouches = nobody_vouches


@dataclass(frozen=True)
class TimestampEvidence:
    """Content with that digest existed at `moment` (UTC), says `authority` (RFC 4514). `serial`: the token's.

    `certificate`: the authority's; `certificates`: all that the token carries, DER.
    """

    moment: datetime
    serial: int
    policy: str
    authority: str
    certificate: bytes
    certificates: tuple[bytes, ...]


def timestamp_request(content: bytes, nonce: int, hash_name: str = "sha256") -> bytes:
    """TimeStampReq (clause 2.4.1) with the authority's certificate asked for, DER. `hash_name`: of the imprint, a hashlib name."""
    return timestamp_request_for(hash_name, hashlib.new(hash_name, content).digest(), nonce)


def timestamp_request_for(hash_name: str, digest: bytes, nonce: int) -> bytes:
    """The same for content whose digest is known."""
    return encode(SEQUENCE, integer(1), message_imprint(hash_name, digest), integer(nonce), _TRUE)


def message_imprint(hash_name: str, digest: bytes) -> bytes:
    """MessageImprint, DER; the hash algorithm's parameters as others write them: NULL with SHA-2, absent with SM3."""
    parameters = b"" if hash_name == "sm3" else NULL
    return encode(SEQUENCE, encode(SEQUENCE, oid.DIGESTS[hash_name], parameters), encode(OCTET_STRING, digest))


def verify_timestamp_response(
    response: bytes, content: bytes, trust: TrustStore, *, nonce: int | None = None
) -> TimestampEvidence:
    """Evidence from a TimeStampResp (clause 2.4.2). `nonce`: what was asked with; None: it was checked before.

    Raises:
        TimestampError: not granted, of another content or request, a wrong signature, or no path to an anchor at its time.
    """
    return verify_timestamp_token(granted_token(response), _digest_of(content), trust, nonce=nonce)


def verify_timestamp_token(
    token: bytes, digest_of: Callable[[str], bytes], trust: TrustStore, *, nonce: int | None = None
) -> TimestampEvidence:
    """Evidence from a TimeStampToken. `digest_of`: the stamped content's digest by a hash (a hashlib name).

    Raises:
        TimestampError: of another content or request, a wrong signature, or no path to an anchor at its time.
    """
    try:
        signed = verify_signed_data(token)
        if signed.content_type != _TST_INFO or signed.content is None:
            raise TimestampError("the token holds no timestamp")
        if not signed.names_its_certificate:  # RFC 3161, 2.4.2 and RFC 5816: a must
            raise TimestampError("the token does not name its signer's certificate")
        evidence = _read_info(signed, digest_of, nonce)
    except DerError as problem:
        raise TimestampError(f"not a timestamp in DER: {problem}") from None
    except (RequestError, VerificationError) as problem:
        raise TimestampError(f"the token is not to be relied on: {problem.message}") from None
    try:
        judge_path(signed.signer_certificate, signed.certificates, trust, evidence.moment, CertificateUsage.TIMESTAMPS)
    except (RequestError, VerificationError) as problem:
        told = f"the token is not to be relied on: {problem.message}"
        raise TimestampError(told, nobody_vouches=True) from None
    return evidence


def _digest_of(content: bytes) -> Callable[[str], bytes]:
    return lambda name: hashlib.new(name, content).digest()


def granted_token(response: bytes) -> bytes:
    """The token in a TimeStampResp (clause 2.4.2), not judged. Raises TimestampError."""
    if len(response) > MAX_RESPONSE_BYTES:
        raise TimestampError(f"the response is larger than {MAX_RESPONSE_BYTES} bytes")
    try:
        return _granted_token(response)
    except DerError as problem:
        raise TimestampError(f"not a timestamp response in DER: {problem}") from None


def _granted_token(response: bytes) -> bytes:
    parts = read(response).expect(SEQUENCE).children()
    if not 1 <= len(parts) <= 2:
        raise DerError("not a TimeStampResp")
    status = read_integer(parts[0].expect(SEQUENCE).children()[0])
    if status not in _GRANTED or len(parts) != 2:
        raise TimestampError(f"the authority did not grant a timestamp (status {status})")
    return parts[1].whole


def _read_info(signed: SignedDataEvidence, digest_of: Callable[[str], bytes], nonce: int | None) -> TimestampEvidence:
    assert signed.content is not None
    fields = read(signed.content).expect(SEQUENCE).children()
    if len(fields) < 5 or read_integer(fields[0]) != 1:
        raise DerError("not a TSTInfo of version 1")
    hash_name, imprint = read_imprint(fields[2])
    if not hmac.compare_digest(imprint, digest_of(hash_name)):
        raise TimestampError("the timestamp is of another content")
    moment = _read_moment(fields[4])
    given = [read_integer(item) for item in fields[5:] if item.tag == INTEGER]
    if nonce is not None and given != [nonce]:
        raise TimestampError("the timestamp answers another request")
    return TimestampEvidence(
        moment,
        _read_serial(fields[3]),
        read_object_identifier(fields[1]),
        Certificate.load(signed.signer_certificate).subject_text,
        signed.signer_certificate,
        tuple(signed.certificates),
    )


def _read_serial(element: Element) -> int:
    """Up to 160 bits (clause 2.4.2); some authorities' look negative."""
    return int.from_bytes(element.expect(INTEGER).content, "big")


def read_imprint(element: Element) -> tuple[str, bytes]:
    """The hash (a hashlib name) and the digest of a MessageImprint. Raises DerError, also for a hash that is not taken here."""
    parts = element.expect(SEQUENCE).children()
    algorithm = parts[0].expect(SEQUENCE).children() if len(parts) == 2 else []
    if not algorithm or [item.whole for item in algorithm[1:]] not in ([], [NULL]):
        raise DerError("not a MessageImprint")
    name = next((name for name, identifier in oid.DIGESTS.items() if identifier == algorithm[0].whole), None)
    digest = parts[1].expect(OCTET_STRING).content
    if name is None or len(digest) != hashlib.new(name).digest_size:
        raise DerError("an imprint of a hash that is not taken")
    return name, digest


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
