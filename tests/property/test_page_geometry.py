"""Pages turned, cropped and scaled: what is asked for as seen stands where it was asked for, and comes back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.pades.page_geometry import PageGeometry

_ORIGINS = st.floats(-500, 500)
_SIDES = st.floats(50, 2_000)
_GEOMETRIES = st.builds(
    lambda left, bottom, width, height, rotation, unit: PageGeometry(
        (left, bottom, left + width, bottom + height), rotation, unit
    ),
    _ORIGINS,
    _ORIGINS,
    _SIDES,
    _SIDES,
    st.sampled_from((0, 90, 180, 270)),
    st.sampled_from((0.5, 1.0, 2.0)),
)


@given(_GEOMETRIES, st.floats(0, 1), st.floats(0, 1))
def test_there_and_back(page: PageGeometry, right: float, down: float) -> None:
    width, height = page.size_mm
    left, bottom, right_edge, top = page.rectangle(right * width, down * height, 1e-6, 1e-6)
    assert page.to_shown((left + right_edge) / 2, (bottom + top) / 2) == pytest.approx(
        (right * width, down * height), abs=1e-4
    )


@given(_GEOMETRIES, st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 1.2), st.floats(0.01, 1.2))
def test_what_a_page_holds_lies_on_it(page: PageGeometry, right: float, down: float, wide: float, high: float) -> None:
    width, height = page.size_mm
    at = (right * width, down * height, wide * width, high * height)
    left, bottom, right_edge, top = page.rectangle(*at)
    inside = (
        left >= page.box[0] - 0.01
        and bottom >= page.box[1] - 0.01
        and right_edge <= page.box[2] + 0.01
        and top <= page.box[3] + 0.01
    )
    assert not page.holds(*at) or inside


def test_a_turned_page_shows_its_left_edge_at_the_top() -> None:
    page = PageGeometry((0, 0, 595, 842), 90, 1.0)
    assert page.size_mm == pytest.approx((842 * 25.4 / 72, 595 * 25.4 / 72))
    assert page.to_shown(0, 0) == pytest.approx((0, 0))
