"""What one incremental update of ours puts into a document: plain values, from which `incremental_update` makes the bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# ETSI EN 319 142-1, 6.3 and 5.4.3: PAdES baseline signatures, document timestamps.
SUBFILTER_PADES = b"ETSI.CAdES.detached"
SUBFILTER_TIMESTAMP = b"ETSI.RFC3161"


@dataclass(frozen=True)
class SignatureKind:
    """What stands in /Filter and /SubFilter: which program made a signature, and how its content is to be read."""

    subfilter: bytes
    handler: bytes = b"Adobe.PPKLite"

    @property
    def is_ours(self) -> bool:
        """Whether our embedder writes such: PAdES, document timestamps, electronic seals under a GM name."""
        if self.handler == b"Adobe.PPKLite":
            return self.subfilter in {SUBFILTER_PADES, SUBFILTER_TIMESTAMP}
        return self.subfilter.startswith(b"GM.")


PADES = SignatureKind(SUBFILTER_PADES)


@dataclass(frozen=True)
class SealPicture:
    """The bodies of a seal's picture: a form, and what it draws with, whose objects have the numbers behind the form's."""

    form: bytes
    objects: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class SealBox:
    """Where a seal stands: the page's object number and the /Rect entries (PDF units) as they are written.

    `part`: the /BBox entries of the part of the picture that shows there, empty for the whole. `picture`: which of the plan's.
    """

    page_object: int
    rectangle: bytes
    part: bytes = b""
    picture: int = 0


@dataclass(frozen=True)
class SignatureFields:
    """What the signature dictionary says in the clear; `name` and `reason` are PDF strings with their brackets, or empty.

    `signed_at` None: a document timestamp, whose token says when. `certification`: the level of DocMDP (1: no changes, 2: forms and
    signatures), 0: an approval signature, which certifies nothing (ISO 32000-2, 12.8.2.2).
    """

    subfilter: bytes
    name: bytes
    reason: bytes
    signed_at: datetime | None
    contents_reserve: int
    certification: int = 0
    handler: bytes = b"Adobe.PPKLite"


@dataclass(frozen=True)
class ValidationData:
    """What a signature can be verified with when its authorities are no more; DER each. ETSI EN 319 142-1, 5.4.2."""

    certificates: tuple[bytes, ...] = ()
    revocation_lists: tuple[bytes, ...] = ()
    ocsp_responses: tuple[bytes, ...] = ()

    @property
    def values(self) -> tuple[bytes, ...]:
        """All of them, in the order in which they are written."""
        return *self.certificates, *self.revocation_lists, *self.ocsp_responses

    def __bool__(self) -> bool:
        return bool(self.values)


NO_VALIDATION_DATA = ValidationData()


@dataclass(frozen=True)
class UpdatePlan:
    """All that one update depends on beside the document.

    `pictures`: none with no boxes. `boxes`: the first is the signature field's, unless it is invisible and all are stamps.
    `tooltip`, `stamp_text`: PDF strings with their brackets. `signature` None: validation data alone.
    """

    pictures: tuple[SealPicture, ...]
    boxes: tuple[SealBox, ...]
    tooltip: bytes
    stamp_text: bytes
    signature: SignatureFields | None
    validation_data: ValidationData = NO_VALIDATION_DATA
    invisible_field: bool = False

    @property
    def field_box(self) -> SealBox | None:
        """Where the signature field shows; None: nowhere."""
        return None if self.invisible_field or not self.boxes else self.boxes[0]

    @property
    def stamps(self) -> tuple[SealBox, ...]:
        """The boxes without a signature behind them."""
        return self.boxes if self.invisible_field else self.boxes[1:]
