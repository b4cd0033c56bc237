"""Seals PDFs that policy_render made: an incremental update with a signature field, its picture, and room for a signature.

    prepared = prepare(pdf, appearance=…, places=[…], …)
    sealed = prepared.fill(build_cms(prepared.digest("sm3")))
    twice = prepare(prepared.revised(sealed), …)  # and so on

Deterministic: the same inputs give the same bytes. Makes no signature itself and opens no stranger's PDF.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol

from signer.errors import Reason, RequestError
from signer.pades.incremental_update import Update, write_update
from signer.pades.revised_pdf import RevisedPdf
from signer.pades.seal_place import BoxPlace, CrossPagePlace, number, seal_boxes
from signer.pades.signature_gap import filled_gap
from signer.pades.update_plan import (
    NO_VALIDATION_DATA,
    PADES,
    SUBFILTER_TIMESTAMP,
    SealBox,
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


class Appearance(Protocol):
    """A seal picture in vectors.

    `content`: a content stream; `bbox`: its bounding box; `resources`: a PDF dictionary "<<…>>" without references.
    """

    @property
    def content(self) -> bytes: ...
    @property
    def bbox(self) -> tuple[float, float, float, float]: ...
    @property
    def resources(self) -> bytes: ...


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
    reason: str = "",
    kind: SignatureKind = PADES,
    contents_reserve: int = DEFAULT_CONTENTS_RESERVE,
    certification: int = 0,
) -> Prepared:
    """A document ready to be signed: one that was only just rendered, or one that was sealed before.

    The first place gets the signature field, further ones the same picture as a stamp; no places: an invisible one.
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
    form: bytes | None = None
    boxes: tuple[SealBox, ...] = ()
    if appearance is not None and places:
        form = _form(appearance.content, appearance.bbox, appearance.resources)
        boxes = seal_boxes(document, places, appearance.bbox)
    fields = SignatureFields(
        subfilter=kind.subfilter,
        name=text_string(signer_name),
        reason=text_string(reason) if reason else b"",
        signed_at=signed_at.astimezone(UTC).replace(microsecond=0),
        contents_reserve=contents_reserve,
        certification=certification,
        handler=kind.handler,
    )
    return Prepared(document, write_update(document, update_plan(form, boxes, fields)))


def prepare_timestamp(document: RevisedPdf, *, contents_reserve: int, validation_data: ValidationData) -> Prepared:
    """A document ready for a document timestamp over all that is there, with validation data that it covers too (PAdES B-LTA).

    Raises:
        PdfLayoutError: the document is not laid out as ours are.
    """
    fields = SignatureFields(SUBFILTER_TIMESTAMP, b"", b"", None, contents_reserve)
    return Prepared(document, write_update(document, update_plan(None, (), fields, validation_data)))


def append_validation_data(document: RevisedPdf, validation_data: ValidationData) -> RevisedPdf:
    """A document with a document security store more (PAdES B-LT). Raises PdfLayoutError."""
    update = write_update(document, update_plan(None, (), None, validation_data))
    return _revised(document, document.data + update.before, update)


def update_plan(
    form: bytes | None,
    boxes: tuple[SealBox, ...],
    fields: SignatureFields | None,
    validation_data: ValidationData = NO_VALIDATION_DATA,
) -> UpdatePlan:
    """A plan with the texts that every seal of ours shows to whoever points at it."""
    return UpdatePlan(form, boxes, _TOOLTIP, _STAMP_TEXT, fields, validation_data)


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


@lru_cache(maxsize=64)
def _form(content: bytes, bbox: tuple[float, float, float, float], resources: bytes) -> bytes:
    """The form XObject (ISO 32000-1, 8.10). Seals are few and stand on many documents: the compressed form is kept."""
    stream = zlib.compress(content, 9)
    box = b" ".join(number(value) for value in bbox)
    head = b"<</Type/XObject/Subtype/Form/FormType 1/BBox[%b]/Resources%b/Filter/FlateDecode" % (box, resources)
    return b"%b/Length %d>>\nstream\n%b\nendstream" % (head, len(stream), stream)
