"""What is to be added to a stranger's PDF, and what comes back: values that cross the border to the inspector's process.

The process that answers has parsed a file that may be hostile, so its answer is checked: it can only append, and only name a gap inside of
what it appended. Not for doing it: `stranger_sealing`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from signer.pades.seal_pictures import Appearance
from signer.pades.seal_place import BoxPlace, CrossPagePlace
from signer.pades.signature_gap import filled_gap
from signer.pades.update_plan import NO_VALIDATION_DATA, ValidationData

# A picture for each seal of a document, a MiB each at the most, and validation data.
MAX_APPENDED_BYTES = 16 * 1024 * 1024
_HEAD = struct.Struct(">BQQ")
_DONE, _REFUSED = 0, 1


class Unsafe(StrEnum):
    """Why a document is not sealed; part of the process's answer."""

    ENCRYPTED = "encrypted"
    XFA = "xfa"
    SCRIPTS = "scripts"
    DAMAGED = "damaged"
    CERTIFIED = "certified"
    TOO_MANY_PAGES = "too-many-pages"
    NO_SUCH_PAGE = "no-such-page"
    OFF_PAGE = "off-page"
    ONE_PAGE = "one-page"


class UnsafeToSeal(Exception):
    """The document, or a place on it, is refused."""

    def __init__(self, reason: Unsafe) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True)
class PlannedPicture:
    """A picture, as `Appearance` has it."""

    content: bytes
    bbox: tuple[float, float, float, float]
    resources: bytes = b"<<>>"
    objects: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, appearance: Appearance) -> PlannedPicture:
        """Any appearance's values."""
        return cls(appearance.content, appearance.bbox, appearance.resources, appearance.objects)

    def to_values(self) -> list[Any]:
        """For JSON."""
        return [_encoded([self.content, self.resources, *self.objects]), self.bbox]

    @classmethod
    def from_values(cls, values: list[Any]) -> PlannedPicture:
        """What `to_values` gave."""
        content, resources, *objects = _decoded(values[0])
        return cls(content, tuple(values[1]), resources, tuple(objects))


@dataclass(frozen=True)
class StrangerPlan:
    """One update. `pictures`: what is shown; none where nothing is.

    `places`: of the first picture, the first of them the signature field's. `beside`: further stamps, which picture and where.
    `subfilter` empty: validation data alone. `signed_at` None: a document timestamp.
    """

    subfilter: str = ""
    handler: str = "Adobe.PPKLite"
    signer_name: str = ""
    reason: str = ""
    signed_at: datetime | None = None
    contents_reserve: int = 0
    pictures: tuple[PlannedPicture, ...] = ()
    places: tuple[BoxPlace | CrossPagePlace, ...] = ()
    beside: tuple[tuple[int, BoxPlace | CrossPagePlace], ...] = ()
    validation_data: ValidationData = NO_VALIDATION_DATA

    def to_json(self) -> str:
        """For the way to the process."""
        data = self.validation_data
        return json.dumps(
            {
                "subfilter": self.subfilter,
                "handler": self.handler,
                "signer_name": self.signer_name,
                "reason": self.reason,
                "signed_at": None if self.signed_at is None else self.signed_at.isoformat(),
                "contents_reserve": self.contents_reserve,
                "pictures": [picture.to_values() for picture in self.pictures],
                "places": [_place_to_list(place) for place in self.places],
                "beside": [[picture, _place_to_list(place)] for picture, place in self.beside],
                "validation_data": [
                    _encoded(each) for each in (data.certificates, data.revocation_lists, data.ocsp_responses)
                ],
            }
        )

    @classmethod
    def from_json(cls, text: str) -> StrangerPlan:
        """Reads what a worker of ours wrote."""
        value: dict[str, Any] = json.loads(text)
        certificates, revocation_lists, ocsp_responses = (_decoded(each) for each in value.pop("validation_data"))
        signed_at = value.pop("signed_at")
        return cls(
            signed_at=None if signed_at is None else datetime.fromisoformat(signed_at),
            pictures=tuple(PlannedPicture.from_values(each) for each in value.pop("pictures")),
            places=tuple(_place_from_list(place) for place in value.pop("places")),
            beside=tuple((picture, _place_from_list(place)) for picture, place in value.pop("beside")),
            validation_data=ValidationData(certificates, revocation_lists, ocsp_responses),
            **value,
        )


@dataclass(frozen=True)
class PreparedStranger:
    """A stranger's document that lacks nothing but its signature; with a gap of no length: one that nobody signs."""

    data: bytes
    gap_start: int
    gap_end: int

    def digest(self, hash_name: str) -> bytes:
        """The digest (a hashlib name) of all bytes but the gap."""
        view = memoryview(self.data)
        state = hashlib.new(hash_name, view[: self.gap_start])
        state.update(view[self.gap_end :])
        return state.digest()

    def fill(self, content: bytes) -> bytes:
        """The sealed document. Raises ApplianceError (OWN_SIGNATURE_WRONG) when the content does not fit."""
        gap = filled_gap(content, self.gap_end - self.gap_start)
        return b"".join([self.data[: self.gap_start], gap, self.data[self.gap_end :]])


def answer_of(appended: bytes, gap_start: int, gap_end: int) -> bytes:
    """The process's answer: what it appends; the gap's offsets in the whole file."""
    return _HEAD.pack(_DONE, gap_start, gap_end) + appended


def refusal_of(reason: Unsafe) -> bytes:
    """The process's answer where it appends nothing."""
    return _HEAD.pack(_REFUSED, 0, 0) + reason.value.encode()


def read_answer(answer: bytes, pdf: bytes) -> PreparedStranger:
    """Reads an answer about `pdf`.

    Raises:
        UnsafeToSeal: it is refused.
        ValueError: not an answer.
    """
    if len(answer) < _HEAD.size:
        raise ValueError("not an answer")
    kind, gap_start, gap_end = _HEAD.unpack_from(answer)
    rest = answer[_HEAD.size :]
    if kind == _REFUSED:
        raise UnsafeToSeal(Unsafe(rest.decode("ascii")))
    whole = pdf + rest
    unsigned = gap_start == gap_end == len(whole)
    if kind != _DONE or not rest or not (unsigned or len(pdf) < gap_start < gap_end - 2 < len(whole) - 2):
        raise ValueError("not an answer")
    return PreparedStranger(whole, gap_start, gap_end)


def _place_to_list(place: BoxPlace | CrossPagePlace) -> list[float]:
    if isinstance(place, CrossPagePlace):
        return [place.y_mm, place.width_mm]
    return [place.page, place.x_mm, place.y_mm, place.width_mm]


def _place_from_list(values: list[float]) -> BoxPlace | CrossPagePlace:
    return CrossPagePlace(*values) if len(values) == 2 else BoxPlace(int(values[0]), *values[1:])


def _encoded(values: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(value).decode() for value in values]


def _decoded(values: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(base64.b64decode(value) for value in values)
