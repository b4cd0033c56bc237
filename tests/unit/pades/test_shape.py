"""The shape gate: takes what the embedder writes, and nothing else, down to the byte.

Threat: T5.
"""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from signer.pades.embed import BoxPlace, prepare
from signer.pades.shape import ShapeMismatch, bears_our_mark, check_shape
from tests.fuzz.hostile_pdfs import append_revision, bombs, forged_copies, lies
from tests.fuzz.rendered_documents import DrawnSeal, rendered

_SIGNED_AT = datetime(2026, 11, 23, 8, 30, 5, tzinfo=UTC)
_CMS = bytes.fromhex("308201f4") + bytes(range(250)) * 2
_PLACES = (BoxPlace(2, 150, 240, 40), BoxPlace(1, 50, 50, 30), BoxPlace(2, 50, 50, 30))


def _sealed(
    pdf: bytes | None = None, places: tuple[BoxPlace, ...] = _PLACES, cms: bytes = _CMS, **changes: Any
) -> bytes:
    options: dict[str, Any] = {
        "appearance": DrawnSeal(),
        "signer_name": "示例财产保险",
        "signed_at": _SIGNED_AT,
        "reason": "签发",
        **changes,
    }
    return prepare(rendered() if pdf is None else pdf, places=places, **options).fill(cms)


@pytest.mark.parametrize("places", [(), _PLACES[:1], _PLACES, tuple(BoxPlace(1, 30, 30, 9) for _ in range(40))])
@pytest.mark.parametrize("link", [False, True])
def test_takes_whatever_the_embedder_writes(places: tuple[BoxPlace, ...], link: bool) -> None:
    pdf = rendered(2, link=link)
    sealed = _sealed(pdf, places)
    shape = check_shape(sealed)
    assert shape.original_length == len(pdf)
    (seal,) = shape.signatures
    assert seal.content == _CMS
    assert (seal.signer_name, seal.reason, seal.signed_at) == ("示例财产保险", "签发", _SIGNED_AT)
    assert seal.subfilter == "ETSI.CAdES.detached"
    assert bears_our_mark(sealed)


def test_takes_other_reserves_and_no_reason() -> None:
    for reserve in (len(_CMS), 4096, 65536):
        assert check_shape(_sealed(contents_reserve=reserve, reason="")).signatures[0].reason == ""


def test_the_digest_is_the_one_that_was_signed() -> None:
    prepared = prepare(rendered(), signer_name="x", signed_at=_SIGNED_AT)
    sealed = prepared.fill(_CMS)
    for name in ("sha256", "sm3"):
        assert check_shape(sealed).signatures[0].digest(sealed, name) == prepared.digest(name)


def test_no_changed_byte_outside_of_the_signature_goes_unnoticed() -> None:
    """Whatever passes has another digest or another CMS, and the mathematics tells. Tries every byte of the update."""
    sealed = _sealed()
    original_length = len(rendered())
    (shape,) = check_shape(sealed).signatures
    digest = shape.digest(sealed, "sha256")
    chance = random.Random(20261123)
    positions = {*range(original_length - 300, len(sealed)), *chance.sample(range(len(sealed)), 300)}
    padding = range(shape.gap_start + 2 * len(_CMS) + 200, shape.gap_end - 200)
    for position in positions.difference(padding).union(chance.sample(padding, 300)):
        changed = bytearray(sealed)
        changed[position] ^= 1 << chance.randrange(8)
        try:
            (found,) = check_shape(bytes(changed)).signatures
        except ShapeMismatch:
            continue
        assert found.digest(bytes(changed), "sha256") != digest or found.content != shape.content, position
        inside = shape.gap_start < position < shape.gap_end
        assert inside or position < original_length or found.digest(bytes(changed), "sha256") != digest


def test_digits_in_capitals_are_refused() -> None:
    sealed = _sealed()
    (shape,) = check_shape(sealed).signatures
    for position in range(shape.gap_start, shape.gap_end):
        if sealed[position : position + 1].isalpha():
            capital = sealed[:position] + sealed[position : position + 1].upper() + sealed[position + 1 :]
            with pytest.raises(ShapeMismatch):
                check_shape(capital)


@pytest.mark.parametrize(
    "cms",
    [
        b"\x30",
        b"\x30\x80\x02\x01\x07\x00\x00",  # indefinite length
        b"\x30\x81\x03\x02\x01\x07",  # a length that is not the shortest
        b"\x30\x82\x00\x83" + b"\1" * 131,
        b"\x30\x85\x00\x00\x00\x00\x03\x02\x01\x07",
        b"\x31\x03\x02\x01\x07",
        b"\x30\x03\x02\x01\x07\x01",  # something behind it
        b"\x30\x84\xff\xff\xff\xff\x01",
        b"\x30\x05\x02\x01\x07\x01",
    ],
)
def test_what_is_not_one_der_value_is_refused(cms: bytes) -> None:
    with pytest.raises(ShapeMismatch):
        check_shape(_sealed(cms=cms, contents_reserve=len(cms)))


def test_forged_copies_are_refused() -> None:
    for name, forged in forged_copies(_sealed()):
        with pytest.raises(ShapeMismatch):
            check_shape(forged)
        assert bears_our_mark(forged), name


def test_files_cut_short_are_refused() -> None:
    sealed = _sealed()
    for length in (*range(0, 40), *range(len(sealed) - 400, len(sealed)), len(rendered()), len(rendered()) + 1):
        with pytest.raises(ShapeMismatch):
            check_shape(sealed[:length])


def test_other_files_are_refused_quickly_and_quietly() -> None:
    chance = random.Random(7)
    for data in (b"", b"%PDF-1.7\n", rendered(), chance.randbytes(100_000), b"%PDF-1.7\n" + chance.randbytes(5_000)):
        with pytest.raises(ShapeMismatch):
            check_shape(data)
        assert not bears_our_mark(data)
    for _, data in (*lies(), *bombs()):
        with pytest.raises(ShapeMismatch):
            check_shape(data)


def test_an_update_laid_out_in_another_way_is_refused() -> None:
    sealed = _sealed()
    original = len(rendered())
    variants = [
        sealed.replace(b"/SigFlags 3", b"/SigFlags 1"),
        sealed.replace(b"ETSI.CAdES.detached", b"adbe.pkcs7.detached"),
        sealed.replace(b"/F 132", b"/F 130"),
        sealed.replace(b"/T(Seal)", b"/T(Sign)"),
        sealed[:original] + sealed[original:].replace(b"/Type/Page/", b"/Type/Pag2/"),
        sealed.replace(b"D:20261123083005", b"D:20261323083005"),
        sealed.replace(b"D:20261123083005", b"D:2026112308300x"),
        re.sub(rb"\(([A-Za-z0-9+/=]+)\)<[0-9a-f]{32}>", rb"(\1)<00000000000000000000000000000000>", sealed),
        append_revision(sealed, {1: b"<<>>"}),
        append_revision(append_revision(rendered(), {1: b"<</Type/Pages>>"}), {2: b"<<>>"}),
    ]
    for variant in variants:
        assert variant != sealed
        with pytest.raises(ShapeMismatch):
            check_shape(variant)


def test_numbers_of_the_range_must_be_the_true_ones() -> None:
    sealed = _sealed()
    (shape,) = check_shape(sealed).signatures
    rest = len(sealed) - shape.gap_end
    true = b"[0 %d %d %d]" % (shape.gap_start, shape.gap_end, rest)
    for start, end, length in (
        (shape.gap_start + 1, shape.gap_end, rest),
        (shape.gap_start - 2, shape.gap_end, rest),
        (shape.gap_start, shape.gap_end - 2, rest),
        (shape.gap_start, shape.gap_end - 2, rest + 2),
        (shape.gap_start, shape.gap_end, rest - 1),
    ):
        lie = (b"[0 %d %d %d]" % (start, end, length)).ljust(len(true))
        assert len(lie) == len(true)
        with pytest.raises(ShapeMismatch):
            check_shape(sealed.replace(true, lie))
