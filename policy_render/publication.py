"""Publishing a template: a draft folder is tried, judged and pinned, and only then becomes a version that the catalog serves.

Not for changing what is published: a version's files never change, and `publish` only ever makes the next one.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from policy_render.catalog import TEMPLATES, Catalog, Template, load_template
from policy_render.fonts import Fonts
from policy_render.renderer_process import Typesetter
from policy_render.template_judgement import judge_places, judge_sample, judge_schema, unfit

# what a rendering pinned in a manifest is made with
PINNED_URL = "https://verify.example.cn/v"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}/[a-z][a-z0-9-]{0,59}")
_LOOK = re.compile(r'"(?:\.\./\.\./\.\.)?/(look/[0-9]+)/')


@dataclass(frozen=True)
class TriedTemplate:
    """A template that was judged, and its sample's rendering."""

    template: Template
    pdf: bytes
    pages: int


def publish(draft: Path, name: str, root: Path = TEMPLATES) -> TriedTemplate:
    """Makes a draft folder the next version of `name` below `root`. Processes that run serve it after a restart.

    Raises:
        RenderError: TEMPLATE_UNFIT, TEMPLATE_ALTERED, FONT_MISSING; nothing was added.
    """
    with trial(draft, name, root) as tried:
        staged = root / f".adding-{name.replace('/', '-')}"  # too high up for the catalog to see
        final = root / name / str(tried.template.version)
        try:
            shutil.copytree(tried.template.folder, staged)
            final.parent.mkdir(parents=True, exist_ok=True)
            staged.rename(final)
        except OSError as problem:
            raise unfit(f"{root}: {problem.strerror}", "Run it as whoever may write the templates' folder.") from None
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    return TriedTemplate(Catalog.load(root).get(tried.template.reference), tried.pdf, tried.pages)


@contextmanager
def trial(draft: Path, name: str, root: Path = TEMPLATES, *, judged: bool = True) -> Iterator[TriedTemplate]:
    """The draft as the next version of `name` in a copy of all templates that is gone afterwards.

    `judged` False: rendered all the same, so that its author sees where it stands.

    Raises:
        RenderError: TEMPLATE_UNFIT, TEMPLATE_ALTERED, FONT_MISSING.
    """
    if not _NAME.fullmatch(name) or name.startswith("look/"):
        raise unfit(f"{name[:80]!r} is no template's name", "Name it as class/kind in small letters: notice/renewal.")
    if missing := [file for file in ("manifest.toml", *_OWN_FILES) if not (draft / file).is_file()]:
        raise unfit(f"{draft}: lacks {', '.join(missing)}", "docs/templates.md tells what each of them holds.")
    with tempfile.TemporaryDirectory(prefix="signer-templates-") as scratch:
        copy = Path(shutil.copytree(root, Path(scratch) / "templates"))
        versions = [int(folder.name) for folder in (copy / name).glob("*") if folder.name.isdecimal()]
        version = max(versions, default=0) + 1
        shutil.copytree(draft, copy / name / str(version))
        yield pin(name, version, copy, judged=judged)


_OWN_FILES = ("main.typ", "schema.json", "sample.json")


def pin(name: str, version: int, root: Path, *, judged: bool = True) -> TriedTemplate:
    """Judges an unpublished version where it lies and writes its digests into its manifest; the rest of that stays.

    Raises:
        RenderError: TEMPLATE_UNFIT, TEMPLATE_ALTERED, FONT_MISSING, RENDERING_FAILED.
    """
    folder = root / name / str(version)
    _write_files(folder, root)
    template = _load(root, folder)
    if judged:
        judge_schema(template)
        judge_sample(template)
    with typesetter(Catalog([template])) as setter:
        pdf, pages = _render_sample(setter, template)
        if judged and _render_sample(setter, template) != (pdf, pages):
            raise unfit("the sample renders to other bytes each time", "Leave out what the data does not say.")
    if judged:
        judge_places(template, pdf, pages)
    manifest = folder / "manifest.toml"
    digest = hashlib.sha256(pdf).hexdigest()
    text = re.sub(
        r'^sample_sha256 = ".*"$', f'sample_sha256 = "{digest}"', manifest.read_text("utf-8"), flags=re.MULTILINE
    )
    manifest.write_text(text, encoding="utf-8")
    return TriedTemplate(_load(root, folder), pdf, pages)


def _load(root: Path, folder: Path) -> Template:
    try:
        return load_template(root, folder / "manifest.toml")
    except KeyError as problem:
        raise unfit(f"manifest.toml lacks {problem}, or names a kind of rule that there is not") from None
    except (TypeError, ValueError) as problem:
        raise unfit(f"manifest.toml: {problem}") from None


def _render_sample(setter: Typesetter, template: Template) -> tuple[bytes, int]:
    return setter.render(template.reference, template.sample_json, draft=False, verification_url=PINNED_URL)


@contextmanager
def typesetter(catalog: Catalog) -> Iterator[Typesetter]:
    """A typesetter in this process, for tools: what the appliance renders, its sandboxed renderers do."""
    with tempfile.TemporaryDirectory(prefix="signer-fonts-") as directory:
        fonts = Fonts.load()
        fonts.link_into(Path(directory))
        yield Typesetter(catalog, fonts, Path(directory))


def _write_files(folder: Path, root: Path) -> None:
    """The manifest's [files] anew: the folder's own, and every file of each look that main.typ or the manifest names."""
    manifest = folder / "manifest.toml"
    head = manifest.read_text("utf-8").partition("\n[files]\n")[0].rstrip("\n")
    looks = [root / look for look in sorted(set(_LOOK.findall((folder / "main.typ").read_text("utf-8") + head)))]
    own = sorted(file for file in folder.iterdir() if file != manifest)
    if not all(file.is_file() for file in own):
        raise unfit("its folder holds another folder", "Put every file beside main.typ.")
    files = [*own, *(file for look in looks for file in sorted(look.glob("*")) if file.is_file())]
    lines = [f'"{_relative(file, folder, root)}" = "{hashlib.sha256(file.read_bytes()).hexdigest()}"' for file in files]
    if "sample_sha256" not in head:
        head = f'sample_sha256 = ""\n{head}'
    manifest.write_text("\n".join([head, "", "[files]", *lines, ""]), encoding="utf-8")


def _relative(file: Path, folder: Path, root: Path) -> str:
    return file.name if file.parent == folder else f"../../../{file.relative_to(root)}"
