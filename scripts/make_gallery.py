"""Writes docs/gallery.md with a picture of every template's first page: its own fictional sample, as the renderers set it.

Usage: python scripts/make_gallery.py
Needs pdftoppm (poppler-utils). The same templates, fonts and poppler give the same files.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

from PIL import Image

from policy_render.catalog import Catalog, Template
from policy_render.publication import PINNED_URL, typesetter

_DOCS = Path(__file__).resolve().parents[1] / "docs"
_PICTURES = _DOCS / "images" / "templates"
_CLASSES = {
    "policy": "Policies 保险单",
    "endorsement": "Endorsements 批单",
    "mark": "Marks 保险标志",
    "proposal": "Proposals 投保单",
    "companion": "Companion documents 投保组合文件",
    "evidence": "Evidence 证据",
    "drill": "Drills 演练",
}
_DOTS_PER_INCH = "74"
# black, white and the look's own shades between them: more colours make a picture larger, and no clearer
_COLOURS = 48


def main() -> None:
    """Writes the page and its pictures."""
    shutil.rmtree(_PICTURES, ignore_errors=True)
    _PICTURES.mkdir(parents=True)
    catalog = Catalog.load()
    templates = sorted(catalog.current(), key=lambda one: list(_CLASSES).index(one.name.split("/")[0]))
    lines = [
        "# Gallery",
        "",
        "Every template with its fictional sample, first pages, before sealing. Made by `scripts/make_gallery.py`;",
        "`signer templates preview NAME --out draft.pdf` shows all pages. How to add one: [templates.md](templates.md).",
    ]
    heading = ""
    with typesetter(catalog) as setter:
        for template in templates:
            pdf, pages = setter.render(
                template.reference, template.sample_json, draft=False, verification_url=PINNED_URL
            )
            picture = _PICTURES / f"{template.name.replace('/', '-')}.png"
            picture.write_bytes(_first_page(pdf))
            if heading != (heading := _CLASSES[template.name.split("/")[0]]):
                lines += ["", f"## {heading}"]
            lines += ["", *_entry(template, pages, picture)]
    (_DOCS / "gallery.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _entry(template: Template, pages: int, picture: Path) -> list[str]:
    counted = f"{pages} page{'s' if pages > 1 else ''}"
    return [
        f"`{template.reference}` {template.title_zh}, {counted}",
        "",
        f'<img src="{picture.relative_to(_DOCS)}" width="420" alt="{template.title_zh}">',
    ]


def _first_page(pdf: bytes) -> bytes:
    """A small PNG of few colours."""
    command = ["pdftoppm", "-png", "-singlefile", "-r", _DOTS_PER_INCH, "-"]
    drawn = subprocess.run(command, input=pdf, check=True, capture_output=True).stdout
    page = Image.open(io.BytesIO(drawn)).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    written = io.BytesIO()
    page.save(written, "PNG", optimize=True)
    return written.getvalue()


if __name__ == "__main__":
    main()
