"""Which picture a seal key shows, and what is said at start where a picture can't be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_render.picture_drawing import draw_picture
from policy_render.seal_appearance import round_seal
from signer.documents.seal_config import SealConfig
from signer.documents.seal_pictures import SealPictures
from signer.errors import ConfigurationError, Reason
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


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Is a directory"):
        SealPictures.load(_config(tmp_path), _KEYS, draw_picture)
