"""Seals at any place: refused with a reason, or wholly on the page that was asked for, and recognised as ours."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from signer.errors import Reason, RequestError
from signer.pades.embed import BoxPlace, prepare
from signer.pades.shape import check_shape
from tests.fuzz.rendered_documents import DrawnSeal, rendered

_CMS = bytes.fromhex("3003020107")
_NUMBERS = st.one_of(st.floats(), st.floats(0, 300))
_PLACES = st.builds(BoxPlace, st.integers(-2, 4), _NUMBERS, _NUMBERS, _NUMBERS)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)
_TIMES = st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
_EDGES = (595.2756, 841.8898)


@given(places=st.lists(_PLACES, max_size=4), name=_TEXTS, reason=_TEXTS, signed_at=_TIMES)
@example(places=[BoxPlace(1, 20, 20, 40)], name="", reason="\0(\\)>>endobj", signed_at=datetime(1000, 1, 2, tzinfo=UTC))
def test_a_seal_is_refused_or_stands_on_its_page_and_is_recognised(
    places: list[BoxPlace], name: str, reason: str, signed_at: datetime
) -> None:
    try:
        prepared = prepare(
            rendered(), appearance=DrawnSeal(), places=places, signer_name=name, reason=reason, signed_at=signed_at
        )
    except RequestError as problem:
        if problem.reason not in {Reason.SEAL_INVALID, Reason.SEAL_PLACE_OFF_PAGE}:
            raise
        return
    sealed = prepared.fill(_CMS)
    (shape,) = check_shape(sealed).signatures
    assert (shape.signer_name, shape.reason, shape.content) == (name, reason, _CMS)
    assert shape.signed_at == signed_at.replace(microsecond=0)
    rectangles = re.findall(rb"/Rect\[([-0-9. ]+)\]/AP", sealed)
    assert len(rectangles) == len(places)
    for rectangle in rectangles:
        left, bottom, right, top = (float(value) for value in rectangle.split())
        assert -0.01 <= left < right <= _EDGES[0] + 0.01
        assert -0.01 <= bottom < top <= _EDGES[1] + 0.01
