"""A running appliance whose seals show pictures from files: one for all keys, one of a key's own."""

from __future__ import annotations

import io
import itertools
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image

from demo.appliance import signer
from policy_render.catalog import Catalog
from signer.client import Connection, load_profile
from signer.pades.shape import check_shape
from signer.v1 import document_pb2 as wire
from tests.conftest import free_port_base
from tests.fuzz.rendered_documents import rendered
from tests.made_appliances import running
from tests.seal_picture_files import OVAL_ASPECT, colours_in, oval_svg, png, ring

_ISSUE_IDS = (f"pictures-{number}" for number in itertools.count())
_PLACE = wire.SealPlace
_DOTS_PER_MM = 4


def _box(page: int, x: float, y: float, width: float = 50) -> wire.SealPlace:
    return _PLACE(box=_PLACE.Box(page=page, x_mm=x, y_mm=y, width_mm=width))


@dataclass(frozen=True)
class Pictured:
    """An appliance and its configuration."""

    connection: Connection
    settings: Path


@pytest.fixture(scope="module")
def pictured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pictured]:
    """An appliance of its own: every seal a red ring twice as high as wide, those of seal-rsa a blue oval."""
    directory, port = tmp_path_factory.mktemp("pictured"), free_port_base()
    settings = directory / "signer.toml"

    def configure() -> None:
        text = settings.read_text("utf-8").replace("[seal]\n", '[seal]\npicture = "ring.png"\n', 1)
        settings.write_text(text + '\n[seal.pictures]\n"seal-rsa" = "oval.svg"\n', encoding="utf-8")
        (directory / "ring.png").write_bytes(png(ring(size=(300, 600))))
        (directory / "oval.svg").write_bytes(oval_svg())

    with (
        running(directory, port, change=configure),
        Connection(load_profile(directory / "clients" / "core" / "profile.toml")) as connection,
    ):
        yield Pictured(connection, settings)


def _colours(pdf: bytes, folder: Path, place: wire.SealPlace, size_mm: tuple[float, float]) -> set[str]:
    """Which of the two colours a page shows in a box around a place."""
    box = place.box
    (folder / "page.pdf").write_bytes(pdf)
    command = [
        "pdftoppm",
        "-r",
        f"{_DOTS_PER_MM * 25.4}",
        "-f",
        str(box.page),
        "-l",
        str(box.page),
        "-png",
        "-singlefile",
    ]
    subprocess.run([*command, folder / "page.pdf", folder / "page"], check=True, capture_output=True)
    half_width, half_height = size_mm[0] / 2, size_mm[1] / 2
    corners = (box.x_mm - half_width, box.y_mm - half_height, box.x_mm + half_width, box.y_mm + half_height)
    left, top, right, bottom = (round(value * _DOTS_PER_MM) for value in corners)
    return colours_in(Image.open(folder / "page.png").crop((left, top, right, bottom)))


def _verify(connection: Connection, pdf: bytes) -> wire.VerifyDocumentResponse:
    report = connection.call(connection.documents.VerifyDocument, wire.VerifyDocumentRequest(pdf=pdf))
    assert (report.integrity, report.origin) == (wire.INTEGRITY_WHOLE, wire.ORIGIN_ISSUED_HERE)
    assert {item.verdict for item in report.signatures} == {1}
    return report


def test_each_key_shows_its_own_picture_on_an_issued_document(pictured: Pictured, tmp_path: Path) -> None:
    connection = pictured.connection
    template = connection.call(connection.documents.GetTemplate, wire.GetTemplateRequest(template="policy/commercial"))
    red, blue, stamp = _box(1, 60, 60, 25), _box(1, 60, 110), _box(1, 150, 110)
    seals = [
        wire.Seal(key="seal-sm2", places=[red]),
        wire.Seal(key="seal-rsa", places=[blue, stamp], profile=wire.Seal.PROFILE_PADES_LTA),
        wire.Seal(key="seal-sm2", profile=wire.Seal.PROFILE_GBT_38540),
    ]
    request = wire.IssueDocumentRequest(
        template="policy/commercial", data_json=template.sample_json, seals=seals, issue_id=next(_ISSUE_IDS)
    )
    pdf = connection.call(connection.documents.IssueDocument, request).pdf
    assert len(check_shape(pdf).seals) == 3
    assert _verify(connection, pdf).issued.same_bytes
    assert _colours(pdf, tmp_path, red, (25, 50)) == {"red"}
    for place in (blue, stamp):
        assert _colours(pdf, tmp_path, place, (50, 50)) == {"blue"}
        above = _box(1, place.box.x_mm, place.box.y_mm - 20)
        assert _colours(pdf, tmp_path, above, (50, 15 * OVAL_ASPECT)) == set()  # the oval is half as high as wide
    (own,) = Catalog.load().get("policy/commercial").seal_places
    assert _colours(pdf, tmp_path, _box(1, own.x_mm, own.y_mm), (own.width_mm, own.width_mm)) == {"red"}
    above = _box(1, own.x_mm, own.y_mm - own.width_mm / 2 - 3)
    assert _colours(pdf, tmp_path, above, (own.width_mm, 4)) == set()  # as high as the place is wide, and no higher


def test_an_electronic_seal_shows_its_own_picture(pictured: Pictured, tmp_path: Path) -> None:
    """The demo's seal maker put the round seal into it, red and as high as wide; the key's picture is twice as high."""
    connection = pictured.connection
    template = connection.call(connection.documents.GetTemplate, wire.GetTemplateRequest(template="policy/commercial"))
    alone, first, stamp = _box(1, 60, 60, 25), _box(1, 60, 110, 25), _box(1, 150, 110, 25)
    electronic = wire.Seal.PROFILE_GBT_38540
    for seals, places in (
        ([wire.Seal(key="seal-sm2", places=[alone], profile=electronic)], [alone]),
        # the second seal's other picture is drawn in the update of the first
        (
            [
                wire.Seal(key="seal-rsa", places=[alone]),
                wire.Seal(key="seal-sm2", places=[first, stamp], profile=electronic),
            ],
            [first, stamp],
        ),
    ):
        request = wire.IssueDocumentRequest(
            template="policy/commercial", data_json=template.sample_json, seals=seals, issue_id=next(_ISSUE_IDS)
        )
        pdf = connection.call(connection.documents.IssueDocument, request).pdf
        _verify(connection, pdf)
        for place in places:
            above = _box(1, place.box.x_mm, place.box.y_mm - 18)
            assert _colours(pdf, tmp_path, place, (25, 25)) == {"red"}
            assert "red" not in _colours(pdf, tmp_path, above, (25, 10))


def test_a_document_that_others_made_shows_them_too(pictured: Pictured, tmp_path: Path) -> None:
    connection = pictured.connection
    with pikepdf.open(io.BytesIO(rendered(4))) as pdf:
        for number, page in enumerate(pdf.pages):
            page.Rotate = 90 * (number % 2)
        turned = io.BytesIO()
        pdf.save(turned, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    blue, red = _box(2, 60, 60), _box(2, 150, 60, 25)
    across = _PLACE(cross_page=_PLACE.CrossPage(y_mm=150, width_mm=40))
    seals = [wire.Seal(key="seal-sm2"), wire.Seal(key="seal-rsa", places=[blue, across])]
    request = wire.SealDocumentRequest(pdf=turned.getvalue(), seals=seals, issue_id=next(_ISSUE_IDS))
    sealed = connection.call(connection.documents.SealDocument, request).pdf
    _verify(connection, sealed)
    assert _colours(sealed, tmp_path, blue, (50, 25)) == {"blue"}
    for number, width in enumerate([210, 297] * 2, start=1):
        strip = _box(number, width - 5, 150)
        assert _colours(sealed, tmp_path, strip, (10, 20)) == {"blue"}
    again = wire.SealDocumentRequest(
        pdf=sealed, seals=[wire.Seal(key="seal-sm2", places=[red])], issue_id=next(_ISSUE_IDS)
    )
    twice = connection.call(connection.documents.SealDocument, again).pdf
    assert len(_verify(connection, twice).signatures) == 3
    assert _colours(twice, tmp_path, red, (25, 50)) == {"red"}


def test_the_preview_shows_what_is_configured(pictured: Pictured, tmp_path: Path) -> None:
    out = tmp_path / "seals.png"
    said: dict[str, Any] = json.loads(
        signer("seals", "preview", "--config", str(pictured.settings), "--out", str(out), "--json").stdout
    )
    assert [Path(seal["picture"]).name for seal in said["seals"]] == ["ring.png", "oval.svg", "electronic-seal.esl"]
    assert colours_in(Image.open(out)) == {"red", "blue"}
