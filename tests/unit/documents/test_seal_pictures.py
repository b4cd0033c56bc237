"""Which picture a seal key shows, and what is said at start where a picture can't be had."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from policy_render.errors import Reason as Unfit
from policy_render.errors import RenderError
from policy_render.picture_drawing import draw_picture
from policy_render.seal_appearance import SealAppearance, round_seal
from signer.cms.electronic_seal import build_electronic_seal
from signer.cms.electronic_seal_structure import ElectronicSealInfo
from signer.documents.seal_config import ElectronicSealConfig, SealConfig
from signer.documents.seal_pictures import SealPictures
from signer.errors import ConfigurationError, Reason
from tests.conformance.electronic_seal_asn1 import VALID, seal_maker, sealer
from tests.seal_picture_files import oval_svg, png, ring

_KEYS = {"seal-rsa", "seal-sm2"}


def _config(picture: Path | None = None, **pictures: Path) -> SealConfig:
    by_key = {key.replace("_", "-"): file for key, file in pictures.items()}
    return SealConfig("示例财产保险", "专用章", "seal-sm2", "PADES_B", None, None, picture, by_key)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A PNG and an SVG."""
    ring_file, oval_file = tmp_path / "ring.png", tmp_path / "oval.svg"
    ring_file.write_bytes(png(ring()))
    oval_file.write_bytes(oval_svg())
    return ring_file, oval_file


def test_without_files_every_seal_is_drawn() -> None:
    pictures = SealPictures.load(_config(), _KEYS, draw_picture)
    assert pictures.of("seal-sm2") == round_seal("示例财产保险", caption="专用章")
    assert pictures.of("seal-sm2") is pictures.of("seal-rsa")


def test_a_key_shows_its_own_picture_and_the_others_the_common_one(files: tuple[Path, Path]) -> None:
    pictures = SealPictures.load(_config(files[0], seal_rsa=files[1]), _KEYS, draw_picture)
    assert pictures.of("seal-rsa") == draw_picture(oval_svg())
    assert pictures.of("seal-sm2") == draw_picture(png(ring()))
    only_one = SealPictures.load(_config(seal_rsa=files[1]), _KEYS, draw_picture)
    assert only_one.of("seal-sm2") == round_seal("示例财产保险", caption="专用章")


def test_a_picture_of_a_key_that_does_not_exist_is_refused(files: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigurationError, match=r"seal-rsb: there is no such seal key .*seal-rsa, seal-sm2"):
        SealPictures.load(_config(seal_rsb=files[1]), _KEYS, draw_picture)


@pytest.mark.parametrize("content", [None, b"", b"nonsense", png(ring())[:-1], oval_svg()[:-1], bytes(3_000_000)])
def test_what_is_wrong_is_said_with_the_file_and_a_remedy(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "seal.png"
    if content is not None:
        file.write_bytes(content)
    for config in (_config(file), _config(seal_rsa=file)):
        with pytest.raises(ConfigurationError) as caught:
            SealPictures.load(config, _KEYS, draw_picture)
        assert caught.value.reason is Reason.START_FAILED
        assert str(file) in caught.value.message
        assert caught.value.remedy


def _electronic(folder: Path, picture_type: str, picture: bytes) -> SealConfig:
    """A configuration whose electronic seal holds a picture."""
    file, maker = folder / "seal.esl", seal_maker()
    info = ElectronicSealInfo(
        es_id="1",
        name="章",
        picture_type=picture_type,
        picture=picture,
        width_mm=42,
        height_mm=42,
        certificates=(sealer().certificate,),
        created_at=VALID[0],
        valid_from=VALID[0],
        valid_to=VALID[1],
        vid="APPL",
    )
    file.write_bytes(build_electronic_seal(info, maker.certificate, maker.key.sign))
    return replace(_config(), electronic=ElectronicSealConfig(file, "handler", "subfilter"))


@pytest.mark.parametrize(("picture_type", "picture"), [("SVG", oval_svg()), ("png", png(ring()))])
def test_an_electronic_seal_shows_what_its_maker_signed(tmp_path: Path, picture_type: str, picture: bytes) -> None:
    pictures = SealPictures.load(_electronic(tmp_path, picture_type, picture), _KEYS, draw_picture)
    assert pictures.of("seal-sm2", electronic=True) == draw_picture(picture)
    assert pictures.of("seal-sm2") == round_seal("示例财产保险", caption="专用章")


@pytest.mark.parametrize(
    ("picture_type", "picture", "told"),
    [("OFD", b"a package", "of the type OFD"), ("PNG", b"no picture", "PNG"), ("SVG", oval_svg()[:-1], "SVG")],
)
def test_a_picture_that_nobody_draws_leaves_the_keys(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, picture_type: str, picture: bytes, told: str
) -> None:
    pictures = SealPictures.load(_electronic(tmp_path, picture_type, picture), _KEYS, draw_picture)
    assert pictures.of("seal-sm2", electronic=True) is pictures.of("seal-sm2")
    (said,) = caplog.records
    assert told in vars(said)["fields"]["problem"]


def test_a_renderer_that_is_away_is_no_reason_to_show_another_picture(tmp_path: Path) -> None:
    def away(_content: bytes) -> SealAppearance:
        raise RenderError(Unfit.RENDERER_TIMEOUT, "the picture was not rendered in time", "Retry.")

    with pytest.raises(ConfigurationError, match="not rendered in time"):
        SealPictures.load(_electronic(tmp_path, "SVG", oval_svg()), _KEYS, away)


def test_what_is_no_electronic_seal_leaves_the_keys_picture(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = _electronic(tmp_path, "SVG", oval_svg())
    (tmp_path / "seal.esl").write_bytes(b"nonsense")
    pictures = SealPictures.load(config, _KEYS, draw_picture)
    assert pictures.of("seal-sm2", electronic=True) is pictures.of("seal-sm2")
    assert "not an electronic seal" in vars(caplog.records[0])["fields"]["problem"]


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Is a directory"):
        SealPictures.load(_config(tmp_path), _KEYS, draw_picture)
