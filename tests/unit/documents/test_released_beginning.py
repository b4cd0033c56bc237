"""A file begins with what was released, or it does not: to the byte, at the end of a revision."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.algorithms import sm3
from signer.documents.released_beginning import begins_as_released

_FIRST = b"%PDF-1.7 first\nstartxref\n9\n%%EOF\n"
_SECOND = _FIRST + b"second\nstartxref\n99\n%%EOF\n"
_KNOWN = {sm3.digest(_SECOND)}


@pytest.mark.parametrize("after", [b"", b"third", b"third\nstartxref\n1\n%%EOF\n", b"\r\n"])
def test_what_follows_does_not_matter(after: bytes) -> None:
    assert begins_as_released(_SECOND + after, _KNOWN)
    assert not begins_as_released(_FIRST + after, _KNOWN)
    assert not begins_as_released(_SECOND + after, {sm3.digest(_SECOND[:-1] + b" ")})


@given(st.integers(0, len(_SECOND) - 1), st.integers(1, 255))
def test_every_byte_of_it_does(at: int, bits: int) -> None:
    changed = bytearray(_SECOND)
    changed[at] ^= bits
    assert not begins_as_released(bytes(changed), _KNOWN)


def test_nobody_counts_ends_for_ever() -> None:
    assert not begins_as_released(b"%%EOF\n" * 300 + _SECOND, {sm3.digest(b"%%EOF\n" * 300)})
    assert begins_as_released(b"%%EOF\n" * 300, {sm3.digest(b"%%EOF\n" * 200)})
    assert not begins_as_released(_SECOND, set())
