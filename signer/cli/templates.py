"""`signer templates list|show|preview|add`: the documents that can be made, on this machine's files alone: no appliance, no key.

Not for what a client may use: `grants`; nor for drafts as the appliance renders them: `render`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from policy_render.catalog import TEMPLATES, Catalog, Template
from policy_render.data_schema import check_data
from policy_render.publication import PINNED_URL, publish, trial, typesetter
from signer.cli.arguments import Commands, add_command
from signer.cli.output import ExitStatus, LocalError, read_file, say, write_file

_LIST = "  signer templates list\n  signer templates list --json"
_SHOW = """\
  signer templates show endorsement/commercial
  signer templates show proposal/motor@1 --schema > schema.json
  signer templates show proposal/motor --sample > data.json"""
_PREVIEW = """\
  signer templates preview policy/compulsory --out draft.pdf
  signer templates preview policy/compulsory --data data.json --out draft.pdf --png
  signer templates preview ./my-draft --out draft.pdf"""
_ADD = """\
  signer templates add ./my-draft notice/renewal
  signer templates add ./my-draft notice/renewal --check"""
_DRAFT_NAME = "draft/preview"
_DOTS_PER_INCH = "110"


def add_commands(commands: Commands) -> None:
    """Adds `templates` with its verbs."""
    verbs = commands.add_parser(
        "templates", help="模板 · the documents that can be made, and adding one"
    ).add_subparsers(dest="verb", required=True)
    listing = _add_verb(verbs, "list", "列出模板 · list the current version of every template", _LIST)
    listing.set_defaults(run=_list)
    show = _add_verb(verbs, "show", "查看模板 · show what a template takes and where its seals stand", _SHOW)
    show.add_argument("template", help='e.g. "policy/compulsory" or "policy/compulsory@1"')
    part = show.add_mutually_exclusive_group()
    part.add_argument(
        "--schema", action="store_true", help="print the data's JSON Schema, whole in itself, and nothing else"
    )
    part.add_argument("--sample", action="store_true", help="print the fictional sample and nothing else")
    show.set_defaults(run=_show)
    preview = _add_verb(verbs, "preview", "预览 · render a draft, unsigned, from the sample or from data", _PREVIEW)
    preview.add_argument("template", help="a template's name, or the folder of a draft that is not published yet")
    preview.add_argument("--data", metavar="FILE", help='JSON by its schema ("-": standard input; default: the sample)')
    preview.add_argument("--out", required=True, metavar="FILE", help="where the PDF goes")
    preview.add_argument(
        "--png", action="store_true", help="a picture of each page beside it (needs poppler's pdftoppm)"
    )
    preview.set_defaults(run=_preview)
    add = _add_verb(verbs, "add", "发布模板 · judge a draft and publish it as the next version", _ADD)
    add.add_argument("draft", help="folder with manifest.toml, main.typ, schema.json, sample.json")
    add.add_argument("name", help="class/kind; a name that exists gets its next version")
    add.add_argument("--check", action="store_true", help="judge it, and add nothing")
    add.set_defaults(run=_add)


def _add_verb(verbs: Commands, name: str, summary: str, examples: str) -> argparse.ArgumentParser:
    parser = add_command(verbs, name, summary, examples)
    parser.add_argument(
        "--templates",
        type=_folder,
        default=TEMPLATES,
        metavar="FOLDER",
        help="of all templates (default: the installed)",
    )
    return parser


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no folder")
    return Path(text).resolve()


def _list(options: argparse.Namespace) -> ExitStatus:
    templates = Catalog.load(options.templates).current()
    width = max((len(template.reference) for template in templates), default=0) + 2
    rows = [{"template": template.reference, "title_zh": template.title_zh} for template in templates]
    say(options, {"templates": rows}, [f"{row['template']:<{width}}{row['title_zh']}" for row in rows])
    return ExitStatus.OK


def _show(options: argparse.Namespace) -> ExitStatus:
    template = Catalog.load(options.templates).get(options.template)
    if options.schema or options.sample:
        print((template.json_schema if options.schema else template.sample_json).rstrip("\n"))
        return ExitStatus.OK
    schema = json.loads(template.json_schema)
    members = {name: name in schema["required"] for name in schema["properties"]}
    term = [template.begins_at, template.ends_at] if template.begins_at else []
    values = {
        "template": template.reference,
        "title_zh": template.title_zh,
        "folder": str(template.folder),
        "number": template.number,
        "confirmed_at": template.confirmed_at,
        "term": term,
        "seals": [vars(place) for place in template.seal_places],
        "signatures": [vars(place) for place in template.signature_places],
        "members": members,
        "sample_sha256": template.sample_sha256,
    }
    say(options, values, list(_lines_of(template, members)))
    return ExitStatus.OK


def _lines_of(template: Template, members: dict[str, bool]) -> Iterator[str]:
    yield f"{template.reference}  {template.title_zh}"
    yield f"  号码 number: {template.number}; 确认时间 confirmed at: {template.confirmed_at}"
    if template.begins_at:
        yield f"  保险期间 term: {template.begins_at} – {template.ends_at}"
    else:
        yield "  保险期间 term: 无 none, it speaks for no contract of its own"
    for name, places in (("签章 seal", template.seal_places), ("签名 signature", template.signature_places)):
        for place in places:
            page = "最后一页 last page" if place.page == -1 else f"第 {place.page} 页 page {place.page}"
            yield f"  {name}: {page}, {place.x_mm:g} mm × {place.y_mm:g} mm, 宽 width {place.width_mm:g} mm"
    yield "  数据 data: " + ", ".join(name if required else f"[{name}]" for name, required in members.items())
    yield f"  目录 folder: {template.folder}"


def _preview(options: argparse.Namespace) -> ExitStatus:
    if options.png and options.out == "-":
        raise LocalError("--png needs a file as --out")
    with _template_to_preview(options) as (catalog, template):
        data_json = template.sample_json if options.data is None else _read_text(options.data)
        check_data(template, data_json)
        with typesetter(catalog) as setter:
            pdf, pages = setter.render(template.reference, data_json, draft=True, verification_url=PINNED_URL)
        reference = template.reference
    write_file(options.out, pdf)
    pictures = _draw(options.out) if options.png else []
    values = {"template": reference, "pages": pages, "file": options.out, "pictures": pictures}
    if options.out != "-":
        lines = [f"草稿 draft of {reference}, {pages} 页 pages → {options.out}", *(f"  {name}" for name in pictures)]
        say(options, values, lines)
    return ExitStatus.OK


@contextmanager
def _template_to_preview(options: argparse.Namespace) -> Iterator[tuple[Catalog, Template]]:
    """A published template, or a draft's folder tried in a copy."""
    if (Path(options.template) / "main.typ").is_file():
        with trial(Path(options.template), _DRAFT_NAME, options.templates, judged=False) as tried:
            yield Catalog([tried.template]), tried.template
    else:
        catalog = Catalog.load(options.templates)
        yield catalog, catalog.get(options.template)


def _read_text(name: str) -> str:
    try:
        return read_file(name).decode("utf-8")
    except UnicodeDecodeError:
        raise LocalError(f"{name}: not UTF-8") from None


def _draw(pdf: str) -> list[str]:
    """A PNG of each page beside the PDF; their names."""
    program = shutil.which("pdftoppm")
    if program is None:
        raise LocalError(f"{pdf} was written, but there is no pdftoppm for --png: install poppler-utils")
    stem = str(Path(pdf).with_suffix(""))
    subprocess.run(  # noqa: S603 - a fixed program with names of our own
        [program, "-r", _DOTS_PER_INCH, "-png", pdf, stem], check=True, capture_output=True
    )
    return sorted(str(file) for file in Path(pdf).parent.glob(f"{Path(pdf).stem}-*.png"))


def _add(options: argparse.Namespace) -> ExitStatus:
    draft = Path(options.draft)
    if options.check:
        with trial(draft, options.name, options.templates) as tried:
            pass
    else:
        tried = publish(draft, options.name, options.templates)
    template = tried.template
    values = {
        "template": template.reference,
        "title_zh": template.title_zh,
        "pages": tried.pages,
        "sample_sha256": template.sample_sha256,
        "added": not options.check,
    }
    lines = [
        f"{'可以发布 fit to be published' if options.check else '已发布 published'}: {template.reference} {template.title_zh}",
        f"  样例 sample: {tried.pages} 页 pages, SHA-256 {template.sample_sha256}",
    ]
    if not options.check:
        lines += [
            f"  目录 folder: {template.folder}",
            "  重启后生效；客户端还需要授权 · served after a restart, to clients whose grants name it",
        ]
    say(options, values, lines)
    return ExitStatus.OK
