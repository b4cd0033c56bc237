"""The report on its way between processes: the reader believes nothing that breaks the schema or contradicts itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.algorithms import sm3
from signer.certificates import TrustStore
from signer.findings import FindingCode, finding
from signer.pades.evidence import Integrity
from signer.pades.foreign import inspect_pdf
from signer.pades.inspection import InspectionReport, ReportMalformed
from tests.fuzz.sealed_documents import RSA, own_pki, sealed

_PDF = sealed(RSA)
_REPORT = inspect_pdf(_PDF, own_pki(RSA).trust)
_VALUE: dict[str, Any] = json.loads(_REPORT.to_json())


def _read(value: Any, pdf: bytes = _PDF) -> InspectionReport:
    return InspectionReport.from_json(json.dumps(value).encode(), pdf)


def _with_signature(**changes: Any) -> dict[str, Any]:
    return {**_VALUE, "signatures": [{**_VALUE["signatures"][0], **changes}]}


def test_a_report_arrives_as_it_was_sent() -> None:
    assert _read(_VALUE) == _REPORT
    unreadable = InspectionReport(Integrity.UNREADABLE, None, (finding(FindingCode.DAMAGED),))
    assert InspectionReport.from_json(unreadable.to_json(), b"") == unreadable


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {**_VALUE, "more": 1},
        {key: value for key, value in _VALUE.items() if key != "findings"},
        {**_VALUE, "integrity": "PERFECT"},
        {**_VALUE, "pages": -1},
        {**_VALUE, "pages": "2"},
        {**_VALUE, "pages": 10**9},
        {**_VALUE, "findings": ["no-such-finding"]},
        {**_VALUE, "findings": ["damaged"] * 21},
        {**_VALUE, "signatures": [_VALUE["signatures"][0]] * 101},
        _with_signature(more=1),
        _with_signature(verdict="GOOD"),
        _with_signature(signer="x" * 2_001),
        _with_signature(signer=7),
        _with_signature(certificate="not base64!"),
        _with_signature(certificate="QQ"),
        _with_signature(certificate="A" * 30_000),
        _with_signature(algorithm=99),
        _with_signature(algorithm=True),
        _with_signature(signed_at="yesterday"),
        _with_signature(signed_at="2026-01-01T00:00:00"),
        _with_signature(trusted=1),
        _with_signature(covered=[1, 2]),
        _with_signature(covered=[2, 1, 3]),
        _with_signature(covered=[1, 2, len(_PDF) + 1]),
        _with_signature(covered=[1, 2, 10**30]),
        _with_signature(covered=[1.5, 2, 3]),
        _with_signature(signed_sm3="00" * 32),
    ],
)
def test_what_breaks_the_schema_is_refused(value: Any) -> None:
    with pytest.raises(ReportMalformed):
        _read(value)


@pytest.mark.parametrize(
    "value",
    [
        {**_VALUE, "signatures": []},
        {**_VALUE, "integrity": "UNSIGNED"},
        _with_signature(verdict="FAILED"),
        _with_signature(mathematics_right=False),
    ],
)
def test_a_report_that_contradicts_itself_is_refused(value: Any) -> None:
    with pytest.raises(ReportMalformed):
        _read(value)


@pytest.mark.parametrize("data", [b"", b"\xff", b"{", b"[" * 100_000, b'{"integrity":', b"NaN"])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(ReportMalformed):
        InspectionReport.from_json(data, _PDF)


def test_more_hashing_than_is_sensible_is_refused() -> None:
    large = bytes(30 * 1024 * 1024)
    signature = {**_VALUE["signatures"][0], "covered": [1, 2, len(large)]}
    with pytest.raises(ReportMalformed):
        _read({**_VALUE, "signatures": [signature] * 10}, large)


def test_the_reader_hashes_its_own_copy() -> None:
    read = _read(_with_signature(covered=[10, 20, 100])).signatures[0]
    assert read.signed_sm3 == sm3.digest(_PDF[:10] + _PDF[20:100])
    assert _read(_with_signature(covered=None)).signatures[0].signed_sm3 == b""


def test_names_can_not_drive_a_terminal() -> None:
    assert _read(_with_signature(signer="CN=\x1b[2JA\u202eB")).signatures[0].signer == "CN=\ufffd[2JA\ufffdB"


@given(st.binary(max_size=400))
def test_any_bytes_are_a_report_or_malformed(data: bytes) -> None:
    with pytest.raises(ReportMalformed):
        InspectionReport.from_json(data, b"")


@given(st.binary(max_size=2_000))
def test_any_bytes_get_a_report(data: bytes) -> None:
    for content in (data, b"%PDF-1.7\n" + data, _PDF[:3_000] + data, data + _PDF[-3_000:]):
        report = inspect_pdf(content, TrustStore(()))
        assert report.integrity is not Integrity.WHOLE
