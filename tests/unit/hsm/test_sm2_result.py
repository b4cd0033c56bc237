"""What a token returns for SM2 becomes r ‖ s, or an error: never a signature of another form."""

from __future__ import annotations

from contextlib import suppress

import pytest
from asn1crypto.core import Integer, Sequence
from hypothesis import given
from hypothesis import strategies as st

from hsm.errors import HsmError, Reason
from hsm.sm2_result import from_der, from_raw

_N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_NUMBERS = st.integers(1, _N - 1) | st.integers(1, 1 << 16) | st.integers(0, 255).map(lambda bit: min(1 << bit, _N - 1))


class _Pair(Sequence):  # type: ignore[misc]  # asn1crypto has no types
    _fields = [("r", Integer), ("s", Integer)]  # noqa: RUF012 - asn1crypto's way to declare


def _raw(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@given(_NUMBERS, _NUMBERS)
def test_both_forms_give_the_same(r: int, s: int) -> None:
    der: bytes = _Pair({"r": r, "s": s}).dump()
    assert from_der(der) == from_raw(_raw(r, s)) == _raw(r, s)


@given(st.binary(max_size=80))
def test_anything_else_is_told(data: bytes) -> None:
    for read in (from_der, from_raw):
        with suppress(HsmError):
            assert len(read(data)) == 64


@pytest.mark.parametrize(("r", "s"), [(0, 1), (1, 0), (_N, 1), (1, _N), ((1 << 256) - 1, 1)])
def test_numbers_out_of_range_are_told(r: int, s: int) -> None:
    with pytest.raises(HsmError):
        from_raw(_raw(r, s))
    with pytest.raises(HsmError):
        from_der(_Pair({"r": r, "s": s}).dump())


@pytest.mark.parametrize(
    "der",
    [
        "3006020101020101" + "00",  # something behind the SEQUENCE
        "3007020101020101" + "00",  # something behind s
        "300702020001020101",  # a zero that is not needed
        "30060201ff020101",  # negative
        "30050200020101",  # empty
        "3081060201010201" + "01",  # a length longer than need be
        "300602010102",  # cut
        "3106020101020101",  # a SET
    ],
)
def test_other_encodings_are_told(der: str) -> None:
    with pytest.raises(HsmError) as refused:
        from_der(bytes.fromhex(der))
    assert refused.value.reason is Reason.RESULT_MALFORMED
