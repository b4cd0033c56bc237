"""Seals a rendered document: one or more seals, each in its profile, one incremental update after the other.

Every seal asks for what its profile needs (a timestamp, validation data, a document timestamp) before the document is anybody's: what
can't be had stops the whole, and nothing half-sealed comes out. Not for who may seal (`seal`, `signing`), nor for keeping the result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Protocol

from signer.algorithms import SignatureAlgorithm, digest_name, sm3
from signer.audit import Receipt
from signer.authz import Actor
from signer.deadline import Deadline
from signer.documents.proof_end import proof_end
from signer.documents.seal import SealProfile, SealWish, SealWorkshop, Shown
from signer.documents.timestamp_authority import StampOrder
from signer.documents.timestamp_source import TimestampSource
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
from signer.pades.shape import ShapeMismatch, check_shape
from signer.pades.update_plan import NO_VALIDATION_DATA, ValidationData
from signer.signing import DocumentSigner

TIMESTAMP_RESERVE = 16_384
# A chain, and a token with a chain of its own.
_RESERVE = 8_192
_RESERVE_WITH_TOKEN = _RESERVE + TIMESTAMP_RESERVE
TIMESTAMPED = frozenset({SealProfile.PADES_T, SealProfile.PADES_LT, SealProfile.PADES_LTA})
LONG_TERM = frozenset({SealProfile.PADES_LT, SealProfile.PADES_LTA})
# DocMDP (ISO 32000-2, table 257): no changes; further signatures. Validation data and document timestamps are always allowed.
_NO_CHANGES, _FURTHER_SIGNATURES = 1, 2


@dataclass(frozen=True)
class AuthorisedSeal:
    """A seal that may be made: the wish, where it stands on this document, and the capability to sign.

    `beside`: what other seals show, drawn in this one's update, and where.
    """

    wish: SealWish
    places: Sequence[BoxPlace | CrossPagePlace]
    sign: DocumentSigner
    beside: Sequence[tuple[Shown, BoxPlace | CrossPagePlace]] = ()

    @property
    def shown(self) -> Shown:
        """What its picture depends on."""
        return Shown(self.sign.key.name, self.wish.profile)


def drawn_by_the_first(seals: Sequence[AuthorisedSeal]) -> list[AuthorisedSeal]:
    """The same seals with the same pictures, but a later one draws nothing beside its own signature field.

    What else it shows stands in the first one's update: a picture that is added to a signed document counts as a change of it, and no
    reader could tell it from a forged one (ISO 32000-2, 12.8.2.2: annotations are not among what signing may add).
    """
    first, *later = seals
    kept: list[AuthorisedSeal] = []
    moved: list[tuple[Shown, BoxPlace | CrossPagePlace]] = []
    for item in later:
        own = next((place for place in item.places if isinstance(place, BoxPlace)), None)
        moved += [(item.shown, place) for place in item.places if place is not own]
        kept.append(replace(item, places=() if own is None else (own,)))
    return [replace(first, beside=tuple(moved)), *kept]


@dataclass(frozen=True)
class SealedDocument:
    """`sm3`: of the whole file. `signed_sm3`: of what the last seal covers; the issue register finds the document by either.

    `proof_ends_at`: see `proof_end`.
    """

    pdf: bytes
    sm3: bytes
    signed_sm3: bytes
    proof_ends_at: datetime


class Gap(Protocol):
    """A document that lacks nothing but its signature."""

    def digest(self, hash_name: str) -> bytes:
        """Of all bytes but the gap; `hash_name`: a hashlib name."""
        ...

    def fill(self, content: bytes) -> bytes:
        """The sealed document. Raises ApplianceError."""
        ...


class ValidationDataSource(Protocol):
    """Finds what proves today that certificates are good."""

    def collect(self, signatures: Sequence[bytes]) -> ValidationData:
        """Certificates and current revocation lists for signatures and the timestamps in them: CMS or SES_Signature, DER each.

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
        if profile in TIMESTAMPED and self._timestamps is None:
            raise RequestError(
                Reason.NOT_SUPPORTED,
                f"{profile.name}: this appliance has no timestamp authority that its seals may rely on",
                "Configure [timestamps], or ask for PROFILE_PADES_B.",
            )
        if profile in LONG_TERM and self._validation_data is None:
            raise RequestError(
                Reason.NOT_SUPPORTED,
                f"{profile.name}: this appliance knows no revocation lists of its seals' authorities",
                "Configure [seal] crl_directory, or ask for PROFILE_PADES_T.",
            )

    def seal(
        self, rendered: bytes, seals: Sequence[AuthorisedSeal], actor: Actor, at: datetime, deadline: Deadline
    ) -> SealedDocument:
        """The sealed document. `at`: the signing time that it claims, whole seconds.

        Raises:
            RequestError: a place that is off the page, or no place for a seal.
            HsmError, ApplianceError: something stopped it; nothing is to be released.
        """
        seals = drawn_by_the_first(seals)
        document = RevisedPdf.read_rendered(rendered)
        prepared: Prepared | None = None
        made: list[bytes] = []
        for position, item in enumerate(seals):
            certification = 0 if position else _NO_CHANGES if len(seals) == 1 else _FURTHER_SIGNATURES
            prepared = self._prepare(document, item, at, certification)
            made.append(self.content(prepared, item, actor, at, deadline))
            document = prepared.revised(prepared.fill(made[-1]))
            deadline.remaining()
        assert prepared is not None  # there is one seal at least
        last = document
        profiles = {item.wish.profile for item in seals}
        if profiles & LONG_TERM:
            document = append_validation_data(document, self.validation_data(made))
        stamped: bytes | None = None
        if SealProfile.PADES_LTA in profiles:
            document, stamped = self._stamp(document, seals[-1].sign, actor, deadline)
        _check_own_shape(document.data)
        whole = prepared.digest_filled("sm3", document.data) if document is last else sm3.digest(document.data)
        return SealedDocument(document.data, whole, prepared.digest("sm3"), proof_end(made, stamped))

    def _stamp(
        self, document: RevisedPdf, sign: DocumentSigner, actor: Actor, deadline: Deadline
    ) -> tuple[RevisedPdf, bytes]:
        """With a document timestamp over all that is there, and its token."""
        prepared = prepare_timestamp(document, contents_reserve=TIMESTAMP_RESERVE, validation_data=NO_VALIDATION_DATA)
        token = self.token(prepared, sign, actor, deadline)
        return prepared.revised(prepared.fill(token)), token

    def token(self, gap: Gap, sign: DocumentSigner, actor: Actor, deadline: Deadline) -> bytes:
        """The token of a document timestamp. Raises ApplianceError."""
        return self._stamped(sign, actor, gap.digest, deadline)

    def renewing_token(self, gap: Gap, actor: Actor, receipts: list[Receipt], deadline: Deadline) -> bytes:
        """The token of a document timestamp that renews another's proof. Raises AccessError, ApplianceError."""
        assert self._timestamps is not None  # check_profile
        return self._timestamps.stamp(StampOrder(actor, gap.digest, deadline, receipts))

    def _prepare(self, document: RevisedPdf, item: AuthorisedSeal, at: datetime, certification: int) -> Prepared:
        wish, picture = item.wish, self.workshop.picture
        return prepare(
            document,
            appearance=picture(item.shown),
            places=item.places,
            beside=[(picture(shown), place) for shown, place in item.beside],
            reason=wish.reason,
            signer_name=self.workshop.config.company,
            signed_at=at,
            kind=self.workshop.kind(wish.profile),
            contents_reserve=self.reserve(wish.profile),
            certification=certification,
        )

    def reserve(self, profile: SealProfile) -> int:
        """Bytes that a signature of that profile may have."""
        if profile is SealProfile.GBT_38540:
            return _RESERVE + self.workshop.electronic_seal_size
        return _RESERVE_WITH_TOKEN if profile in TIMESTAMPED else _RESERVE

    def content(self, gap: Gap, item: AuthorisedSeal, actor: Actor, at: datetime, deadline: Deadline) -> bytes:
        """What goes into the gap: CMS, or a signature with an electronic seal. Raises as `seal`."""
        sign = item.sign
        if item.wish.profile is SealProfile.GBT_38540:
            return self.workshop.electronic_seal_signature(sign, gap.digest("sm3"), at)
        builder = self.workshop.builder(sign.key, sign.algorithm)
        timestamp: Callable[[bytes], bytes] | None = None
        if item.wish.profile in TIMESTAMPED:

            def timestamp(signature: bytes) -> bytes:
                return self._stamped(sign, actor, partial(_digest, signature), deadline)

        return builder.build(gap.digest(digest_name(sign.algorithm)), sign, content=None, timestamp=timestamp)

    def _stamped(
        self, sign: DocumentSigner, actor: Actor, digest_of: Callable[[str], bytes], deadline: Deadline
    ) -> bytes:
        """A token for one of our own seals; SM3 goes with SM2."""
        assert self._timestamps is not None  # check_profile
        hash_name = "sm3" if sign.algorithm is SignatureAlgorithm.SM2_SM3 else "sha256"
        return self._timestamps.stamp(
            StampOrder(actor, digest_of, deadline, sign.receipts, seal=sign, hash_name=hash_name)
        )

    def validation_data(self, signatures: Sequence[bytes]) -> ValidationData:
        """What they can be verified with in years. Raises ApplianceError (REVOCATION_UNAVAILABLE)."""
        assert self._validation_data is not None  # check_profile
        return self._validation_data.collect(signatures)


def _check_own_shape(pdf: bytes) -> None:
    """What our own gate would refuse is never released. Raises ApplianceError."""
    try:
        check_shape(pdf)
    except ShapeMismatch as problem:
        raise ApplianceError(
            Reason.OWN_SIGNATURE_WRONG, "the sealed document is not of our own shape; it was not released"
        ) from problem


def _digest(content: bytes, hash_name: str) -> bytes:
    return hashlib.new(hash_name, content).digest()
