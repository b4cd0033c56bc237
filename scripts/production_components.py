"""What a production installation consists of, with licences: Python packages, Debian packages, our C modules, fonts.

Read by make_sbom.py and make_licences.py. Python packages come from requirements-production.lock, so development tools are not among
them; their licences from their own metadata, which the lock fixes by hash.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from importlib.metadata import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements-production.lock"
OWN_LICENCE = "proprietary"
# What packages without a licence expression (PEP 639) write → SPDX identifiers.
_SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    # pypdfium2: its binary holds PDFium and what that is built from, all permissive (BUILD_LICENSES in the wheel)
    "BSD-3-Clause, Apache-2.0, dependency licenses": "BSD-3-Clause AND Apache-2.0 AND LicenseRef-pdfium-third-party",
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
}
# Of packages whose metadata name a licence by a classifier alone, from their licence files.
_FROM_FILE = {"jinja2": "BSD-3-Clause"}
_SPDX_LIKE = re.compile(r"[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*")


@dataclass(frozen=True)
class PythonPackage:
    """`licence`: an SPDX expression. `sha256`: of every file of it that the lock accepts."""

    name: str
    version: str
    licence: str
    sha256: tuple[str, ...]


@dataclass(frozen=True)
class DebianPackage:
    """`licence`: an SPDX expression, or empty: see its copyright file. `use`: empty for what is only depended on."""

    name: str
    version: str
    architecture: str
    licence: str
    use: str


@dataclass(frozen=True)
class FontFile:
    """A pinned font."""

    path: str
    family: str
    sha256: str


def python_packages(lock: Path = LOCK) -> list[PythonPackage]:
    """In the lock's order. Raises SystemExit for a package without a licence that we understand."""
    packages = []
    for entry in re.split(r"\n(?=\S)", lock.read_text().strip()):
        name, version = re.match(r"([A-Za-z0-9._-]+)==(\S+)", entry).groups()  # type: ignore[union-attr]  # uv writes it so
        packages.append(
            PythonPackage(name, version, _licence_of(name), tuple(re.findall(r"sha256:([0-9a-f]{64})", entry)))
        )
    return packages


def _licence_of(name: str) -> str:
    fields = metadata(name)
    told = str(fields.get("License-Expression") or fields.get("License") or "").strip()
    licence = _SPDX.get(told, told) or _FROM_FILE.get(name, "")
    if not _SPDX_LIKE.fullmatch(licence):
        raise SystemExit(
            f"{name}: {told!r} is no licence that scripts/production_components.py knows; look it up, add it"
        )
    return licence


def named_debian_packages() -> list[dict[str, str]]:
    """What deploy/debian_packages.toml names."""
    packages: list[dict[str, str]] = tomllib.loads((ROOT / "deploy/debian_packages.toml").read_text())["packages"]
    return packages


def debian_packages(status_file: Path) -> list[DebianPackage]:
    """The named packages and all that they depend on, as they are installed where that dpkg status file comes from."""
    installed = _read_status(status_file)
    provided = {
        virtual.split()[0]: name
        for name, fields in installed.items()
        for virtual in fields.get("Provides", "").split(", ")
        if virtual
    }
    named = {package["name"]: package for package in named_debian_packages()}
    found: dict[str, DebianPackage] = {}
    waiting = list(named)
    while waiting:
        name = waiting.pop()
        name = name if name in installed else provided.get(name, name)
        if name in found:
            continue
        if name not in installed:
            raise SystemExit(
                f"{name} is not installed there: run scripts/bootstrap.sh, or name an image's dpkg status file"
            )
        fields, entry = installed[name], named.get(name, {})
        found[name] = DebianPackage(
            name, fields["Version"], fields["Architecture"], entry.get("licence", ""), entry.get("use", "")
        )
        waiting += _needed(fields, installed, provided)
    return sorted(found.values(), key=lambda package: package.name)


def _needed(fields: dict[str, str], installed: dict[str, dict[str, str]], provided: dict[str, str]) -> list[str]:
    needed = []
    for group in ", ".join(filter(None, (fields.get("Depends"), fields.get("Pre-Depends")))).split(", "):
        names = [re.split(r"[ :(]", alternative.strip())[0] for alternative in group.split("|") if alternative.strip()]
        needed += [name for name in names if name in installed or name in provided][:1]
    return needed


def _read_status(status_file: Path) -> dict[str, dict[str, str]]:
    installed = {}
    for paragraph in status_file.read_text(encoding="utf-8").split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", paragraph, re.MULTILINE))
        if fields.get("Status") == "install ok installed":
            installed[fields["Package"]] = fields
    return installed


def fonts() -> list[FontFile]:
    """Every file that policy_render pins; those used twice, once."""
    pinned = tomllib.loads((ROOT / "policy_render/fonts.toml").read_text(encoding="utf-8"))
    entries = [*pinned["fonts"], pinned["seal"]]
    return list(
        {entry["file"]: FontFile(entry["file"], entry["family"], entry["sha256"]) for entry in entries}.values()
    )


def native_module() -> tuple[str, str]:
    """Our one C module of production, and its SHA-256 as built here. The development token is none."""
    file = ROOT / "build/native/liblocking.so"
    return file.name, hashlib.sha256(file.read_bytes()).hexdigest()
