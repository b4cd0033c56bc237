"""Builds CMS SignedData (RFC 5652 clause 5, GB/T 35275-2017) with one signer, from parts made ready once per certificate.

Signed attributes: content-type, message-digest, signing-certificate-v2 (RFC 5035), and signing-time where asked for. What
is signed is their DER SET; the key is behind a signing callable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum

from signer.algorithms import SignatureAlgorithm, SignMessage, digest_name
from signer.certificates import Certificate
from signer.cms import object_identifiers as oid
from signer.cms.der import OCTET_STRING, SEQUENCE, SET, encode, integer, set_of

_VERSION_1 = integer(1)  # RFC 5652 clause 5.1: data content, signer by issuer and serial number
_VERSION_3 = integer(3)  # the same clause: content of another type


class Identifiers(Enum):
    """Whose content type identifiers stand in the structure: (SignedData, Data)."""

    RFC_5652 = (oid.RFC_SIGNED_DATA, oid.RFC_DATA)
    GBT_35275 = (oid.GBT_SIGNED_DATA, oid.GBT_DATA)


class SignedDataBuilder:
    """Makes SignedData for one certificate and algorithm. Stateless once made; any number of threads may use it."""

    def __init__(
        self,
        certificate: bytes,
        chain: Sequence[bytes],
        algorithm: SignatureAlgorithm,
        identifiers: Identifiers,
        content_type: bytes | None,
    ) -> None:
        name = digest_name(algorithm)
        facts = Certificate.load(certificate)
        issuer, serial = facts.issuer, integer(facts.serial)
        self._signed_data, data = identifiers.value
        self._content_type = content_type or data
        self._version = _VERSION_1 if content_type is None else _VERSION_3
        self._digest_algorithm = oid.digest_algorithm(name)
        self._signer = encode(SEQUENCE, issuer, serial)
        self._signature_algorithm = oid.signature_algorithm(algorithm)
        self._certificates = set_of([certificate, *chain], tag=0xA0)
        # ESSCertIDv2: the hash algorithm is left out where it is SHA-256, the default (RFC 5035 clause 4)
        certificate_id = encode(
            SEQUENCE,
            b"" if name == "sha256" else self._digest_algorithm,
            encode(OCTET_STRING, hashlib.new(name, certificate).digest()),
            encode(SEQUENCE, encode(SEQUENCE, encode(0xA4, issuer)), serial),
        )
        self._fixed_attributes = [
            _attribute(oid.CONTENT_TYPE, self._content_type),
            _attribute(oid.SIGNING_CERTIFICATE_V2, encode(SEQUENCE, encode(SEQUENCE, certificate_id))),
        ]

    @classmethod
    def for_certificate(
        cls,
        certificate: bytes,
        chain: Sequence[bytes],
        algorithm: SignatureAlgorithm,
        *,
        identifiers: Identifiers,
        content_type: bytes | None = None,
    ) -> SignedDataBuilder:
        """`certificate`: the signer's, DER. `chain`: certificates to carry beside it, DER. `content_type`: encoded, None for data.

        Raises:
            RequestError: CERTIFICATE_MALFORMED, ALGORITHM_UNKNOWN.
        """
        return cls(certificate, chain, algorithm, identifiers, content_type)

    def build(
        self,
        content_digest: bytes,
        sign: SignMessage,
        *,
        content: bytes | None,
        signing_time: datetime | None = None,
        timestamp: Callable[[bytes], bytes] | None = None,
        with_certificates: bool = True,
    ) -> bytes:
        """ContentInfo, DER. `content` None: detached. `content_digest`: by the algorithm's digest, without Z.

        `timestamp`: from the signature's value to a TimeStampToken, which becomes the only unsigned attribute (ETSI EN 319 122-1, 5.3).

        Raises:
            whatever the callables raise.
        """
        attributes = [*self._fixed_attributes, _attribute(oid.MESSAGE_DIGEST, encode(OCTET_STRING, content_digest))]
        if signing_time is not None:
            attributes.append(_attribute(oid.SIGNING_TIME, _time(signing_time)))
        ordered = b"".join(sorted(attributes))
        signature = sign(encode(SET, ordered))
        signer_info = encode(
            SEQUENCE,
            _VERSION_1,
            self._signer,
            self._digest_algorithm,
            encode(0xA0, ordered),
            self._signature_algorithm,
            encode(OCTET_STRING, signature),
            b"" if timestamp is None else encode(0xA1, _attribute(oid.SIGNATURE_TIMESTAMP, timestamp(signature))),
        )
        encapsulated = b"" if content is None else encode(0xA0, encode(OCTET_STRING, content))
        signed_data = encode(
            SEQUENCE,
            self._version,
            encode(SET, self._digest_algorithm),
            encode(SEQUENCE, self._content_type, encapsulated),
            self._certificates if with_certificates else b"",
            encode(SET, signer_info),
        )
        return encode(SEQUENCE, self._signed_data, encode(0xA0, signed_data))


def _attribute(identifier: bytes, value: bytes) -> bytes:
    return encode(SEQUENCE, identifier, encode(SET, value))


def _time(moment: datetime) -> bytes:
    # RFC 5652 clause 11.3: UTCTime through 2049, GeneralizedTime from 2050
    utc = moment.astimezone(UTC)
    if utc.year < 2050:
        return encode(0x17, utc.strftime("%y%m%d%H%M%SZ").encode())
    return encode(0x18, utc.strftime("%Y%m%d%H%M%SZ").encode())
