"""Which seal goes onto a document: the request's wish checked against what exists, and the seal's picture and CMS ready-made.

Not for embedding: `signer.pades.embed` does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from policy_render.seal_appearance import SealAppearance, round_seal
from signer.algorithms import SignatureAlgorithm
from signer.cms.signed_data import Identifiers, SignedDataBuilder
from signer.documents.seal_config import SealConfig
from signer.errors import Reason, RequestError
from signer.keys import KeyVersion
from signer.pades.embed import BoxPlace


class SealProfile(Enum):
    """The contract's Seal.Profile."""

    UNSPECIFIED = 0
    PADES_B = 1
    PADES_T = 2
    PADES_LT = 3
    PADES_LTA = 4
    GBT_38540 = 5


@dataclass(frozen=True)
class SealWish:
    """One seal that a request asks for. `places` None: the template's own."""

    key: str
    profile: SealProfile
    places: tuple[BoxPlace, ...] | None
    reason: str


def choose_seal(wishes: Sequence[SealWish], config: SealConfig) -> SealWish:
    """The one seal to put on a document.

    Raises:
        RequestError: NOT_SUPPORTED (several seals, a profile beyond B-B), SEAL_INVALID.
    """
    if len(wishes) > 1:
        raise RequestError(
            Reason.NOT_SUPPORTED, "several seals on one document are not supported yet", "Ask for one seal."
        )
    wish = wishes[0] if wishes else SealWish(config.default_key, SealProfile.UNSPECIFIED, None, "")
    if wish.profile not in {SealProfile.UNSPECIFIED, SealProfile.PADES_B}:
        raise RequestError(
            Reason.NOT_SUPPORTED,
            f"the seal profile {wish.profile.name} is not supported yet",
            "Ask for PROFILE_PADES_B, or leave the profile out.",
        )
    if len(wish.reason) > 200 or not wish.reason.isprintable():
        raise RequestError(
            Reason.SEAL_INVALID, "the seal's reason is too long or not printable", "Use up to 200 characters."
        )
    return SealWish(wish.key or config.default_key, SealProfile.PADES_B, wish.places, wish.reason)


class SealWorkshop:
    """Seal pictures and CMS builders, made once for each key version and used for every document."""

    def __init__(self, config: SealConfig) -> None:
        self.config = config
        self.appearance: SealAppearance = round_seal(config.company, caption=config.caption)
        self._builders: dict[tuple[str, SignatureAlgorithm], SignedDataBuilder] = {}

    def builder(self, key: KeyVersion, algorithm: SignatureAlgorithm) -> SignedDataBuilder:
        """CMS for PDF: RFC 5652 content types for SM2, too (ETSI EN 319 142-1 B-B in shape). Raises RequestError."""
        wanted = (key.reference, algorithm)
        if wanted not in self._builders:
            if not key.certificate_chain:
                raise RequestError(
                    Reason.KEY_PURPOSE,
                    f"the key {key.reference} has no certificate",
                    "Name a seal key with a certificate.",
                )
            self._builders[wanted] = SignedDataBuilder.for_certificate(
                key.certificate_chain[0], key.certificate_chain[1:], algorithm, identifiers=Identifiers.RFC_5652
            )
        return self._builders[wanted]
