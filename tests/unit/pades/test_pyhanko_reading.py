"""The faster reader of hexadecimal strings says what pyHanko's own says, on anything."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfStreamError

from signer.pades import pyhanko_reading
from signer.pades.pyhanko_reading import read_faster, read_hexadecimal_string

_DIGITS = b"0123456789abcdefABCDEF"
_pieces = st.sampled_from(
    [bytes([digit]) for digit in _DIGITS] + [b" ", b"\n", b"\r", b"\x00", b"%c\n", b"g", b"<", b"\xff"]
)


def _outcome(read: Any, data: bytes) -> tuple[object, ...]:
    stream = io.BytesIO(b"before" + data)
    stream.seek(6)
    try:
        value = read(stream)
    except (PdfStreamError, ValueError) as problem:
        return type(problem), str(problem)
    return type(value), value, getattr(value, "autodetected_encoding", None), stream.tell()


@given(st.lists(_pieces, max_size=40), st.sampled_from([b">", b"", b">>", b"> endobj"]))
@example([b"f", b"e", b"f", b"f", b"4", b"f", b"6", b"0"], b">")
@example([b"4", b"1", b"5"], b">")
def test_it_reads_what_pyhanko_reads(pieces: list[bytes], end: bytes) -> None:
    data = b"<" + b"".join(pieces) + end
    assert _outcome(read_hexadecimal_string, data) == _outcome(pyhanko_reading._read_by_digits, data)


@pytest.mark.parametrize("digits", [254, 255, 256, 257, 65_790, 65_791, 65_792, 65_793, 200_000, 524_287, 600_000])
def test_long_strings_are_read_over_pieces(digits: int) -> None:
    data = b"<" + b"30" * (digits // 2) + b"3" * (digits % 2) + b"> /Next"
    assert _outcome(read_hexadecimal_string, data) == _outcome(pyhanko_reading._read_by_digits, data)


def test_no_string_is_looked_for_in_the_whole_file() -> None:
    stream = io.BytesIO(b"<" + b"x" * 2_000_000)
    with pytest.raises(PdfStreamError):
        read_hexadecimal_string(stream)
    stream.seek(0)
    assert len(pyhanko_reading._up_to_bracket(stream)) == 512 * 1024 + 256


def test_pyhanko_uses_it_once_it_is_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    own = pyhanko_reading._read_by_digits
    monkeypatch.setattr(generic, "read_hex_string_from_stream", own)  # and back behind this test
    read_faster()
    read_faster()
    assert vars(generic)["read_hex_string_from_stream"] is read_hexadecimal_string
    assert repr(generic.read_object(io.BytesIO(b"<4142>"), container_ref=generic.Reference(1))) == "'AB'"
    assert pyhanko_reading._read_by_digits is own
