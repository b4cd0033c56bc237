"""The templates that exist: templates/<id>/<version>/ with manifest, schema, sample and Typst source. Published versions never change.

The manifest pins the digest of every file that a rendering depends on; a version whose files differ is not served. Not for
the data that a template takes: `data_schema` judges that.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from policy_render.data_formats import FORMATS
from policy_render.data_rules import Rule, read_rule
from policy_render.errors import Reason, RenderError

TEMPLATES = Path(__file__).parent / "templates"
_MANIFEST_KEYS = {
    "title_zh",
    "number",
    "begins_at",
    "ends_at",
    "confirmed_at",
    "definitions",
    "seal",
    "signature",
    "rules",
    "files",
    "sample_sha256",
}
_TERM_KEYS = {"begins_at", "ends_at"}  # both or neither: documents that speak for no contract have no term


@dataclass(frozen=True)
class TemplatePlace:
    """Where a seal stands by default: page from 1, or from the end where negative; its middle in millimetres from the top left."""

    page: int
    x_mm: float
    y_mm: float
    width_mm: float


@dataclass(frozen=True)
class Template:
    """One version of a template. `number`, `begins_at`, `ends_at`, `confirmed_at`: JSON pointers (RFC 6901) into the data.

    `begins_at`, `ends_at`: None for a document that speaks for no contract, such as an evidence pack.
    `signature_places`: where a policyholder's own signature goes, besides the insurer's seals.
    `json_schema`: whole in itself, whatever files it was put together from.
    `root`: the folder of all templates, below which Typst may read; `folder`: this version's own.
    """

    name: str
    version: int
    root: Path
    folder: Path
    title_zh: str
    number: str
    begins_at: str | None
    ends_at: str | None
    confirmed_at: str
    seal_places: tuple[TemplatePlace, ...]
    signature_places: tuple[TemplatePlace, ...]
    rules: tuple[Rule, ...]
    json_schema: str
    sample_json: str
    sample_sha256: str

    @property
    def reference(self) -> str:
        """Name and version as the API writes them: "policy/commercial@1"."""
        return f"{self.name}@{self.version}"

    @cached_property
    def validator(self) -> Draft202012Validator:
        """The schema, ready to use: references are put in place once, since following them costs as much as validating.

        That it is a JSON Schema was judged when it was published (`template_judgement`), and its digest is pinned.
        """
        schema = json.loads(self.json_schema)
        return Draft202012Validator(_put_in_place(schema, schema.get("$defs", {})), format_checker=FORMATS)


class Catalog:
    """All templates, by name and version."""

    def __init__(self, templates: list[Template]) -> None:
        self._versions: dict[str, dict[int, Template]] = {}
        for template in templates:
            self._versions.setdefault(template.name, {})[template.version] = template

    @classmethod
    def load(cls, folder: Path = TEMPLATES) -> Catalog:
        """Reads every manifest and checks every pinned file.

        Raises:
            RenderError: TEMPLATE_ALTERED; says which file.
        """
        return cls([load_template(folder, manifest) for manifest in sorted(folder.glob("*/*/*/manifest.toml"))])

    @property
    def names(self) -> frozenset[str]:
        """Names without versions."""
        return frozenset(self._versions)

    def every(self) -> list[Template]:
        """All versions of all templates, by name, then version."""
        return [versions[number] for _, versions in sorted(self._versions.items()) for number in sorted(versions)]

    def current(self) -> list[Template]:
        """The newest version of each template, by name."""
        return [versions[max(versions)] for _, versions in sorted(self._versions.items())]

    def get(self, reference: str) -> Template:
        """The version that "name@version" names, the newest for "name".

        Raises:
            RenderError: TEMPLATE_UNKNOWN; names what there is.
        """
        name, at, version = reference.partition("@")
        versions = self._versions.get(name)
        if versions is None:
            raise RenderError(
                Reason.TEMPLATE_UNKNOWN,
                f"there is no template {name[:80]!r}",
                f"There are: {', '.join(sorted(self._versions))}.",
            )
        if not at:
            return versions[max(versions)]
        if not (version.isascii() and version.isdigit()) or int(version) not in versions:
            raise RenderError(
                Reason.TEMPLATE_UNKNOWN,
                f"the template {name!r} has no version {version[:20]!r}",
                f"It has: {', '.join(str(number) for number in sorted(versions))}.",
            )
        return versions[int(version)]


def load_template(root: Path, manifest_file: Path) -> Template:
    """One version, its files checked. Raises RenderError (TEMPLATE_ALTERED); KeyError, TypeError, ValueError for a bad manifest."""
    folder = manifest_file.parent
    manifest: dict[str, Any] = tomllib.loads(manifest_file.read_text(encoding="utf-8"))
    if set(manifest) - _MANIFEST_KEYS:
        raise _altered(manifest_file, f"unknown keys {sorted(set(manifest) - _MANIFEST_KEYS)}")
    if len(_TERM_KEYS & set(manifest)) == 1:
        raise _altered(manifest_file, "begins_at and ends_at stand together or not at all")
    for name, pinned in manifest["files"].items():
        file = (folder / name).resolve()
        if not file.is_relative_to(root.resolve()) or not file.is_file() or _sha256(file) != pinned:
            raise _altered(manifest_file, f"{name} is not the published file")
    strange = {file.name for file in folder.iterdir()} - {*manifest["files"], manifest_file.name}
    if strange:
        raise _altered(manifest_file, f"{', '.join(sorted(strange))} is not pinned")
    return Template(
        name=str(folder.parent.relative_to(root)),
        version=int(folder.name),
        root=root,
        folder=folder,
        title_zh=manifest["title_zh"],
        number=manifest["number"],
        begins_at=manifest.get("begins_at"),
        ends_at=manifest.get("ends_at"),
        confirmed_at=manifest["confirmed_at"],
        seal_places=tuple(TemplatePlace(**place) for place in manifest["seal"]),
        signature_places=tuple(TemplatePlace(**place) for place in manifest.get("signature", ())),
        rules=tuple(read_rule(rule) for rule in manifest["rules"]),
        json_schema=_whole_schema(folder, manifest),
        sample_json=(folder / "sample.json").read_text(encoding="utf-8"),
        sample_sha256=manifest["sample_sha256"],
    )


def _whole_schema(folder: Path, manifest: dict[str, Any]) -> str:
    """The schema as clients get it: with those of the shared definitions that it refers to, however far."""
    text = (folder / "schema.json").read_text(encoding="utf-8")
    if "definitions" not in manifest:
        return text
    if manifest["definitions"] not in manifest["files"]:
        raise _altered(folder / "manifest.toml", f"{manifest['definitions']} is not pinned")
    shared = json.loads((folder / manifest["definitions"]).read_text(encoding="utf-8"))
    schema = json.loads(text)
    definitions = schema.setdefault("$defs", {})
    wanted = _references(schema)
    while missing := sorted(wanted - set(definitions)):
        if strange := [name for name in missing if name not in shared]:
            raise _altered(
                folder / "manifest.toml", f"schema.json refers to {', '.join(strange)}, which nothing defines"
            )
        definitions.update((name, shared[name]) for name in missing)
        wanted = _references(definitions)
    return json.dumps(schema, ensure_ascii=False, indent=2)


def _references(node: Any) -> set[str]:
    """The names in "#/$defs/name" references."""
    if isinstance(node, list):
        return set[str]().union(*map(_references, node))
    if not isinstance(node, dict):
        return set()
    inner = set[str]().union(*map(_references, node.values()))
    return inner | ({str(node["$ref"]).removeprefix("#/$defs/")} if "$ref" in node else set())


def _put_in_place(node: Any, definitions: dict[str, Any]) -> Any:
    """The schema with "#/$defs/…" references replaced by what they name. Ours don't refer to themselves."""
    if isinstance(node, list):
        return [_put_in_place(member, definitions) for member in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        node = {**definitions[node["$ref"].removeprefix("#/$defs/")], **node}
    return {key: _put_in_place(member, definitions) for key, member in node.items() if key not in {"$ref", "$defs"}}


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _altered(manifest: Path, what: str) -> RenderError:
    return RenderError(
        Reason.TEMPLATE_ALTERED,
        f"{manifest.parent.parent.name}@{manifest.parent.name}: {what}",
        "Restore the published version; publish changes as a new version.",
    )
