"""Seals a rendered document: one or more seals, each in its profile, one incremental update after the other.

Every seal asks for what its profile needs (a timestamp, validation data, a document timestamp) before the document is anybody's: what
can't be had stops the whole, and nothing half-sealed comes out. Not for who may seal (`seal`, `signing`), nor for keeping the result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from signer.algorithms import digest_name, sm3
from signer.authz import Actor
from signer.deadline import Deadline
from signer.documents.seal import SealProfile, SealWish, SealWorkshop
from signer.documents.timestamp_source import StampOrder, TimestampSource
from signer.errors import ApplianceError, Reason, RequestError
from signer.pades.embed import (
    BoxPlace,
    CrossPagePlace,
    Prepared,
    append_validation_data,
    prepare,
    prepare_timestamp,
)
from signer.pades.revised_pdf import RevisedPdf
from signer.pades.shape import SealedShape, ShapeMismatch, check_shape
from signer.pades.update_plan import ValidationData
from signer.signing import DocumentSigner

_TIMESTAMP_RESERVE = 16_384
# A chain, and a token with a chain of its own.
_RESERVE = 8_192
_RESERVE_WITH_TOKEN = _RESERVE + _TIMESTAMP_RESERVE
_TIMESTAMPED = frozenset({SealProfile.PADES_T, SealProfile.PADES_LT, SealProfile.PADES_LTA})
_LONG_TERM = frozenset({SealProfile.PADES_LT, SealProfile.PADES_LTA})
# DocMDP (ISO 32000-2, table 257): no changes; further signatures. Validation data and document timestamps are always allowed.
_NO_CHANGES, _FURTHER_SIGNATURES = 1, 2


@dataclass(frozen=True)
class AuthorisedSeal:
    """A seal that may be made: the wish, where it stands on this document, and the capability to sign."""

    wish: SealWish
    places: Sequence[BoxPlace | CrossPagePlace]
    sign: DocumentSigner


@dataclass(frozen=True)
class SealedDocument:
    """`sm3`: of the whole file. `signed_sm3`: of what the last seal covers; the issue register finds the document by either."""

    pdf: bytes
    sm3: bytes
    signed_sm3: bytes


class ValidationDataSource(Protocol):
    """Finds what proves today that certificates are good."""

    def collect(self, shape: SealedShape, deadline: Deadline) -> ValidationData:
        """Certificates and fresh revocation lists for every signature and timestamp that there is.

        Raises:
            ApplianceError: REVOCATION_UNAVAILABLE.
        """
        ...


class Sealing:
    """Puts seals onto rendered documents."""

    def __init__(
        self,
        workshop: SealWorkshop,
        timestamps: TimestampSource | None,
        validation_data: ValidationDataSource | None,
    ) -> None:
        """None: nobody stamps, or nobody knows validation data; profiles that need it are refused."""
        self.workshop = workshop
        self._timestamps = timestamps
        self._validation_data = validation_data

    def check_profile(self, profile: SealProfile) -> None:
        """Raises RequestError (NOT_SUPPORTED) for a profile that this appliance can't make; before any key is used."""
        if profile in _TIMESTAMPED and self._timestamps is None:
            raise RequestError(
                Reason.NOT_SUPPORTED,
                f"{profile.name}: this appliance has no timestamp authority that its seals may rely on",
                "Configure [timestamps], or ask for PROFILE_PADES_B.",
            )
        if profile in _LONG_TERM and self._validation_data is None:
            raise RequestError(
                Reason.NOT_SUPPORTED,
                f"{profile.name}: this appliance knows no revocation lists of its seals' authorities",
                "Configure [revocation], or ask for PROFILE_PADES_T.",
            )

    def seal(
        self, rendered: bytes, seals: Sequence[AuthorisedSeal], actor: Actor, at: datetime, deadline: Deadline
    ) -> SealedDocument:
        """The sealed document. `at`: the signing time that it claims, whole seconds.

        Raises:
            RequestError: a place that is off the page, or no place for a seal.
            HsmError, ApplianceError: something stopped it; nothing is to be released.
        """
        document = RevisedPdf.read_rendered(rendered)
        prepared: Prepared | None = None
        for position, item in enumerate(seals):
            certification = 0 if position else _NO_CHANGES if len(seals) == 1 else _FURTHER_SIGNATURES
            prepared = self._prepare(document, item, at, certification)
            document = prepared.revised(prepared.fill(self._content(prepared, item, actor, at, deadline)))
            deadline.remaining()
        assert prepared is not None  # there is one seal at least
        last = document
        profiles = {item.wish.profile for item in seals}
        if profiles & _LONG_TERM:
            document = self._with_validation_data(document, deadline)
        if SealProfile.PADES_LTA in profiles:
            document = self.stamp(document, seals[-1].sign, actor, deadline)
        _own_shape(document.data)
        whole = prepared.digest_filled("sm3", document.data) if document is last else sm3.digest(document.data)
        return SealedDocument(document.data, whole, prepared.digest("sm3"))

    def stamp(self, document: RevisedPdf, sign: DocumentSigner, actor: Actor, deadline: Deadline) -> RevisedPdf:
        """With a document timestamp over all that is there. Raises as `seal`."""
        assert self._timestamps is not None  # check_profile
        prepared = prepare_timestamp(document, contents_reserve=_TIMESTAMP_RESERVE, validation_data=ValidationData())
        token = self._timestamps.stamp(StampOrder(sign, actor, prepared.digest, deadline))
        return prepared.revised(prepared.fill(token))

    def _prepare(self, document: RevisedPdf, item: AuthorisedSeal, at: datetime, certification: int) -> Prepared:
        wish = item.wish
        return prepare(
            document,
            appearance=self.workshop.appearance,
            places=item.places,
            reason=wish.reason or "签发电子保单",
            signer_name=self.workshop.config.company,
            signed_at=at,
            kind=self.workshop.kind(wish.profile),
            contents_reserve=self._reserve(wish.profile),
            certification=certification,
        )

    def _reserve(self, profile: SealProfile) -> int:
        if profile is SealProfile.GBT_38540:
            return _RESERVE + self.workshop.electronic_seal_size
        return _RESERVE_WITH_TOKEN if profile in _TIMESTAMPED else _RESERVE

    def _content(
        self, prepared: Prepared, item: AuthorisedSeal, actor: Actor, at: datetime, deadline: Deadline
    ) -> bytes:
        """What goes into the gap: CMS, or a signature with an electronic seal."""
        sign = item.sign
        if item.wish.profile is SealProfile.GBT_38540:
            return self.workshop.electronic_seal_signature(sign, prepared.digest("sm3"), at)
        builder = self.workshop.builder(sign.key, sign.algorithm)
        timestamp = None
        if item.wish.profile in _TIMESTAMPED:

            def timestamp(signature: bytes) -> bytes:
                assert self._timestamps is not None  # check_profile
                order = StampOrder(sign, actor, lambda name: _digest(name, signature), deadline)
                return self._timestamps.stamp(order)

        return builder.build(prepared.digest(digest_name(sign.algorithm)), sign, content=None, timestamp=timestamp)

    def _with_validation_data(self, document: RevisedPdf, deadline: Deadline) -> RevisedPdf:
        assert self._validation_data is not None  # check_profile
        found = self._validation_data.collect(_own_shape(document.data), deadline)
        return append_validation_data(document, found)


def _own_shape(pdf: bytes) -> SealedShape:
    """What our own gate would refuse is never released. Raises ApplianceError."""
    try:
        return check_shape(pdf)
    except ShapeMismatch as problem:
        raise ApplianceError(
            Reason.OWN_SIGNATURE_WRONG, "the sealed document is not of our own shape; it was not released"
        ) from problem


def _digest(hash_name: str, content: bytes) -> bytes:
    return hashlib.new(hash_name, content).digest()
