"""Writes a template version's manifest anew: digests of its files and of its sample's rendering. For unpublished versions only.

Usage: python scripts/pin_template.py policy/commercial 1 [FOLDER_OF_TEMPLATES]
The sample's rendering is left at build/sample.pdf, to be looked at.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

from policy_render import catalog
from policy_render.fonts import Fonts
from policy_render.renderer_process import Typesetter

# what a rendering pinned in a manifest is made with
PINNED_URL = "https://verify.example.cn/v"


def pin(name: str, version: str, root: Path = catalog.TEMPLATES) -> None:
    """Rewrites the digests in place; everything else in the manifest stays."""
    folder = root / name / version
    manifest = folder / "manifest.toml"
    text = manifest.read_text(encoding="utf-8")
    for file in re.findall(r'^"([^"]+)" = "', text, re.MULTILINE):
        digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        text = re.sub(rf'^"{re.escape(file)}" = ".*"$', f'"{file}" = "{digest}"', text, flags=re.MULTILINE)
    manifest.write_text(text, encoding="utf-8")
    loaded = catalog.Catalog.load(root)
    template = loaded.get(f"{name}@{version}")
    fonts = Fonts.load()
    fonts.link_into(Path("build/fonts"))
    pdf, pages = Typesetter(loaded, fonts, Path("build/fonts")).render(
        template.reference, template.sample_json, draft=False, verification_url=PINNED_URL
    )
    digest = hashlib.sha256(pdf).hexdigest()
    manifest.write_text(
        re.sub(r'^sample_sha256 = ".*"$', f'sample_sha256 = "{digest}"', text, flags=re.MULTILINE), encoding="utf-8"
    )
    Path("build/sample.pdf").write_bytes(pdf)
    print(f"{template.reference}: {pages} pages, {len(pdf)} bytes, {digest}")


if __name__ == "__main__":
    pin(sys.argv[1], sys.argv[2], *(Path(folder) for folder in sys.argv[3:4]))
