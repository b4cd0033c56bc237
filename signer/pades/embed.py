"""Seals PDFs that policy_render made: an incremental update with a signature field, its picture, and room for a signature.

    prepared = prepare(pdf, appearance=…, places=[…], …)
    sealed = prepared.fill(build_cms(prepared.digest("sm3")))
    twice = prepare(prepared.revised(sealed), …)  # and so on

Deterministic: the same inputs give the same bytes. Makes no signature itself and opens no stranger's PDF.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from signer.errors import Reason, RequestError
from signer.pades.incremental_update import Update, write_update
from signer.pades.revised_pdf import RevisedPdf
from signer.pades.seal_pictures import Appearance, seal_picture
from signer.pades.seal_place import BoxPlace, CrossPagePlace, seal_boxes
from signer.pades.signature_gap import filled_gap
from signer.pades.update_plan import (
    NO_VALIDATION_DATA,
    PADES,
    SUBFILTER_TIMESTAMP,
    SealBox,
    SealPicture,
    SignatureFields,
    SignatureKind,
    UpdatePlan,
    ValidationData,
)

__all__ = [
    "DEFAULT_CONTENTS_RESERVE",
    "MAX_TEXT_UNITS",
    "Appearance",
    "BoxPlace",
    "CrossPagePlace",
    "Prepared",
    "SignatureKind",
    "append_validation_data",
    "prepare",
    "prepare_timestamp",
    "update_plan",
]

DEFAULT_CONTENTS_RESERVE = 8192
# Enough for a chain of RSA-4096 certificates; more would only make room for surprises.
_RESERVE_LIMIT = 65_536
# Of UTF-16, in one text of the signature dictionary.
MAX_TEXT_UNITS = 1_000


@dataclass(frozen=True)
class Prepared:
    """A document that lacks nothing but its signature."""

    _document: RevisedPdf
    _update: Update
    _states: dict[str, Any] = field(default_factory=dict)  # hash states after all that stands before the gap

    @property
    def byte_range(self) -> tuple[int, int, int, int]:
        """The four numbers of /ByteRange."""
        before = len(self._document.data) + len(self._update.before)
        return 0, before, before + self._update.gap, len(self._update.after)

    def digest(self, hash_name: str) -> bytes:
        """The digest (a hashlib name) of all bytes but the gap: what the CMS's message-digest must be."""
        state = self._before_gap(hash_name)
        state.update(self._update.after)
        digest: bytes = state.digest()
        return digest

    def digest_filled(self, hash_name: str, filled: bytes) -> bytes:
        """The digest of what `fill` returned; what stands before the gap, most of a file, is not hashed once more."""
        state = self._before_gap(hash_name)
        state.update(memoryview(filled)[self.byte_range[1] :])
        digest: bytes = state.digest()
        return digest

    def _before_gap(self, hash_name: str) -> Any:
        if hash_name not in self._states:
            state = hashlib.new(hash_name, self._document.data)
            state.update(self._update.before)
            self._states[hash_name] = state
        return self._states[hash_name].copy()

    def fill(self, cms: bytes) -> bytes:
        """The sealed document: the CMS (DER) in lowercase hexadecimal digits, padded with zeros.

        Raises:
            ApplianceError: OWN_SIGNATURE_WRONG when the CMS does not fit into the reserve.
        """
        update = self._update
        return b"".join([self._document.data, update.before, filled_gap(cms, update.gap), update.after])

    def revised(self, filled: bytes) -> RevisedPdf:
        """What `fill` returned, ready for a further update."""
        return _revised(self._document, filled, self._update)


def prepare(
    pdf: bytes | RevisedPdf,
    *,
    signer_name: str,
    signed_at: datetime,
    appearance: Appearance | None = None,
    places: Sequence[BoxPlace | CrossPagePlace] = (),
    beside: Sequence[tuple[Appearance, BoxPlace | CrossPagePlace]] = (),
    reason: str = "",
    kind: SignatureKind = PADES,
    contents_reserve: int = DEFAULT_CONTENTS_RESERVE,
    certification: int = 0,
) -> Prepared:
    """A document ready to be signed: one that was only just rendered, or one that was sealed before.

    The first place gets the signature field, further ones the same picture as a stamp; no places: an invisible one. `beside`: stamps
    with pictures of their own.
    `signed_at` is rounded down to seconds; `contents_reserve` is the signature's greatest length in bytes; `certification` is the
    level of DocMDP for a document's first signature (1: no changes, 2: further signatures), 0 for one that certifies nothing.

    Raises:
        RequestError: SEAL_PLACE_OFF_PAGE, SEAL_INVALID.
        PdfLayoutError: not a PDF that the renderer made, or it is sealed already.
    """
    if not kind.is_ours or not 0 < contents_reserve <= _RESERVE_LIMIT:
        raise ValueError(f"{kind} with {contents_reserve} bytes is not what this embedder writes")
    if signed_at.tzinfo is None:
        raise ValueError("a signing time needs its zone")
    if places and appearance is None:
        raise ValueError("a seal that stands somewhere needs an appearance")
    document = pdf if isinstance(pdf, RevisedPdf) else RevisedPdf.read_rendered(pdf)
    if certification and document.additions.fields:
        raise ValueError("only a document's first signature can certify it")
    own = [] if appearance is None else [(appearance, place) for place in places]
    pictures, boxes = _pictured(document, [*own, *beside])
    fields = SignatureFields(
        subfilter=kind.subfilter,
        name=text_string(signer_name),
        reason=text_string(reason) if reason else b"",
        signed_at=signed_at.astimezone(UTC).replace(microsecond=0),
        contents_reserve=contents_reserve,
        certification=certification,
        handler=kind.handler,
    )
    plan = update_plan(pictures, boxes, fields, invisible_field=bool(boxes) and not own)
    return Prepared(document, write_update(document, plan))


def prepare_timestamp(document: RevisedPdf, *, contents_reserve: int, validation_data: ValidationData) -> Prepared:
    """A document ready for a document timestamp over all that is there, with validation data that it covers too (PAdES B-LTA).

    Raises:
        PdfLayoutError: the document is not laid out as ours are.
    """
    fields = SignatureFields(SUBFILTER_TIMESTAMP, b"", b"", None, contents_reserve)
    return Prepared(document, write_update(document, update_plan((), (), fields, validation_data)))


def append_validation_data(document: RevisedPdf, validation_data: ValidationData) -> RevisedPdf:
    """A document with a document security store more (PAdES B-LT). Raises PdfLayoutError."""
    update = write_update(document, update_plan((), (), None, validation_data))
    return _revised(document, document.data + update.before, update)


def update_plan(
    pictures: tuple[SealPicture, ...],
    boxes: tuple[SealBox, ...],
    fields: SignatureFields | None,
    validation_data: ValidationData = NO_VALIDATION_DATA,
    *,
    invisible_field: bool = False,
) -> UpdatePlan:
    """A plan with the texts that every seal of ours shows to whoever points at it."""
    return UpdatePlan(pictures, boxes, _TOOLTIP, _STAMP_TEXT, fields, validation_data, invisible_field)


def _revised(document: RevisedPdf, data: bytes, update: Update) -> RevisedPdf:
    return document.revised(
        data,
        size=update.size,
        xref_offset=update.xref_offset,
        offsets=update.offsets,
        additions=update.additions,
    )


def text_string(text: str) -> bytes:
    """A PDF text string (ISO 32000-1, 7.9.2.2): UTF-16BE with its mark, in hexadecimal digits.

    Raises:
        RequestError: SEAL_INVALID, when it is too long for a signature dictionary of ours.
    """
    encoded = text.encode("utf-16-be")
    if len(encoded) > 2 * MAX_TEXT_UNITS:
        raise RequestError(
            Reason.SEAL_INVALID,
            "a signer's name or a reason is too long",
            f"Use up to {MAX_TEXT_UNITS} characters, fewer where they lie outside of Unicode's basic plane.",
        )
    return b"<FEFF" + encoded.hex().upper().encode() + b">"


_TOOLTIP = text_string("电子签章：点击查看签名信息与验证结果")
_STAMP_TEXT = text_string("电子签章图样：法律效力以文件的数字签名为准")


def _pictured(
    document: RevisedPdf, shown: Sequence[tuple[Appearance, BoxPlace | CrossPagePlace]]
) -> tuple[tuple[SealPicture, ...], tuple[SealBox, ...]]:
    """Each picture once, in the order of their first places, and all places. Raises RequestError."""
    appearances = list(dict.fromkeys(appearance for appearance, _ in shown))
    pictures: list[SealPicture] = []
    form_number = document.size
    for appearance in appearances:
        pictures.append(seal_picture(appearance, form_number))
        form_number += 1 + len(pictures[-1].objects)
    boxes = [
        replace(box, picture=appearances.index(appearance))
        for appearance, place in shown
        for box in seal_boxes(document, (place,), appearance.bbox)
    ]
    return tuple(pictures), tuple(boxes)
