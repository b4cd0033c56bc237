"""The QR code: what it says, read back by a decoder."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import typst
import zxingcpp
from PIL import Image

from policy_render.qr import address, verification_qr

_URL = "https://verify.example.cn/v"


@pytest.mark.parametrize("number", ["PDZA202611000000012345", "N", "9" * 64, "A-1"])
def test_reads_back(tmp_path: Path, number: str) -> None:
    (tmp_path / "code.svg").write_text(verification_qr(_URL, number))
    source = '#set page(width: 60mm, height: 60mm, margin: 10mm)\n#image("code.svg", width: 40mm)'
    (tmp_path / "code.typ").write_text(source)
    (tmp_path / "code.pdf").write_bytes(typst.compile(str(tmp_path / "code.typ"), format="pdf"))
    subprocess.run(
        ["pdftoppm", "-r", "150", "-png", "-singlefile", tmp_path / "code.pdf", tmp_path / "code"], check=True
    )
    (code,) = zxingcpp.read_barcodes(Image.open(tmp_path / "code.png"))
    assert code.text == f"{_URL}?n={number}"


def test_what_is_not_plain_is_escaped() -> None:
    assert address(_URL, "a&b=c d/号") == f"{_URL}?n=a%26b%3Dc%20d%2F%E5%8F%B7"


def test_is_the_same_every_time() -> None:
    assert verification_qr(_URL, "N1") == verification_qr(_URL, "N1")
    assert verification_qr(_URL, "N1") != verification_qr(_URL, "N2")
