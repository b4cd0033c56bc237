#!/usr/bin/env python3
"""Writes the software bill of materials of a production installation: CycloneDX 1.6, JSON, checked against its schema.

`make sbom` describes this machine's packages; --dpkg-status and --version-of say which others, e.g. an image's.
"""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from production_components import (
    OWN_LICENCE,
    DebianPackage,
    PythonPackage,
    debian_packages,
    fonts,
    native_module,
    python_packages,
)

_licences = LicenseFactory()


def make_bom(dpkg_status: Path) -> Bom:
    """The whole bill. The appliance depends on every part."""
    bom = Bom()
    own = Component(
        name="signing-appliance",
        version=version("signing-appliance"),
        type=ComponentType.APPLICATION,
        bom_ref="signing-appliance",
        licenses=[_licences.make_with_name(OWN_LICENCE)],
    )
    bom.metadata.component = own
    parts = [_python(package) for package in python_packages()]
    parts += [_debian(package) for package in debian_packages(dpkg_status)]
    parts += [_native(), *_fonts()]
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(own, parts)
    return bom


def _python(package: PythonPackage) -> Component:
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=f"python/{package.name}",
        purl=PackageURL("pypi", None, package.name, package.version),
        licenses=[_licences.make_from_string(package.licence)],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in package.sha256],
        properties=[Property(name="signer:hashes", value="of each file that requirements-production.lock accepts")],
    )


def _debian(package: DebianPackage) -> Component:
    copyright_file = f"/usr/share/doc/{package.name}/copyright"
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=f"debian/{package.name}",
        purl=PackageURL(
            "deb", "debian", package.name, package.version, {"arch": package.architecture, "distro": "bookworm"}
        ),
        licenses=[
            _licences.make_from_string(package.licence)
            if package.licence
            else _licences.make_with_name(f"as told in {copyright_file}")
        ],
        description=package.use or None,
    )


def _native() -> Component:
    name, digest = native_module()
    return Component(
        name=name,
        version=version("signing-appliance"),
        type=ComponentType.LIBRARY,
        bom_ref=f"native/{name}",
        description="PKCS#11 module that initialises the vendor's for threads; built from hsm/locking",
        licenses=[_licences.make_with_name(OWN_LICENCE)],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
    )


def _fonts() -> list[Component]:
    return [
        Component(
            name=font.family,
            type=ComponentType.FILE,
            bom_ref=f"font{font.path}",
            description=font.path,
            licenses=[_licences.make_with_expression("OFL-1.1")],
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=font.sha256)],
        )
        for font in fonts()
    ]


def main() -> int:
    """1 where the bill does not fit the schema."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/sbom.cdx.json"))
    parser.add_argument("--dpkg-status", type=Path, default=Path("/var/lib/dpkg/status"))
    options = parser.parse_args()
    text = JsonV1Dot6(make_bom(options.dpkg_status)).output_as_string(indent=2)
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault is not None:
        print(f"not valid CycloneDX: {fault}", file=sys.stderr)
        return 1
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text + "\n", encoding="utf-8")
    print(f"{options.out}: {text.count('bom-ref')} parts, CycloneDX 1.6")
    return 0


if __name__ == "__main__":
    sys.exit(main())
