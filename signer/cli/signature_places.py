"""Where a PDF's signatures show: pages and rectangles, read in a process of its own that can reach nothing.

`python -m signer.cli.signature_places`: the PDF on standard input, JSON on standard output. Not for judging signatures, and not
believed for anything but a picture: the file may be a stranger's.
"""

from __future__ import annotations

import importlib
import io
import json
import sys
import sysconfig
from pathlib import Path
from typing import Any

import signer
from isolation.process_table import PROCESSES
from isolation.sandbox import enter_sandbox

MOST_PAGES = 200
_DEPTH = 32


def main() -> int:
    """0 where the file could be read; nothing is said about one that could not."""
    content = sys.stdin.buffer.read()
    from pyhanko.pdf_utils.reader import PdfFileReader

    importlib.import_module("pyhanko.sign.validation")  # what reading signatures loads, while it still can be
    modules = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    readable = {*modules, *(Path(place) for place in signer.__path__)}
    enter_sandbox(readable=sorted(place for place in readable if place.is_dir()), limits=PROCESSES["inspection"].limits)
    try:
        told = _places(PdfFileReader(io.BytesIO(content), strict=False))
    except Exception:  # noqa: BLE001 - hostile files make the parser raise anything; there is no picture of them then
        return 1
    sys.stdout.write(json.dumps(told))
    return 0


def _places(reader: Any) -> dict[str, Any]:
    signatures = {
        _reference(signature.sig_field, "/V"): number for number, signature in enumerate(reader.embedded_signatures)
    }
    pages, places = [], []
    for number in range(min(int(reader.root["/Pages"]["/Count"]), MOST_PAGES)):
        page = reader.find_page_for_modification(number)[0].get_object()
        box = _inherited(page, "/CropBox") or _inherited(page, "/MediaBox")
        pages.append({"box": [float(value) for value in box], "rotate": int(_inherited(page, "/Rotate") or 0) % 360})
        for item in page.get("/Annots", []):
            annotation = item.get_object()
            signature = signatures.get(_reference(annotation, "/V"))
            rectangle = [float(value) for value in annotation.get("/Rect", [])]
            if signature is not None and len(rectangle) == 4:
                places.append({"page": number, "rectangle": rectangle, "signature": signature})
    return {"pages": pages, "places": places, "signatures": len(signatures)}


def _reference(field: Any, key: str) -> tuple[int, int] | None:
    """What a field's own key, or its parents', refers to."""
    for _ in range(_DEPTH):
        if key in field:
            raw = field.raw_get(key)
            return (raw.idnum, raw.generation) if hasattr(raw, "idnum") else None
        if "/Parent" not in field:
            return None
        field = field["/Parent"]
    return None


def _inherited(page: Any, key: str) -> Any:
    for _ in range(_DEPTH):
        if key in page:
            return page[key]
        if "/Parent" not in page:
            return None
        page = page["/Parent"]
    return None


if __name__ == "__main__":
    sys.exit(main())
