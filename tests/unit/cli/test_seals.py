"""`signer seals preview`: what an administrator sees before anybody seals with a picture, and what is said where it can't be drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from policy_render.seal_sheet import place
from signer.cli.__main__ import main
from signer.cli.output import ExitStatus
from tests.seal_picture_files import colours_in, oval_svg

_DOTS_PER_MM = 150 / 25.4


def _colours_in(picture: Path, row: int) -> set[str]:
    """Whether red or blue is among what a row's field shows."""
    page, x, y = place(row)
    assert page == 1
    box = [round(value * _DOTS_PER_MM) for value in (x - 25, y - 25, x + 25, y + 25)]
    return colours_in(Image.open(picture).crop((box[0], box[1], box[2], box[3])))


def test_a_picture_is_drawn_over_text_with_its_measures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "oval.svg").write_bytes(oval_svg())
    out = tmp_path / "oval.png"
    command = ["seals", "preview", "--picture", str(tmp_path / "oval.svg"), "--out", str(out), "--width", "50"]
    assert main(command) == ExitStatus.OK
    told = capsys.readouterr().out
    assert "印章预览" in told
    assert "50 × 25 mm" in told
    assert _colours_in(out, 0) == {"blue"}


def test_what_can_not_be_drawn_is_said_with_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "seal.svg").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'><text>x</text></svg>")
    out = tmp_path / "seal.png"
    assert main(["seals", "preview", "--picture", str(tmp_path / "seal.svg"), "--out", str(out)]) == ExitStatus.LOCAL
    told = capsys.readouterr().err
    assert "seal.svg" in told
    assert "Convert texts to paths" in told
    assert not out.exists()


@pytest.mark.parametrize("arguments", [["--out", "seal.pdf"], ["--out", "a.png", "--width", "500"], ["--out", "a.png"]])
def test_arguments_that_make_no_sense_are_refused(arguments: list[str], tmp_path: Path) -> None:
    picture = [] if arguments == ["--out", "a.png"] else ["--picture", str(tmp_path / "x.svg")]
    with pytest.raises(SystemExit) as caught:
        main(["seals", "preview", *picture, *arguments])
    assert caught.value.code == ExitStatus.USAGE


def test_a_folder_that_does_not_exist_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "oval.svg").write_bytes(oval_svg())
    out = tmp_path / "missing" / "seal.png"
    assert main(["seals", "preview", "--picture", str(tmp_path / "oval.svg"), "--out", str(out)]) == ExitStatus.LOCAL
    assert "can't be written" in capsys.readouterr().err
