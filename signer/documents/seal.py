"""Which seals go onto a document: the request's wishes checked against what exists, and pictures and builders ready-made.

Not for embedding (`signer.pades.embed`), nor for the order of things on one document (`sealing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from policy_render.seal_appearance import SealAppearance
from signer.algorithms import SignatureAlgorithm
from signer.cms.electronic_seal import build_seal_signature
from signer.cms.signed_data import Identifiers, SignedDataBuilder
from signer.documents.seal_config import SealConfig
from signer.documents.seal_pictures import SealPictures
from signer.errors import Reason, RequestError
from signer.keys import KeyVersion
from signer.pades.embed import BoxPlace, CrossPagePlace
from signer.pades.update_plan import PADES, SignatureKind
from signer.signing import DocumentSigner

# Seals of several keys and departments; more on one document is a mistake.
MAX_SEALS = 8
MAX_PLACES = 1_000
# Each is looked up by a process of its own.
MAX_KEYWORDS = 16
MAX_REASON = 200


class SealProfile(Enum):
    """The contract's Seal.Profile."""

    UNSPECIFIED = 0
    PADES_B = 1
    PADES_T = 2
    PADES_LT = 3
    PADES_LTA = 4
    GBT_38540 = 5


@dataclass(frozen=True)
class KeywordPlace:
    """Beside a text of the document: the picture's centre is (dx_mm, dy_mm) off the text's middle; `every`: each time it stands there."""

    text: str
    dx_mm: float
    dy_mm: float
    width_mm: float
    every: bool


Place = BoxPlace | KeywordPlace | CrossPagePlace


@dataclass(frozen=True)
class Shown:
    """What a seal's picture depends on. `key`: the seal key's name."""

    key: str
    profile: SealProfile


@dataclass(frozen=True)
class SealWish:
    """One seal that a request asks for. `places` None: the template's own."""

    key: str
    profile: SealProfile
    places: tuple[Place, ...] | None
    reason: str


def choose_seals(wishes: Sequence[SealWish], config: SealConfig) -> tuple[SealWish, ...]:
    """The seals to put on a document, in their order, each with key and profile; one at least.

    Where several are asked for, the first without places gets the template's, the others are invisible: pictures that lie on each
    other tell nobody anything.

    Raises:
        RequestError: SEAL_INVALID.
    """
    if len(wishes) > MAX_SEALS:
        raise RequestError(
            Reason.SEAL_INVALID, f"{len(wishes)} seals on one document are too many", f"Ask for up to {MAX_SEALS}."
        )
    chosen: list[SealWish] = []
    for wish in wishes or (SealWish("", SealProfile.UNSPECIFIED, None, ""),):
        if len(wish.reason) > MAX_REASON or not wish.reason.isprintable():
            raise RequestError(
                Reason.SEAL_INVALID,
                "the seal's reason is too long or not printable",
                f"Use up to {MAX_REASON} characters.",
            )
        if len(wish.places or ()) > MAX_PLACES:
            raise RequestError(
                Reason.SEAL_INVALID, f"{len(wish.places or ())} places are too many", f"Name up to {MAX_PLACES}."
            )
        if sum(isinstance(place, KeywordPlace) for place in wish.places or ()) > MAX_KEYWORDS:
            raise RequestError(
                Reason.SEAL_INVALID,
                "a seal has too many keywords",
                f"Name up to {MAX_KEYWORDS}, and boxes for the rest.",
            )
        unspecified = wish.profile is SealProfile.UNSPECIFIED
        profile = SealProfile[config.default_profile] if unspecified else wish.profile
        taken = any(other.places is None for other in chosen)
        places = () if wish.places is None and taken else wish.places
        chosen.append(replace(wish, key=wish.key or config.default_key, profile=profile, places=places))
    return tuple(chosen)


class SealWorkshop:
    """Seal pictures and CMS builders, made once for each key version and used for every document."""

    def __init__(self, config: SealConfig, pictures: SealPictures) -> None:
        """Raises ConfigurationError where the electronic seal's file can't be read."""
        self.config = config
        self._pictures = pictures
        self._electronic_seal = None if config.electronic is None else config.electronic.load()
        self._builders: dict[tuple[str, SignatureAlgorithm], SignedDataBuilder] = {}

    def kind(self, profile: SealProfile) -> SignatureKind:
        """What the signature dictionary says of a seal of that profile. Raises RequestError (NOT_SUPPORTED)."""
        if profile is not SealProfile.GBT_38540:
            return PADES
        if self.config.electronic is None:
            raise RequestError(
                Reason.NOT_SUPPORTED,
                "this appliance has no electronic seal of GB/T 38540",
                "Configure [seal.electronic], or ask for a PAdES profile.",
            )
        return SignatureKind(self.config.electronic.subfilter.encode(), self.config.electronic.handler.encode())

    def picture(self, shown: Shown) -> SealAppearance:
        """What such a seal shows."""
        return self._pictures.of(shown.key, electronic=shown.profile is SealProfile.GBT_38540)

    @property
    def electronic_seal_size(self) -> int:
        """Bytes of the electronic seal, which every signature with it holds."""
        return len(self._electronic_seal or b"")

    def electronic_seal_signature(self, sign: DocumentSigner, digest: bytes, at: datetime) -> bytes:
        """SES_Signature over a document's SM3 (GB/T 38540-2020, 7). Raises RequestError (NOT_SUPPORTED, SEAL_INVALID)."""
        self.kind(SealProfile.GBT_38540)
        assert self._electronic_seal is not None
        return build_seal_signature(self._electronic_seal, digest, at, "ByteRange", _certificate(sign.key), sign)

    def builder(self, key: KeyVersion, algorithm: SignatureAlgorithm) -> SignedDataBuilder:
        """CMS for PDF: RFC 5652 content types for SM2, too (ETSI EN 319 142-1 B-B in shape). Raises RequestError."""
        wanted = (key.reference, algorithm)
        if wanted not in self._builders:
            certificate = _certificate(key)
            self._builders[wanted] = SignedDataBuilder.for_certificate(
                certificate, key.certificate_chain[1:], algorithm, identifiers=Identifiers.RFC_5652
            )
        return self._builders[wanted]


def _certificate(key: KeyVersion) -> bytes:
    if not key.certificate_chain:
        raise RequestError(
            Reason.KEY_PURPOSE, f"the key {key.reference} has no certificate", "Name a seal key with a certificate."
        )
    return key.certificate_chain[0]
