"""Templates: what a published version pins, what is refused, what the published ones promise."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from policy_render.catalog import TEMPLATES, Catalog, Template
from policy_render.data_rules import resolve
from policy_render.data_schema import check_data
from policy_render.errors import Reason, RenderError
from policy_render.template_judgement import judge_schema

_COMMERCIAL = "policy/commercial/1"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the published templates that may be damaged."""
    return Path(shutil.copytree(TEMPLATES, tmp_path / "templates"))


def _refusal(folder: Path) -> RenderError:
    with pytest.raises(RenderError) as caught:
        Catalog.load(folder)
    assert caught.value.reason is Reason.TEMPLATE_ALTERED
    return caught.value


def test_names_and_versions() -> None:
    catalog = Catalog.load()
    assert "policy/commercial" in catalog.names
    newest = catalog.get("policy/commercial")
    assert newest is catalog.get(newest.reference)
    assert newest.title_zh == "机动车商业保险保险单"
    assert [template.name for template in catalog.current()] == sorted(catalog.names)
    assert [one.version for one in catalog.every() if one.name == "policy/commercial"] == [1, 2]


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("policy/none", "policy/commercial"),
        ("", "policy/commercial"),
        ("policy/commercial@99", "1"),
        ("policy/commercial@0", "1"),
        ("policy/commercial@-1", "1"),
        ("policy/commercial@one", "1"),
        ("policy/commercial@１", "1"),
        ("../" * 50 + "etc/passwd@1", "policy/commercial"),
    ],
)
def test_unknown_ones_are_told_with_what_there_is(reference: str, told: str) -> None:
    with pytest.raises(RenderError) as caught:
        Catalog.load().get(reference)
    assert caught.value.reason is Reason.TEMPLATE_UNKNOWN
    assert told in caught.value.remedy
    assert len(caught.value.message) < 200


def test_every_published_version_keeps_its_promises() -> None:
    for template in Catalog.load().every():
        judge_schema(template)
        data = check_data(template, template.sample_json)
        assert data.number == resolve(json.loads(template.sample_json), template.number)
        if template.begins_at is None:
            assert data.begins_at is data.ends_at is None
        else:
            assert data.begins_at is not None
            assert data.ends_at is not None
            assert data.begins_at < data.ends_at
        assert template.seal_places
        for place in template.seal_places:
            assert place.page != 0
            assert place.width_mm / 2 < place.x_mm < 210 - place.width_mm / 2
            assert place.width_mm / 2 < place.y_mm < 297 - place.width_mm / 2


def test_the_samples_period_is_a_year_in_shanghai() -> None:
    data = check_data(Catalog.load().get("policy/commercial@1"), Catalog.load().get("policy/commercial@1").sample_json)
    assert data.begins_at is not None
    assert data.ends_at is not None
    assert (data.begins_at.isoformat(), data.ends_at.isoformat()) == (
        "2026-10-01T00:00:00+08:00",
        "2027-10-01T00:00:00+08:00",
    )


def test_a_template_has_a_whole_term_or_none(copy: Path) -> None:
    manifest = copy / _COMMERCIAL / "manifest.toml"
    manifest.write_text(manifest.read_text().replace('ends_at = "/period/ends_at"\n', ""))
    assert "begins_at and ends_at" in _refusal(copy).message


@pytest.mark.parametrize("file", ["main.typ", "schema.json", "sample.json", "logo.svg", "../../../look/1/look.typ"])
def test_a_changed_file_is_not_served(copy: Path, file: str) -> None:
    changed = copy / _COMMERCIAL / file
    changed.write_bytes(changed.read_bytes() + b"\n")
    assert file in _refusal(copy).message


def test_a_missing_file_is_not_served(copy: Path) -> None:
    (copy / _COMMERCIAL / "logo.svg").unlink()
    assert "logo.svg" in _refusal(copy).message


def test_a_file_that_nobody_pinned_is_not_served(copy: Path) -> None:
    (copy / _COMMERCIAL / "more.typ").write_text("= More")
    assert "more.typ is not pinned" in _refusal(copy).message


def test_a_manifest_pins_nothing_outside_the_templates(copy: Path) -> None:
    manifest = copy / _COMMERCIAL / "manifest.toml"
    manifest.write_text(manifest.read_text() + '"../../../../outside.typ" = "00"\n')
    (copy.parent / "outside.typ").write_text("")
    assert "outside.typ" in _refusal(copy).message


def test_an_unknown_key_in_a_manifest_is_fatal(copy: Path) -> None:
    manifest = copy / _COMMERCIAL / "manifest.toml"
    manifest.write_text('colour = "blue"\n' + manifest.read_text())
    assert "colour" in _refusal(copy).message


def test_definitions_that_nobody_pinned_are_not_used(copy: Path) -> None:
    manifest = copy / "mark/compulsory/1/manifest.toml"
    text = manifest.read_text()
    line = next(line for line in text.splitlines() if line.startswith('"../../../look/2/definitions.json"'))
    manifest.write_text(text.replace(line + "\n", ""))
    assert "definitions.json is not pinned" in _refusal(copy).message


@pytest.mark.parametrize("template", Catalog.load().every(), ids=lambda template: template.reference)
def test_a_policyholders_signature_has_a_place_beside_the_seal(template: Template) -> None:
    # whoever declares something signs it
    assert bool(template.signature_places) == ("declarations" in json.loads(template.json_schema)["properties"])
