"""Everything that strangers give is escaped; every kind of answer has a page; the report's mark is the portal's own.

Threat: T35.
"""

from __future__ import annotations

import itertools
import re

import pytest

from signer.client.conclusion import Outcome
from signer.v1 import document_pb2 as wire
from signer.v1 import types_pb2
from signer.web import refusal
from signer.web.pages import Pages
from signer.web.refusal import Refusal
from signer.web.report_download import ReportDownload
from signer.web.result import Result

_HOSTILE = "<script>alert('1')</script>\"&"
_PAGES = Pages("示例财产保险股份有限公司")
_REFUSALS = [
    *(refusal.too_large(), refusal.no_file(), refusal.malformed(), refusal.unknown_form(), refusal.too_slow()),
    *(refusal.too_often(3), refusal.busy(), refusal.unavailable(), refusal.report_unknown(), refusal.fault()),
    *(refusal.not_found(), refusal.wrong_method()),
]


def _hostile_report() -> wire.VerifyDocumentResponse:
    found = types_pb2.Finding(code=_HOSTILE, message=_HOSTILE, message_zh=_HOSTILE)
    report = wire.VerifyDocumentResponse(
        integrity=wire.INTEGRITY_WHOLE,
        origin=wire.ORIGIN_UNKNOWN,
        summary_zh=_HOSTILE,
        findings=[found],
        report_cms=b"0",
    )
    report.signatures.add(signer=_HOSTILE, findings=[types_pb2.Finding(code="other", message_zh=_HOSTILE)])
    report.signatures.add(signer=f"CN={_HOSTILE},O=x")
    report.issued.number = report.issued.template = report.issued.title_zh = _HOSTILE
    report.issued.related.append(_HOSTILE)
    return report


def test_what_strangers_wrote_is_text() -> None:
    page = _PAGES.result(Result.of(_hostile_report(), _HOSTILE), "mark")
    assert page.count("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&#34;&amp;") >= 9
    assert "<script>" not in page
    assert "<script>" not in _PAGES.form(_HOSTILE)


@pytest.mark.parametrize(
    ("integrity", "origin", "state"),
    list(itertools.product(wire.Integrity.values(), wire.Origin.values(), wire.ContractState.values())),
)
def test_every_answer_has_a_page(
    integrity: wire.Integrity.ValueType, origin: wire.Origin.ValueType, state: wire.ContractState.ValueType
) -> None:
    report = wire.VerifyDocumentResponse(integrity=integrity, origin=origin, contract_state=state)
    result = Result.of(report, "")
    page = _PAGES.result(result, "")
    assert f'data-outcome="{result.conclusion.outcome.value}"' in page
    assert "下载签名报告" not in page  # there is none
    assert result.as_json()["outcome"] in set(Outcome)


@pytest.mark.parametrize("told", _REFUSALS, ids=lambda told: told.reason)
def test_every_refusal_has_a_page_in_both_languages(told: Refusal) -> None:
    page = _PAGES.refusal(told)
    assert told.headline.zh in page
    assert re.search(r"[\u4e00-\u9fff]", told.advice.zh)
    assert told.headline.en.isascii()
    assert 'id="upload"' in page  # one can go on


def test_a_number_is_shown_only_where_it_can_be_one() -> None:
    assert "单证号" in _PAGES.form("PDZA202611000000012345")
    for number in ("", "A" * 65, "A\nB", "\x00"):
        assert "单证号" not in _PAGES.form(number)


def test_marks_are_of_one_portal_and_one_report() -> None:
    first, second = ReportDownload.with_new_key(), ReportDownload.with_new_key()
    assert repr(first) == repr(second)  # the key does not show
    assert first.mark(b"a") == first.mark(b"a")
    assert len({first.mark(b"a"), first.mark(b"b"), second.mark(b"a")}) == 3
