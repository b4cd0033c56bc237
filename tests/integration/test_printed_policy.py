"""What a policy is to others: text, attached data, fonts, QR code, marks of PDF/A, long and rare data.

Judged by poppler, qpdf and zxing.
"""

from __future__ import annotations

import copy
import json
import re
import subprocess
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from policy_render.data_rules import amount_in_capitals
from signer.client import Connection
from signer.v1 import document_pb2 as wire
from tests.conftest import RunningAppliance


def _issue(connection: Connection, data: dict[str, Any], file: Path) -> Path:
    request = wire.IssueDocumentRequest(
        issue_id=str(uuid.uuid4()), template="policy/commercial", data_json=json.dumps(data, ensure_ascii=False)
    )
    file.write_bytes(connection.call(connection.documents.IssueDocument, request).pdf)
    return file


def _run(*command: str | Path) -> str:
    return subprocess.run(list(command), check=True, capture_output=True).stdout.decode()


def _text(pdf: Path) -> str:
    """The text with all white space taken out: lines break where the page wants."""
    text = re.sub(r"[\s\u200b]+", "", _run("pdftotext", pdf, "-"))
    return re.sub(r"机动车商业保险保险单第\d+页共\d+页PDZA\d+", "", text) + _footer(text)


def _footer(text: str) -> str:
    """The last page's footer: those between pages stand in the middle of sentences."""
    found: list[str] = re.findall(r"第\d+页共\d+页", text)
    return found[-1]


def _pages(pdf: Path) -> int:
    return int(re.search(r"Pages:\s+(\d+)", _run("pdfinfo", pdf))[1])  # type: ignore[index]  # pdfinfo always says


def _values(data: Any) -> Iterator[str]:
    """Every text in the data as it is printed."""
    if isinstance(data, dict):
        for name, value in data.items():
            if name in {"limit", "premium", "price", "total"} and isinstance(value, str):
                yield f"{Decimal(value):,}"
            elif name not in {"confirmed_at", "begins_at", "ends_at", "first_registered"}:
                yield from _values(value)
    elif isinstance(data, list):
        for value in data:
            yield from _values(value)
    else:
        yield str(data)


@pytest.fixture(scope="module")
def policy(connection: Connection, sample: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The issued sample."""
    return _issue(connection, sample, tmp_path_factory.mktemp("policy") / "policy.pdf")


def test_every_datum_comes_back_as_text(policy: Path, sample: dict[str, Any]) -> None:
    text = _text(policy)
    missing = [value for value in _values(sample) if re.sub(r"\s+", "", value) not in text]
    assert missing == []
    for printed in ("2026年10月1日0时", "2027年9月30日24时", "2026年9月30日15:42:18", "第1页共1页"):
        assert printed in text


def test_the_attached_json_is_the_data(policy: Path, sample: dict[str, Any], tmp_path: Path) -> None:
    _run("pdfdetach", "-save", "1", "-o", tmp_path / "policy.json", policy)
    assert json.loads((tmp_path / "policy.json").read_text(encoding="utf-8")) == sample


def test_every_font_is_embedded(policy: Path) -> None:
    rows = _run("pdffonts", policy).splitlines()[2:]
    assert rows
    assert all(re.search(r"\byes\s+yes\s+(yes|no)\s+\d+\s+\d+$", row) for row in rows), rows


def test_the_qr_code_leads_to_the_verification_page(appliance: RunningAppliance, policy: Path, tmp_path: Path) -> None:
    _run("pdftoppm", "-r", "150", "-png", "-singlefile", policy, tmp_path / "page")
    (code,) = zxingcpp.read_barcodes(Image.open(tmp_path / "page.png"))
    assert code.text == f"{appliance.portal_url}/v?n=PDZA202611000000012345"


def test_it_says_that_it_is_pdf_a_3b_and_is_sound(policy: Path) -> None:
    _run("qpdf", "--check", policy)
    xmp = policy.read_bytes()
    assert b"<pdfaid:part>3</pdfaid:part>" in xmp
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in xmp
    information = _run("pdfinfo", policy)
    assert re.search(r"Tagged:\s+yes", information)
    assert "机动车商业保险保险单" in information


def test_rare_characters_print_and_extract(connection: Connection, sample: dict[str, Any], tmp_path: Path) -> None:
    data = copy.deepcopy(sample)
    data["insured"]["name"] = "𠅤䶮㛃𪚥𬭛𰻝"
    pdf = _issue(connection, data, tmp_path / "rare.pdf")
    assert "𠅤䶮㛃𪚥𬭛𰻝" in _text(pdf)
    assert "HanaMin" in _run("pdffonts", pdf)


def test_long_data_flows_to_further_pages_and_nothing_is_lost(
    connection: Connection, sample: dict[str, Any], tmp_path: Path
) -> None:
    data = copy.deepcopy(sample)
    data["coverages"] = [
        {
            "name": f"附加险第{n}号" + "很长的名称" * 12,
            "limit_text": f"第{n}种限额" * 6,
            "deductible": "—",
            "premium": "1.00",
        }
        for n in range(40)
    ]
    data["premium"] = {"total": "40.00", "total_capitals": amount_in_capitals("40.00")}
    data["special_agreements"] = [f"第{n}条：" + "鑫" * 490 for n in range(20)]
    data["insurer"]["address"] = "很长的地址" * 40
    data["insurer"]["website"] = "https://www.example.cn/" + "a" * 170
    data["policyholder"]["name"] = "W" * 200
    pdf = _issue(connection, data, tmp_path / "long.pdf")
    assert _pages(pdf) > 3
    text = _text(pdf)
    # A paragraph that goes on over a page has a repeated heading in its middle: these are counted, all else is found whole.
    agreements = data.pop("special_agreements")
    assert text.count("鑫") == 490 * len(agreements)
    assert all(f"第{n}条：" in text for n in range(20))
    assert [value for value in _values(data) if re.sub(r"\s+", "", value) not in text] == []
    report = connection.call(connection.documents.VerifyDocument, wire.VerifyDocumentRequest(pdf=pdf.read_bytes()))
    assert report.integrity == wire.INTEGRITY_WHOLE


def test_the_least_data_fits_too(connection: Connection, sample: dict[str, Any], tmp_path: Path) -> None:
    data = copy.deepcopy(sample)
    data["special_agreements"] = []
    data["coverages"] = data["coverages"][:1]
    data["premium"] = {"total": "1386.52", "total_capitals": amount_in_capitals("1386.52")}
    data["important_notices"] = ["无"]
    pdf = _issue(connection, data, tmp_path / "least.pdf")
    assert _pages(pdf) == 1
    assert "无。" in _text(pdf)


def test_equal_data_gives_equal_bytes_before_the_seal(connection: Connection, sample: dict[str, Any]) -> None:
    request = wire.RenderDocumentRequest(template="policy/commercial", data_json=json.dumps(sample))
    drafts = {connection.call(connection.documents.RenderDocument, request).pdf for _ in range(6)}
    assert len(drafts) == 1
