"""`signer templates`: works on this machine's files alone; what it prints, writes and refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from policy_render.catalog import TEMPLATES, Catalog
from signer.cli.__main__ import main


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """A published template's files, as a draft."""
    return Path(shutil.copytree(TEMPLATES / "mark/compulsory/1", tmp_path / "draft"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Templates that may be added to."""
    folder = tmp_path / "templates"
    for part in ("look", "mark"):
        shutil.copytree(TEMPLATES / part, folder / part)
    return folder


def _said(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(capsys.readouterr().out)
    return values


def test_all_are_listed_with_their_chinese_titles(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["templates", "list", "--json"]) == 0
    listed = {row["template"]: row["title_zh"] for row in _said(capsys)["templates"]}
    assert listed == {template.reference: template.title_zh for template in Catalog.load().current()}
    assert main(["templates", "list"]) == 0
    assert "机动车交通事故责任强制保险标志" in capsys.readouterr().out


def test_show_tells_what_is_taken_and_where_seals_stand(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["templates", "show", "proposal/motor", "--json"]) == 0
    shown = _said(capsys)
    assert shown["template"] == "proposal/motor@1"
    assert (shown["members"]["policyholder"], shown["members"]["drivers"]) == (True, False)
    assert len(shown["seals"]) == len(shown["signatures"]) == 1
    assert main(["templates", "show", "proposal/motor"]) == 0
    told = capsys.readouterr().out
    assert "签名 signature" in told
    assert "[drivers]" in told


def test_schema_and_sample_are_printed_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["templates", "show", "mark/compulsory", "--sample"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(Catalog.load().get("mark/compulsory").sample_json)
    assert main(["templates", "show", "mark/compulsory", "--schema"]) == 0
    assert "$defs" in json.loads(capsys.readouterr().out)


def test_a_preview_is_a_marked_draft_with_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "draft.pdf"
    assert main(["templates", "preview", "mark/compulsory", "--out", str(out), "--png", "--json"]) == 0
    said = _said(capsys)
    assert (said["template"], said["pages"]) == ("mark/compulsory@1", 1)
    (picture,) = said["pictures"]
    assert Path(picture).read_bytes().startswith(b"\x89PNG")
    text = subprocess.run(["pdftotext", out, "-"], check=True, capture_output=True).stdout.decode()
    assert "未签章，无效" in text


def test_a_preview_of_data_with_faults_names_them_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(Catalog.load().get("mark/compulsory").sample_json)
    data["vehicle"] |= {"vin": "X", "plate": "?"}
    (tmp_path / "data.json").write_text(json.dumps(data))
    arguments = ["templates", "preview", "mark/compulsory", "--data", str(tmp_path / "data.json")]
    assert main([*arguments, "--out", str(tmp_path / "draft.pdf")]) == 5
    told = capsys.readouterr().err
    assert "$.vehicle.vin: must match" in told
    assert "$.vehicle.plate: must match" in told
    assert not (tmp_path / "draft.pdf").exists()


def test_a_draft_is_checked_previewed_and_added(
    draft: Path, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--templates", str(root)]
    assert main(["templates", "add", str(draft), "mark/other", "--check", *place]) == 0
    assert "mark/other@1" in capsys.readouterr().out
    assert "mark/other" not in Catalog.load(root).names
    assert main(["templates", "preview", str(draft), "--out", str(tmp_path / "p.pdf"), *place]) == 0
    assert main(["templates", "add", str(draft), "mark/other", *place]) == 0
    assert "重启后生效" in capsys.readouterr().out
    assert Catalog.load(root).get("mark/other@1").title_zh == "机动车交通事故责任强制保险标志"
    assert main(["templates", "add", str(draft), "mark/compulsory", "--json", *place]) == 0
    capsys.readouterr()
    assert sorted(template.reference for template in Catalog.load(root).current()) == [
        "mark/compulsory@2",
        "mark/other@1",
    ]


def test_an_unfit_draft_is_refused_with_what_to_do(draft: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = draft / "manifest.toml"
    manifest.write_text(manifest.read_text().replace("x_mm = 184.0", "x_mm = 209.0"))
    assert main(["templates", "add", str(draft), "mark/other", "--templates", str(root)]) == 5
    told = capsys.readouterr().err
    assert "leaves the page" in told
    assert "docs/templates.md" in told


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["show", "mark/none"], 5, "There are: "),
        (["list", "--templates", "/nowhere"], 2, "is no folder"),
        (["preview", "mark/compulsory", "--data", "nowhere.json", "--out", "x.pdf"], 5, "can't be read"),
        (["preview", "mark/compulsory", "--out", "-", "--png"], 5, "--png needs a file"),
        (["add", "nowhere", "mark/other"], 5, "lacks manifest.toml"),
    ],
)
def test_what_can_not_be_done_is_told(
    arguments: list[str], status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        ended = main(["templates", *arguments])
    except SystemExit as problem:
        ended = int(str(problem.code))
    assert (ended, told in capsys.readouterr().err) == (status, True)
