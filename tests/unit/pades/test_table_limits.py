"""Tables that claim more than any honest file holds are refused by what they claim, before they are read; no clock is asked.

Threat: T6.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import pytest

from signer.findings import FindingCode
from signer.pades.evidence import Integrity
from signer.pades.foreign import inspect_pdf
from signer.pades.stranger_plan import StrangerPlan
from signer.pades.stranger_sealing import prepare_stranger
from signer.pades.table_limits import MAX_ROWS, MAX_SECTIONS, TableLimitExceeded, check_table_limits
from tests.fuzz.hostile_pdfs import pages
from tests.fuzz.pdf_bombs import chain_of_tables, wide_table
from tests.fuzz.sealed_documents import RSA, own_pki


def _chained(sections: int, rows: int = 0) -> bytes:
    """A file of that many tables, the first with that many rows beside its own four."""
    out = bytearray(pages(1))
    start = out.rindex(b"xref\n0 ")
    if rows:
        out[start:] = b"xref\n10 %d\n" % rows + b"0000000000 00000 f\r\n" * rows + out[start + len(b"xref\n") :]
    for _ in range(sections - 1):
        here = len(out)
        out += b"xref\n0 0\ntrailer\n<</Size 4/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (start, here)
        start = here
    return bytes(out)


def _stream_table(entries: bytes, content: bytes = b"") -> bytes:
    out = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\n"
    head = b"<</Type/XRef/Root 1 0 R%b/Length %d>>" % (entries, len(content))
    return out + b"3 0 obj\n%b\nstream\n%b\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (head, content, len(out))


def _hybrid(times: int, rows: int) -> bytes:
    """Tables that all name one and the same stream beside them."""
    content = zlib.compress(b"\1\0\0" * rows)
    out = bytearray(_stream_table(b"/Size %d/W[1 1 1]/Filter/FlateDecode" % rows, content))
    beside, start = out.index(b"3 0 obj"), 0
    for number in range(times):
        here = len(out)
        previous = b"/Prev %d" % start if number else b""
        out += b"xref\n0 0\ntrailer\n<</Size %d/Root 1 0 R/XRefStm %d%b>>\n" % (rows, beside, previous)
        out += b"startxref\n%d\n%%%%EOF\n" % here
        start = here
    return bytes(out)


def test_as_many_sections_as_allowed_and_one_more() -> None:
    check_table_limits(_chained(MAX_SECTIONS))
    with pytest.raises(TableLimitExceeded):
        check_table_limits(_chained(MAX_SECTIONS + 1))


@pytest.mark.parametrize(
    "data",
    [
        _stream_table(b"/Size 1000000000/W[0 0 0]"),
        _stream_table(b"/Size 5/Index[0 1000000000]/W[1 4 2]"),
        _stream_table(b"/Size 5/Index[%b]/W[1 1 1]" % (b"0 0 " * 200_000)),
        _stream_table(b"/Size 5/Index[%b]/W[1 1 1]" % (b"1 %d " % (MAX_ROWS // 2) * 3)),
        _hybrid(20, MAX_ROWS // 10),
        _chained(200, MAX_ROWS // 4),
        chain_of_tables(),
        wide_table(),
    ],
    ids=["no width", "one section", "many sections", "in sum", "the same again", "many by many", "chain", "wide"],
)
def test_what_claims_too_much_is_refused(data: bytes) -> None:
    with pytest.raises(TableLimitExceeded):
        check_table_limits(data)


@pytest.mark.parametrize("make", [chain_of_tables, wide_table])
def test_the_report_says_that_a_limit_was_met(make: Callable[[], bytes]) -> None:
    """In this process nothing else would end the work."""
    report = inspect_pdf(make(), own_pki(RSA).trust)
    assert report.integrity is Integrity.UNREADABLE
    assert [item.code for item in report.findings] == [FindingCode.INSPECTION_LIMIT]


def test_what_is_sealed_for_others_is_measured_too() -> None:
    with pytest.raises(TableLimitExceeded):
        prepare_stranger(chain_of_tables(), StrangerPlan())


def test_large_honest_tables_pass() -> None:
    check_table_limits(_chained(1, MAX_ROWS // 2))
    check_table_limits(_hybrid(3, 1_000))
