"""Documents of ours with more than one update: timestamps, validation data, archive timestamps, two seals.

Made by our own rooms, the timestamps too, with keys in software. Documents of one update: `sealed_documents`.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from functools import cache, partial

from signer.algorithms import digest_name
from signer.cms.signed_data import Identifiers, SignedDataBuilder
from signer.cms.timestamp_authority import TimestampRequest, TokenBuilder
from signer.pades.embed import BoxPlace, append_validation_data, prepare, prepare_timestamp
from signer.pades.revised_pdf import RevisedPdf
from signer.pades.update_plan import ValidationData
from tests.fuzz.authorities import DAY, NOW, Authority
from tests.fuzz.rendered_documents import DrawnSeal
from tests.fuzz.sealed_documents import RSA, SIGNED_AT, SM2, Pki

_RESERVE = 16_384


@cache
def time_authority(*, sm2: bool = False) -> Authority:
    """Whose timestamps these documents bear."""
    return Authority.new(SM2 if sm2 else RSA, "Example Time")


@cache
def _clock(*, sm2: bool) -> tuple[Pki, TokenBuilder]:
    pki = time_authority(sm2=sm2).timestamps()
    return pki, TokenBuilder(pki.certificate, pki.chain, pki.algorithm, policy="1.3.6.1.4.1.99999.1", accuracy_ms=100)


def token(stamped: bytes, *, sm2: bool) -> bytes:
    """A timestamp token over some bytes, of a moment after they were signed."""
    pki, builder = _clock(sm2=sm2)
    name = digest_name(pki.algorithm)
    request = TimestampRequest(name, hashlib.new(name, stamped).digest())
    moment = SIGNED_AT + timedelta(seconds=1)
    return builder.build(request, serial=secrets.randbits(64), moment=moment, sign=pki.key.sign)


def with_timestamped_seal(
    document: bytes | RevisedPdf, pki: Pki, *, place: BoxPlace, certification: int = 0
) -> RevisedPdf:
    """One more seal with a signature timestamp beside it (PAdES B-T)."""
    prepared = prepare(
        document,
        appearance=DrawnSeal(),
        places=(place,),
        signer_name="示例财产保险股份有限公司",
        signed_at=SIGNED_AT,
        contents_reserve=_RESERVE,
        certification=certification,
    )
    builder = SignedDataBuilder.for_certificate(
        pki.certificate, pki.chain, pki.algorithm, identifiers=Identifiers.RFC_5652
    )
    digest = prepared.digest(digest_name(pki.algorithm))
    stamp = partial(token, sm2=pki.algorithm is SM2)
    return prepared.revised(prepared.fill(builder.build(digest, pki.key.sign, content=None, timestamp=stamp)))


def with_validation_data(document: RevisedPdf, *pkis: Pki) -> RevisedPdf:
    """With the certificates of these signers and of the timestamps, and a list of the timestamps' authority (B-LT)."""
    lists = tuple(time_authority(sm2=sm2).crl({}, next_update=NOW + 30 * DAY) for sm2 in (False, True))
    certificates = dict.fromkeys(der for pki in pkis for der in (pki.certificate, *pki.chain))
    return append_validation_data(document, ValidationData(tuple(certificates), lists))


def with_archive_timestamp(document: RevisedPdf, *, sm2: bool = False) -> RevisedPdf:
    """With a document timestamp over all of it (B-LTA)."""
    prepared = prepare_timestamp(document, contents_reserve=_RESERVE, validation_data=ValidationData())
    # The digest that a token is about is computed here over the covered bytes, as they stand on both sides of the gap.
    whole = prepared.fill(b"\x30\x00")
    _, start, end, _ = prepared.byte_range
    return prepared.revised(prepared.fill(token(whole[:start] + whole[end:], sm2=sm2)))
