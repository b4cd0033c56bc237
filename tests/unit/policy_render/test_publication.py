"""Publishing templates: what a draft must be, what is told where it is not, and that nothing is left of one that was refused.

Threat: T38.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policy_render.catalog import TEMPLATES, Catalog
from policy_render.errors import Reason, RenderError
from policy_render.publication import publish, trial

_MAIN = """\
#import "/look/2/look.typ": *
#let title = ("续保提示",)
#show: document-page.with(title: title, number: data.notice.number)
#page-head(title, "通知", data.notice.number)
#numbered("提示", data.texts)
"""
_MANIFEST = """\
# a comment that stays
title_zh = "续保提示"
number = "/notice/number"
confirmed_at = "/notice/made_at"
definitions = "../../../look/2/definitions.json"
rules = []

[[seal]]
page = -1
x_mm = 160
y_mm = 240
width_mm = 38
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of templates with the look and one template."""
    folder = tmp_path / "templates"
    shutil.copytree(TEMPLATES / "look", folder / "look")
    shutil.copytree(TEMPLATES / "mark", folder / "mark")
    return folder


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """A draft that is fit."""
    folder = tmp_path / "draft"
    folder.mkdir()
    closed = {"type": "object", "additionalProperties": False}
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **closed,
        "required": ["notice", "insurer", "texts"],
        "properties": {
            "notice": {
                **closed,
                "required": ["number", "made_at"],
                "properties": {"number": {"$ref": "#/$defs/number"}, "made_at": {"$ref": "#/$defs/moment"}},
            },
            "insurer": {"$ref": "#/$defs/insurer"},
            "texts": {"type": "array", "minItems": 1, "maxItems": 9, "items": {"$ref": "#/$defs/paragraph"}},
        },
    }
    insurer = json.loads(Catalog.load().get("policy/compulsory").sample_json)["insurer"]
    sample = {
        "notice": {"number": "N-1", "made_at": "2026-09-30T10:00:00+08:00"},
        "insurer": insurer,
        "texts": ["示例。"],
    }
    (folder / "main.typ").write_text(_MAIN)
    (folder / "manifest.toml").write_text(_MANIFEST)
    (folder / "schema.json").write_text(json.dumps(schema, ensure_ascii=False))
    (folder / "sample.json").write_text(json.dumps(sample, ensure_ascii=False))
    return folder


def _tree(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*"))


def test_a_draft_becomes_the_next_version_and_the_draft_stays_as_it_is(draft: Path, root: Path) -> None:
    before = {file.name: file.read_bytes() for file in draft.iterdir()}
    first = publish(draft, "notice/renewal", root)
    assert (first.template.reference, first.pages) == ("notice/renewal@1", 1)
    assert first.template.folder == root / "notice/renewal/1"
    assert publish(draft, "notice/renewal", root).template.reference == "notice/renewal@2"
    assert {file.name: file.read_bytes() for file in draft.iterdir()} == before
    catalog = Catalog.load(root)
    assert catalog.get("notice/renewal@1").sample_sha256 == catalog.get("notice/renewal@2").sample_sha256
    manifest = (root / "notice/renewal/1/manifest.toml").read_text()
    assert "# a comment that stays" in manifest
    # what a rendering depends on is pinned: the whole look and its definitions, too
    assert '"../../../look/2/page.typ" = "' in manifest
    assert '"../../../look/2/definitions.json" = "' in manifest


def test_the_schema_that_clients_get_is_whole(draft: Path, root: Path) -> None:
    with trial(draft, "notice/renewal", root) as tried:
        definitions = json.loads(tried.template.json_schema)["$defs"]
    # those that it refers to, and those that these refer to; no more
    assert sorted(definitions) == ["insurer", "line", "moment", "number", "paragraph"]


def test_a_trial_leaves_nothing(draft: Path, root: Path) -> None:
    before = _tree(root)
    with trial(draft, "notice/renewal", root):
        pass
    assert _tree(root) == before


Spoil = Callable[[Path], object]


def _edit(name: str, old: str, new: str) -> Spoil:
    def spoil(draft: Path) -> None:
        text = (draft / name).read_text()
        assert old in text
        (draft / name).write_text(text.replace(old, new, 1))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda draft: (draft / "sample.json").unlink(), "lacks sample.json"),
        (lambda draft: (draft / "more").mkdir(), "another folder"),
        (_edit("manifest.toml", 'title_zh = "续保提示"\n', ""), "title_zh"),
        (_edit("manifest.toml", "title_zh = ", "title_zh "), "manifest.toml"),
        (_edit("manifest.toml", "rules = []", 'rules = [{kind = "product"}]'), "product"),
        (_edit("manifest.toml", "rules = []", 'rules = [{kind = "before", first = "/a"}]'), "second"),
        (_edit("manifest.toml", "x_mm = 160", "x = 160"), "unexpected keyword"),
        (_edit("manifest.toml", "x_mm = 160", "x_mm = 195"), "leaves the page"),
        (_edit("manifest.toml", "y_mm = 240", "y_mm = 290"), "leaves the page"),
        (_edit("manifest.toml", "page = -1", "page = 2"), "page 2 is none of the sample's 1"),
        (_edit("manifest.toml", "page = -1", "page = 0"), "page 0 is none"),
        (_edit("manifest.toml", "/notice/number", "/notice/id"), "/notice/id"),
        (_edit("manifest.toml", "look/2/definitions", "look/1/definitions"), "look/1/definitions.json"),
        (_edit("schema.json", "insurer", "insured"), "does not fit"),
        (_edit("schema.json", "#/$defs/insurer", "#/$defs/insured"), "refers to insured"),
        (_edit("schema.json", '"maxItems": 9, ', ""), "no maxItems"),
        (_edit("schema.json", '"additionalProperties": false', '"additionalProperties": true'), "unknown members"),
        (_edit("schema.json", '{"$ref": "#/$defs/moment"}', '{"type": "string"}'), "no maxLength"),
        (
            _edit("schema.json", '{"$ref": "#/$defs/moment"}', '{"type": "string", "format": "date"}'),
            "not checked here",
        ),
        (_edit("schema.json", '"array"', '"list"'), "no JSON Schema"),
        (_edit("sample.json", "N-1", "N 1"), "$.notice.number"),
        (_edit("sample.json", "{", "("), "not JSON"),
        (_edit("sample.json", "示例。", "示例\U00030000"), "U+30000"),
        (_edit("main.typ", "data.texts", "data.text"), "can't be rendered"),
        (_edit("main.typ", "/look/2/", "/look/9/"), "can't be rendered"),
    ],
)
def test_an_unfit_draft_is_told_why_and_nothing_is_added(draft: Path, root: Path, spoil: Spoil, told: str) -> None:
    spoil(draft)
    before = _tree(root)
    with pytest.raises(RenderError) as caught:
        publish(draft, "notice/renewal", root)
    assert told in caught.value.message, caught.value.message
    assert caught.value.remedy
    assert _tree(root) == before


@pytest.mark.parametrize(
    "name", ["notice", "Notice/renewal", "notice/renewal/1", "../notice", "look/two", "notice/" + "n" * 99, ""]
)
def test_names_are_class_and_kind(draft: Path, root: Path, name: str) -> None:
    with pytest.raises(RenderError) as caught:
        publish(draft, name, root)
    assert caught.value.reason is Reason.TEMPLATE_UNFIT


def test_a_published_version_that_was_changed_is_no_ground_to_add_on(draft: Path, root: Path) -> None:
    publish(draft, "notice/renewal", root)
    (root / "notice/renewal/1/main.typ").write_text("")
    with pytest.raises(RenderError) as caught:
        publish(draft, "notice/renewal", root)
    assert caught.value.reason is Reason.TEMPLATE_ALTERED
