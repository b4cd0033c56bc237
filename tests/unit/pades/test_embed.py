"""The embedder: where seals stand, what the update says, what it refuses. Judges from outside: tests/conformance."""

from __future__ import annotations

import hashlib
import math
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from signer.errors import ApplianceError, Reason, RequestError
from signer.pades.embed import BoxPlace, Prepared, prepare
from signer.pades.rendered_pdf import PdfLayoutError
from signer.pades.update_plan import SignatureKind
from tests.fuzz.rendered_documents import DrawnSeal, rendered

_SIGNED_AT = datetime(2026, 11, 23, 16, 30, 5, 999, tzinfo=timezone(timedelta(hours=8)))
_CMS = bytes.fromhex("3003020107")
_MM = 72 / 25.4


def _prepare(
    pdf: bytes | None = None, places: tuple[BoxPlace, ...] = (BoxPlace(1, 150, 240, 40),), **changes: Any
) -> Prepared:
    options: dict[str, Any] = {
        "appearance": DrawnSeal(),
        "signer_name": "示例财产保险",
        "signed_at": _SIGNED_AT,
        "reason": "签发",
        **changes,
    }
    return prepare(rendered() if pdf is None else pdf, places=places, **options)


def test_the_same_inputs_give_the_same_bytes() -> None:
    assert _prepare().fill(_CMS) == _prepare().fill(_CMS)
    assert _prepare().fill(_CMS) != _prepare(reason="别的").fill(_CMS)


def test_the_original_is_kept_byte_for_byte() -> None:
    sealed = _prepare().fill(_CMS)
    assert sealed.startswith(rendered())
    assert sealed.endswith(b"%%EOF\n")


@pytest.mark.parametrize("name", ["sha256", "sm3", "sha512"])
def test_the_digest_covers_all_but_the_signature(name: str) -> None:
    prepared = _prepare()
    sealed = prepared.fill(_CMS)
    first, start, end, rest = prepared.byte_range
    assert (first, end + rest) == (0, len(sealed))
    assert b"/ByteRange[0 %d %d %d]" % (start, end, rest) in sealed
    assert sealed[start:end] == b"<3003020107" + b"0" * (2 * 8192 - 10) + b">"
    assert prepared.digest(name) == hashlib.new(name, sealed[:start] + sealed[end:]).digest()


@pytest.mark.parametrize("name", ["sm3", "sha256"])
def test_the_whole_files_digest_needs_no_second_pass(name: str) -> None:
    prepared = _prepare()
    for cms in (b"\x30\x00", b"\x30" * 100):
        filled = prepared.fill(cms)
        assert prepared.digest_filled(name, filled) == hashlib.new(name, filled).digest()
    assert prepared.digest(name) == prepared.digest(name)


def test_a_cms_that_just_fits_and_one_that_does_not() -> None:
    prepared = _prepare(contents_reserve=5)
    assert b"/Contents<3003020107>" in prepared.fill(_CMS)
    with pytest.raises(ApplianceError) as caught:
        prepared.fill(_CMS + b"\0")
    assert caught.value.reason is Reason.OWN_SIGNATURE_WRONG


def test_the_signature_dictionary_tells_who_when_and_why() -> None:
    sealed = _prepare().fill(_CMS)
    assert b"/M(D:20261123083005+00'00')" in sealed  # in UTC, without fractions
    assert b"/Name<FEFF" + "示例财产保险".encode("utf-16-be").hex().upper().encode() + b">" in sealed
    assert b"/Reason<FEFF" + "签发".encode("utf-16-be").hex().upper().encode() + b">" in sealed
    assert b"/Reason" not in _prepare(reason="").fill(_CMS)


def test_the_seal_stands_where_it_was_asked_for() -> None:
    sealed = _prepare(places=(BoxPlace(1, 150, 240, 40),)).fill(_CMS)
    left, bottom, right, top = _rectangles(sealed)[0]
    page_height = 841.8898
    assert (left + right) / 2 == pytest.approx(150 * _MM, abs=0.01)
    assert page_height - (bottom + top) / 2 == pytest.approx(240 * _MM, abs=0.01)
    assert right - left == pytest.approx(40 * _MM, abs=0.01)
    assert top - bottom == pytest.approx(40 * _MM, abs=0.01)


def test_the_height_follows_the_picture() -> None:
    sealed = _prepare(places=(BoxPlace(1, 100, 100, 40),), appearance=DrawnSeal(bbox=(10, 20, 110, 70))).fill(_CMS)
    left, bottom, right, top = _rectangles(sealed)[0]
    assert (top - bottom) / (right - left) == pytest.approx(0.5, abs=0.001)


def test_further_places_are_stamps_with_the_same_picture() -> None:
    places = (BoxPlace(2, 50, 50, 30), BoxPlace(1, 50, 50, 30), BoxPlace(1, 150, 50, 20))
    sealed = _prepare(places=places).fill(_CMS)
    assert sealed.count(b"/Subtype/Widget") == 1
    assert sealed.count(b"/Subtype/Stamp") == 2
    assert sealed.count(b"/Subtype/Form") == 1
    assert len(set(re.findall(rb"/AP<</N (\d+) 0 R>>", sealed))) == 1
    update = sealed[len(rendered()) :]
    assert sorted(entry.count(b" 0 R") for entry in re.findall(rb"/Annots\[([^\]]*)\]", update)) == [1, 2]


def test_annotations_that_a_page_has_are_kept() -> None:
    pdf = rendered(2, link=True)
    before = re.findall(rb"/Annots\[([^\]]*)\]", pdf)
    sealed = _prepare(pdf).fill(_CMS)
    assert re.findall(rb"/Annots\[([^\]]*)\]", sealed[len(pdf) :])[0].startswith(before[0] + b" ")


def test_without_places_the_signature_is_invisible() -> None:
    sealed = _prepare(places=()).fill(_CMS)
    assert b"/Rect[0 0 0 0]" in sealed
    assert b"/Subtype/Form" not in sealed
    assert b"/Annots" not in sealed


def test_a_landscape_page_has_its_own_edges() -> None:
    pdf = rendered(1, page=", flipped: true")
    assert _prepare(pdf, (BoxPlace(1, 270, 180, 40),)).fill(_CMS)
    with pytest.raises(RequestError):
        _prepare(pdf, (BoxPlace(1, 150, 240, 40),))


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (BoxPlace(3, 100, 100, 40), Reason.SEAL_PLACE_OFF_PAGE),
        (BoxPlace(0, 100, 100, 40), Reason.SEAL_PLACE_OFF_PAGE),
        (BoxPlace(-1, 100, 100, 40), Reason.SEAL_PLACE_OFF_PAGE),
        (BoxPlace(1, 19, 100, 40), Reason.SEAL_PLACE_OFF_PAGE),
        (BoxPlace(1, 191, 100, 40), Reason.SEAL_PLACE_OFF_PAGE),
        (BoxPlace(1, 100, 19, 40), Reason.SEAL_PLACE_OFF_PAGE),
        (BoxPlace(1, 100, 278, 40), Reason.SEAL_PLACE_OFF_PAGE),
        (BoxPlace(1, 100, 1e300, 40), Reason.SEAL_PLACE_OFF_PAGE),
        (BoxPlace(1, 100, 100, 0), Reason.SEAL_INVALID),
        (BoxPlace(1, 100, 100, -40), Reason.SEAL_INVALID),
        (BoxPlace(1, 100, 100, 301), Reason.SEAL_INVALID),
        (BoxPlace(1, math.nan, 100, 40), Reason.SEAL_INVALID),
        (BoxPlace(1, 100, math.inf, 40), Reason.SEAL_INVALID),
        (BoxPlace(1, 100, 100, math.nan), Reason.SEAL_INVALID),
    ],
)
def test_senseless_places_are_refused(place: BoxPlace, reason: Reason) -> None:
    with pytest.raises(RequestError) as caught:
        _prepare(places=(BoxPlace(1, 100, 100, 40), place))
    assert caught.value.reason is reason
    assert caught.value.remedy


def test_a_seal_may_touch_the_edges() -> None:
    assert _prepare(places=(BoxPlace(1, 20, 20, 40), BoxPlace(1, 190, 277, 40))).fill(_CMS)


def test_texts_that_would_not_be_recognised_again_are_refused() -> None:
    assert _prepare(reason="长" * 1_000).fill(_CMS)
    for reason, name in (("长" * 1_001, "x"), ("", "x" * 1_001)):
        with pytest.raises(RequestError) as caught:
            _prepare(reason=reason, signer_name=name)
        assert caught.value.reason is Reason.SEAL_INVALID


def test_a_sealed_document_is_not_sealed_again() -> None:
    with pytest.raises(PdfLayoutError):
        _prepare(_prepare().fill(_CMS))


def test_mistakes_of_the_program_are_refused() -> None:
    for changes in (
        {"kind": SignatureKind(b"adbe.pkcs7.detached")},
        {"contents_reserve": 0},
        {"contents_reserve": 10**9},
        {"signed_at": datetime(2026, 1, 1)},
        {"appearance": None},
    ):
        with pytest.raises(ValueError):
            _prepare(**changes)


def test_a_sealing_time_of_any_zone_is_written_in_utc() -> None:
    east = _prepare(signed_at=_SIGNED_AT).fill(_CMS)
    assert east == _prepare(signed_at=_SIGNED_AT.astimezone(UTC)).fill(_CMS)


def _rectangles(sealed: bytes) -> list[tuple[float, ...]]:
    return [tuple(float(value) for value in entry.split()) for entry in re.findall(rb"/Rect\[([^\]]*)\]/AP", sealed)]
