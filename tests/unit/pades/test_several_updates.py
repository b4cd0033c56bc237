"""Documents with several updates of ours: seals of several keys, validation data, document timestamps, a seal across pages.

Threat: T5.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from signer.errors import Reason, RequestError
from signer.pades.embed import (
    BoxPlace,
    CrossPagePlace,
    append_validation_data,
    prepare,
    prepare_timestamp,
)
from signer.pades.rendered_pdf import RenderedPdf
from signer.pades.revised_pdf import RevisedPdf
from signer.pades.shape import SealedShape, ShapeMismatch, check_shape
from signer.pades.update_plan import SignatureKind, ValidationData
from tests.fuzz.rendered_documents import DrawnSeal, rendered

_SIGNED_AT = datetime(2026, 11, 23, 8, 30, 5, tzinfo=UTC)
_VALUES = ValidationData((b"\x30\x01c", b"\x30\x01d"), (b"\x30\x03crl",), (b"\x30\x04ocsp",))


def _content(name: str) -> bytes:
    return bytes([0x30, len(name)]) + name.encode()


def _seal(document: bytes | RevisedPdf, name: str, places: Any = (), **changes: Any) -> RevisedPdf:
    prepared = prepare(
        document, appearance=DrawnSeal(), places=places, signer_name=name, signed_at=_SIGNED_AT, **changes
    )
    return prepared.revised(prepared.fill(_content(name)))


def _timestamp(document: RevisedPdf, name: str, values: ValidationData) -> RevisedPdf:
    prepared = prepare_timestamp(document, contents_reserve=100, validation_data=values)
    return prepared.revised(prepared.fill(_content(name)))


def _long_lived(pages: int = 2) -> RevisedPdf:
    """Two seals, validation data, a document timestamp, and another one years later."""
    document = _seal(rendered(pages), "first", (BoxPlace(1, 50, 50, 30), BoxPlace(2, 50, 50, 30)), certification=2)
    document = _seal(document, "second", (BoxPlace(1, 100, 50, 30),))
    document = append_validation_data(document, _VALUES)
    document = _timestamp(document, "third", ValidationData(revocation_lists=(b"\x30\x01x",)))
    return _timestamp(document, "fourth", ValidationData(certificates=(b"\x30\x01y",)))


def _names(shape: SealedShape) -> list[str]:
    return [each.content[2:].decode() for each in shape.signatures]


def test_every_revision_of_a_long_life_is_ours() -> None:
    document = _long_lived()
    shape = check_shape(document.data)
    assert _names(shape) == ["first", "second", "third", "fourth"]
    assert [each.is_timestamp for each in shape.signatures] == [False, False, True, True]
    assert [each.certification for each in shape.signatures] == [2, 0, 0, 0]
    assert shape.signatures[-1].end == len(document.data)
    assert shape.original_length == len(rendered(2))
    assert (shape.pdf.size, shape.pdf.additions) == (document.size, document.additions)
    for signature in shape.signatures:
        assert _names(check_shape(document.data[: signature.end]))[-1] == signature.content[2:].decode()


def test_what_was_read_can_be_sealed_again() -> None:
    document = _long_lived()
    assert _seal(document, "more") == _seal(check_shape(document.data).pdf, "more")


@pytest.mark.parametrize("kind", [SignatureKind(b"GM.sm2seal", b"Gomain.GMPkiLite")])
def test_other_kinds_of_signature(kind: SignatureKind) -> None:
    shape = check_shape(_seal(rendered(), "seal", kind=kind).data)
    assert shape.signatures[0].subfilter == kind.subfilter.decode()


@pytest.mark.parametrize("pages", [2, 3, 7, 41])
def test_a_seal_across_pages_is_cut_into_strips_without_gap(pages: int) -> None:
    document = _seal(rendered(pages), "across", (CrossPagePlace(y_mm=150, width_mm=40),))
    shape = check_shape(document.data)
    assert document.data.count(b"/S Do") == pages
    page = RenderedPdf.read(rendered(pages))
    number = page.page_object(1)
    assert number is not None
    right = page.media_box(number).right
    boxes = document.data[shape.original_length :].split(b"/Rect[")[1:]
    assert len(boxes) == pages
    for box in boxes:
        assert abs(float(box.split(b" ")[2]) - right) < 0.01


def test_one_page_has_nothing_to_cut_across() -> None:
    with pytest.raises(RequestError) as caught:
        _seal(rendered(1), "across", (CrossPagePlace(y_mm=150, width_mm=40),))
    assert caught.value.reason is Reason.SEAL_PLACE_OFF_PAGE


def test_only_the_first_signature_certifies() -> None:
    with pytest.raises(ValueError, match="first signature"):
        _seal(_seal(rendered(), "first"), "second", certification=1)


def test_no_changed_byte_of_any_update_goes_unnoticed() -> None:
    """Whatever passes has other contents in a gap or in validation data, or another digest for each later signature."""
    data = _long_lived().data
    shape = check_shape(data)
    digests = [each.digest(data, "sha256") for each in shape.signatures]
    chance = random.Random(20261126)
    for position in chance.sample(range(shape.original_length - 100, len(data)), 3_000):
        changed = bytearray(data)
        changed[position] ^= 1 << chance.randrange(8)
        try:
            found = check_shape(bytes(changed))
        except ShapeMismatch:
            continue
        assert len(found.signatures) == len(shape.signatures)
        for before, digest, after in zip(shape.signatures, digests, found.signatures, strict=True):
            covers = position < before.end and not before.gap_start <= position < before.gap_end
            assert not covers or after.digest(bytes(changed), "sha256") != digest, position
            inside = before.gap_start <= position < before.gap_end
            assert not inside or after.content != before.content, position


def test_updates_in_another_order_or_cut_out_are_refused() -> None:
    data = _long_lived().data
    shape = check_shape(data)
    first, second = shape.signatures[0].end, shape.signatures[1].end
    for variant in (data[:first] + data[second:], data[:first] + data[first:second] * 2, data + data[second:]):
        with pytest.raises(ShapeMismatch):
            check_shape(variant)


def test_a_timestamp_alone_is_no_seal() -> None:
    document = _timestamp(RevisedPdf.read_rendered(rendered()), "alone", ValidationData())
    with pytest.raises(ShapeMismatch):
        check_shape(document.data)


def test_more_updates_than_anybody_needs_are_refused() -> None:
    document = _seal(rendered(), "0")
    for number in range(1, 32):
        document = _seal(document, str(number))
    with pytest.raises(ShapeMismatch):
        check_shape(document.data)
