"""Being an RFC 3161 timestamp authority: reads requests, makes tokens and responses. The key is behind a signing callable.

Strict DER; imprints by SHA-2 or SM3. Not for asking one, nor for judging tokens (`timestamp_token`); who may ask, and what time it is,
is the caller's business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from signer.algorithms import SignatureAlgorithm, SignMessage, digest_name
from signer.cms import object_identifiers as oid
from signer.cms.der import (
    INTEGER,
    OBJECT_IDENTIFIER,
    SEQUENCE,
    DerError,
    Element,
    encode,
    integer,
    object_identifier,
    read,
    read_integer,
    read_object_identifier,
)
from signer.cms.signed_data import Identifiers, SignedDataBuilder
from signer.cms.timestamp_token import message_imprint, read_imprint

MAX_REQUEST_BYTES = 4096
_MAX_NONCE_BYTES = 64
_BOOLEAN, _GENERALIZED_TIME, _BIT_STRING, _UTF8_STRING = 0x01, 0x18, 0x03, 0x0C
_TRUE, _FALSE = b"\xff", b"\x00"
_GRANTED, _REJECTION = 0, 2
_EXTENSIONS = 0xA0
_MILLIS = 0x80  # [0] of Accuracy


class Failure(IntEnum):
    """PKIFailureInfo, the bits that RFC 3161 clause 2.4.2 names."""

    BAD_ALGORITHM = 0
    BAD_REQUEST = 2
    BAD_DATA_FORMAT = 5
    TIME_NOT_AVAILABLE = 14
    UNACCEPTED_POLICY = 15
    UNACCEPTED_EXTENSION = 16
    SYSTEM_FAILURE = 25


class TimestampRefused(Exception):
    """A request that gets no token; `failure` says why in the protocol's terms, the text in English, safe to show."""

    def __init__(self, failure: Failure, text: str) -> None:
        super().__init__(text)
        self.failure = failure
        self.text = text


@dataclass(frozen=True)
class TimestampRequest:
    """TimeStampReq (clause 2.4.1). `hash_name`: a hashlib name. `nonce`: None where there was none. `policy`: dotted, or None."""

    hash_name: str
    digest: bytes
    nonce: int | None = None
    policy: str | None = None
    certificates_wanted: bool = True


def read_timestamp_request(der: bytes) -> TimestampRequest:
    """The parts of a request. Raises TimestampRefused."""
    if len(der) > MAX_REQUEST_BYTES:
        raise TimestampRefused(Failure.BAD_DATA_FORMAT, f"a request has up to {MAX_REQUEST_BYTES} bytes")
    try:
        fields = read(der).expect(SEQUENCE).children()
        if len(fields) < 2 or read_integer(fields[0]) != 1:
            raise TimestampRefused(Failure.BAD_REQUEST, "not a TimeStampReq of version 1")
        hash_name, digest = _read_imprint(fields[1])
        policy, nonce, certificates_wanted = _read_options(fields[2:])
    except DerError as problem:
        raise TimestampRefused(Failure.BAD_DATA_FORMAT, f"not a TimeStampReq in DER: {problem}") from None
    return TimestampRequest(hash_name, digest, nonce, policy, certificates_wanted)


def _read_imprint(element: Element) -> tuple[str, bytes]:
    try:
        return read_imprint(element)
    except DerError:
        names = ", ".join(oid.DIGESTS)
        raise TimestampRefused(Failure.BAD_ALGORITHM, f"the imprint must be one of {names}, of its length") from None


def _read_options(fields: Sequence[Element]) -> tuple[str | None, int | None, bool]:
    """reqPolicy, nonce, certReq: each at most once, in this order."""
    rest = list(fields)
    policy = read_object_identifier(rest.pop(0)) if rest and rest[0].tag == OBJECT_IDENTIFIER else None
    nonce = None
    if rest and rest[0].tag == INTEGER:
        nonce = read_integer(rest[0])
        if len(rest.pop(0).content) > _MAX_NONCE_BYTES:
            raise DerError("a nonce longer than anybody needs")
    wanted = False
    if rest and rest[0].tag == _BOOLEAN:
        wanted = rest.pop(0).content == _TRUE  # FALSE is the default, which DER leaves out; some clients write it
    if rest and rest[0].tag == _EXTENSIONS:
        raise TimestampRefused(Failure.UNACCEPTED_EXTENSION, "extensions are not taken")
    if rest:
        raise DerError("more fields than a TimeStampReq has")
    return policy, nonce, wanted


class TokenBuilder:
    """Makes TimeStampTokens with one certificate. Stateless once made; any number of threads may use it."""

    def __init__(
        self,
        certificate: bytes,
        chain: Sequence[bytes],
        algorithm: SignatureAlgorithm,
        *,
        policy: str,
        accuracy_ms: int,
    ) -> None:
        """`policy`: dotted, what the authority promises. `accuracy_ms`: how far off its clock may be, below a second.

        Raises:
            RequestError: CERTIFICATE_MALFORMED, ALGORITHM_UNKNOWN.
        """
        self.policy = policy
        self._algorithm = algorithm
        self._policy = object_identifier(policy)
        # Accuracy ::= SEQUENCE { seconds INTEGER OPTIONAL, millis [0] INTEGER (1..999) OPTIONAL, … }
        self._accuracy = encode(SEQUENCE, encode(_MILLIS, integer(accuracy_ms)[2:]))
        self._builder = SignedDataBuilder.for_certificate(
            certificate, chain, algorithm, identifiers=Identifiers.RFC_5652, content_type=oid.TST_INFO
        )

    def build(self, request: TimestampRequest, *, serial: int, moment: datetime, sign: SignMessage) -> bytes:
        """A token, DER. `serial`: never the same again.

        Raises:
            TimestampRefused: the request wants another policy.
            and whatever the signing callable raises.
        """
        if request.policy not in {None, self.policy}:
            raise TimestampRefused(Failure.UNACCEPTED_POLICY, f"the policy of this authority is {self.policy}")
        info = encode(
            SEQUENCE,
            integer(1),
            self._policy,
            message_imprint(request.hash_name, request.digest),
            integer(serial),
            encode(_GENERALIZED_TIME, _time(moment)),
            self._accuracy,
            b"" if request.nonce is None else integer(request.nonce),
        )
        digest = hashlib.new(digest_name(self._algorithm), info).digest()
        return self._builder.build(digest, sign, content=info, with_certificates=request.certificates_wanted)


def granted(token: bytes) -> bytes:
    """TimeStampResp with a token, DER (clause 2.4.2)."""
    return encode(SEQUENCE, encode(SEQUENCE, integer(_GRANTED)), token)


def rejected(refusal: TimestampRefused) -> bytes:
    """TimeStampResp without one: why, as a bit and in English."""
    unused, octets = 7 - refusal.failure % 8, bytearray(refusal.failure // 8 + 1)
    octets[-1] = 1 << unused
    text = encode(SEQUENCE, encode(_UTF8_STRING, refusal.text.encode()))
    failure = encode(_BIT_STRING, bytes((unused,)), bytes(octets))
    return encode(SEQUENCE, encode(SEQUENCE, integer(_REJECTION), text, failure))


def _time(moment: datetime) -> bytes:
    """GeneralizedTime with the fraction that is needed, in UTC (clause 2.4.2: no trailing zeros)."""
    utc = moment.astimezone(UTC)
    fraction = f"{utc.microsecond // 1000:03d}".rstrip("0")
    return (utc.strftime("%Y%m%d%H%M%S") + (f".{fraction}" if fraction else "") + "Z").encode()
