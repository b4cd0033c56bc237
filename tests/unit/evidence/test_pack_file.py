"""Packs read back: a JSON that is not the sealed one is noticed, and what proves nothing is not called proven.

Threat: T30.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from policy_render.catalog import Catalog
from policy_render.fonts import Fonts
from policy_render.renderer_process import Typesetter
from signer.errors import RequestError
from signer.evidence.attachment import attached_data
from signer.evidence.canonical import canonical
from signer.evidence.pack_file import JSON_NAME, PDF_NAME, Seal, load_pack
from signer.evidence.remote import DocumentVerdict

_SAMPLE: dict[str, Any] = json.loads(Catalog.load().get("evidence/pack").sample_json)
_NUMBER = _SAMPLE["pack"]["number"]


def _verdict(**changes: Any) -> DocumentVerdict:
    values: dict[str, Any] = {
        "integrity": "WHOLE",
        "origin": "ISSUED_HERE",
        "contract_state": "UNSPECIFIED",
        "number": _NUMBER,
        "template": "evidence/pack@1",
        "same_bytes": True,
    }
    return DocumentVerdict(**{**values, **changes})


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack's folder; its PDF is rendered, not sealed: verdicts are given by the tests."""
    folder, links = tmp_path_factory.mktemp("pack"), tmp_path_factory.mktemp("fonts")
    fonts = Fonts.load()
    fonts.link_into(links)
    text = canonical(_SAMPLE)
    pdf, _ = Typesetter(Catalog.load(), fonts, links).render(
        "evidence/pack@1", text, draft=False, verification_url="https://verify.example.cn/v"
    )
    (folder / JSON_NAME).write_text(text, encoding="utf-8")
    (folder / PDF_NAME).write_bytes(pdf)
    return folder


@pytest.fixture
def folder(rendered: Path, tmp_path: Path) -> Path:
    """A copy that may be tampered with."""
    return Path(shutil.copytree(rendered, tmp_path / "pack"))


def test_the_attached_data_is_the_json_byte_for_byte(folder: Path) -> None:
    assert attached_data((folder / PDF_NAME).read_bytes()) == (folder / JSON_NAME).read_bytes()


def test_a_whole_pack(folder: Path) -> None:
    for place in (folder, folder / JSON_NAME, folder / PDF_NAME):
        loaded = load_pack(place, lambda _: _verdict())
        assert (loaded.values, loaded.seal) == (_SAMPLE, Seal.VERIFIED)
    assert load_pack(folder, None).seal is Seal.NOT_ASKED


def test_json_alone_proves_nothing(folder: Path) -> None:
    (folder / PDF_NAME).unlink()
    assert load_pack(folder, lambda _: _verdict()).seal is Seal.NO_PDF


def test_a_changed_json_is_noticed_without_asking_anybody(folder: Path) -> None:
    text = (folder / JSON_NAME).read_text(encoding="utf-8")
    (folder / JSON_NAME).write_text(text.replace('"not-met"', '"met"'), encoding="utf-8")
    loaded = load_pack(folder, None)
    assert loaded.seal is Seal.WRONG
    assert "attached" in loaded.why


@pytest.mark.parametrize(
    "changes",
    [
        {"integrity": "CHANGED"},
        {"origin": "UNKNOWN"},
        {"origin": "TRUSTED"},
        {"same_bytes": False},
        {"number": "EVP-another"},
        {"template": "policy/commercial@1"},
    ],
)
def test_what_the_appliance_does_not_confirm_is_wrong(folder: Path, changes: dict[str, Any]) -> None:
    assert load_pack(folder, lambda _: _verdict(**changes)).seal is Seal.WRONG


def test_a_pdf_without_data_is_wrong(folder: Path) -> None:
    pdf = (folder / PDF_NAME).read_bytes()
    (folder / PDF_NAME).write_bytes(pdf.replace(b"/Type/EmbeddedFile", b"/Type/EmbeddedFilE"))
    assert load_pack(folder, None).seal is Seal.WRONG


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"a": 1, "a": 1}', "key twice"),
        (b'{"format": "signer-drill-record", "format_version": 1}', "not an evidence pack"),
        (b'{"format": "signer-evidence-pack", "format_version": 2}', "not an evidence pack"),
        (b'{"format": "signer-evidence-pack", "format_version": 1}', "not by the schema"),
        (b'"' + b"x" * (1024 * 1024) + b'"', "larger than"),
    ],
)
def test_what_is_no_pack_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / JSON_NAME).write_bytes(content)
    with pytest.raises(RequestError, match=told):
        load_pack(tmp_path / JSON_NAME, None)


def test_a_place_without_a_pack_is_told(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere.json", tmp_path / "nowhere.pdf"):
        with pytest.raises(RequestError):
            load_pack(place, None)
