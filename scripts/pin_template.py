"""Writes a template version's manifest anew: digests of its files and of its sample's rendering. For unpublished versions only.

Usage: python scripts/pin_template.py policy/commercial 1 [FOLDER_OF_TEMPLATES]
The sample's rendering is left at build/sample.pdf, to be looked at. `signer templates add` does the same for a draft elsewhere.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from policy_render.catalog import TEMPLATES
from policy_render.publication import pin


def main(name: str, version: str, root: str = str(TEMPLATES)) -> None:
    """Pins it and says what came of it."""
    tried = pin(name, int(version), Path(root))
    Path("build/sample.pdf").write_bytes(tried.pdf)
    digest = hashlib.sha256(tried.pdf).hexdigest()
    print(f"{tried.template.reference}: {tried.pages} pages, {len(tried.pdf)} bytes, {digest}")


if __name__ == "__main__":
    main(*sys.argv[1:])
