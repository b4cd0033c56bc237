"""`make sbom` and docs/licences.md: valid CycloneDX, complete, and every part with a licence.

Threat: T29.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

_ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The bill as the command writes it."""
    out = tmp_path_factory.mktemp("sbom") / "sbom.cdx.json"
    subprocess.run([sys.executable, "scripts/make_sbom.py", "--out", str(out)], cwd=_ROOT, check=True, timeout=60)
    return out.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def components(text: str) -> dict[str, dict[str, Any]]:
    """By their references."""
    return {component["bom-ref"]: component for component in json.loads(text)["components"]}


def test_it_fits_the_schema_and_the_check_can_fail(text: str) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(text) is None
    assert validator.validate_str(text.replace('"type": "library"', '"type": "books"', 1)) is not None


def _locked(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (_ROOT / name).read_text(), re.MULTILINE))


def test_every_package_of_the_production_lock_is_listed_with_its_hashes(components: dict[str, dict[str, Any]]) -> None:
    listed = {ref.removeprefix("python/"): part for ref, part in components.items() if ref.startswith("python/")}
    assert {name: part["version"] for name, part in listed.items()} == _locked("requirements-production.lock")
    for name, part in listed.items():
        assert part["hashes"], name
        assert part["purl"] == f"pkg:pypi/{name}@{part['version']}"


def test_every_part_has_a_licence(components: dict[str, dict[str, Any]]) -> None:
    assert [ref for ref, part in components.items() if not part.get("licenses")] == []


def test_debian_packages_fonts_and_our_module_are_parts(components: dict[str, dict[str, Any]]) -> None:
    assert {"debian/libssl3", "debian/libc6", "debian/fonts-noto-cjk", "native/liblocking.so"} <= set(components)
    fonts = [part for ref, part in components.items() if ref.startswith("font")]
    assert len(fonts) >= 3
    assert all(part["hashes"] for part in fonts)
    assert not [ref for ref in components if "softtoken" in ref or "softhsm" in ref]


def test_production_has_no_development_package_and_the_same_versions() -> None:
    production, everything = _locked("requirements-production.lock"), _locked("requirements.lock")
    assert {name: everything.get(name) for name in production} == production
    assert not {"pytest", "gmssl", "hypothesis", "ruff", "mypy", "uv", "setuptools", "pip"} & set(production)


def test_the_licences_page_is_what_the_command_prints() -> None:
    printed = subprocess.run(
        [sys.executable, "scripts/make_licences.py"], cwd=_ROOT, check=True, capture_output=True, timeout=60
    )
    assert printed.stdout == (_ROOT / "docs" / "licences.md").read_bytes()
