"""Pictures of a PDF's pages on which the places of its signatures are framed and say what was found. SVG, with the page inside as PNG.

Pages are drawn by pdftoppm (poppler-utils), places read by `signature_places`. Not evidence: the answer of the appliance is.
"""

from __future__ import annotations

import base64
import html
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from signer.cli.output import LocalError
from signer.cli.signature_places import MOST_PAGES
from signer.v1 import document_pb2 as wire
from signer.v1 import types_pb2

_RESOLUTION = 96
_SECONDS = 120
_COLOURS = {
    types_pb2.VERDICT_PASSED: ("#0b6138", "通过 passed"),
    types_pb2.VERDICT_FAILED: ("#9d1218", "不通过 failed"),
    types_pb2.VERDICT_INDETERMINATE: ("#7a4300", "无法确认 indeterminate"),
}
_UNTOLD = ("#3d4a56", "未判断 not judged")


def draw_pages(pdf: bytes, report: wire.VerifyDocumentResponse, folder: Path, stem: str) -> list[Path]:
    """One file for each page, up to 200; returns them in order.

    Raises:
        LocalError: pdftoppm is missing, or the file can't be drawn.
    """
    places = _read_places(pdf)
    # Where parser and appliance count differently, no frame may claim a verdict.
    same = places["signatures"] == len(report.signatures)
    drawn = []
    with tempfile.TemporaryDirectory(prefix="signer-pages-") as name:
        for number, picture in enumerate(_page_pictures(pdf, Path(name))):
            frames = [
                _frame(
                    place,
                    places["pages"][number],
                    report.signatures[place["signature"]] if same else None,
                )
                for place in places["places"]
                if place["page"] == number
            ]
            file = folder / f"{stem}-{number + 1}.svg"
            file.write_text(_svg(picture.read_bytes(), _size(places, number, picture), frames), encoding="utf-8")
            drawn.append(file)
    return drawn


def _read_places(pdf: bytes) -> dict[str, Any]:
    reader = subprocess.run(
        [sys.executable, "-m", "signer.cli.signature_places"],
        input=pdf,
        capture_output=True,
        timeout=_SECONDS,
        check=False,
    )
    if reader.returncode != 0:
        return {"pages": [], "places": [], "signatures": -1}
    places: dict[str, Any] = json.loads(reader.stdout)
    return places


def _page_pictures(pdf: bytes, folder: Path) -> list[Path]:
    (folder / "document.pdf").write_bytes(pdf)
    command = ["pdftoppm", "-png", "-cropbox", "-r", str(_RESOLUTION), "-l", str(MOST_PAGES), "document.pdf", "page"]
    try:
        subprocess.run(command, cwd=folder, capture_output=True, timeout=_SECONDS, check=True)  # noqa: S603 - fixed
    except FileNotFoundError:
        raise LocalError("pdftoppm is missing: install poppler-utils for --picture") from None
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        raise LocalError("pdftoppm can't draw the pages of this file") from None
    return sorted(folder.glob("page-*.png"))


def _size(places: dict[str, Any], number: int, picture: Path) -> tuple[float, float]:
    """In points; of the PNG's pixels where the page's box isn't known (its header: RFC 2083 clause 4.1.1)."""
    if number < len(places["pages"]):
        left, bottom, right, top = places["pages"][number]["box"]
        size = (abs(right - left), abs(top - bottom))
        return size[::-1] if places["pages"][number]["rotate"] in {90, 270} else size
    head = picture.read_bytes()[16:24]
    width, height = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")
    return width * 72 / _RESOLUTION, height * 72 / _RESOLUTION


def _frame(place: dict[str, Any], page: dict[str, Any], signature: wire.SignatureReport | None) -> str:
    colour, verdict = _UNTOLD if signature is None else _COLOURS.get(signature.verdict, _UNTOLD)
    x, y, width, height = _on_screen(place["rectangle"], page)
    who = "" if signature is None else signature.signer
    label = html.escape(f"签名 {place['signature'] + 1}：{verdict}")
    return (
        f'<g><title>{html.escape(who)}</title><rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'fill="none" stroke="{colour}" stroke-width="2"/>'
        f'<rect x="{x:.1f}" y="{max(0.0, y - 13):.1f}" width="130" height="13" fill="{colour}"/>'
        f'<text x="{x + 3:.1f}" y="{max(10.0, y - 3):.1f}" fill="#fff">{label}</text></g>'
    )


def _on_screen(rectangle: list[float], page: dict[str, Any]) -> tuple[float, float, float, float]:
    """From PDF's coordinates (origin at the bottom left, before rotation) to x, y, width, height from the top left."""
    left, bottom, right, top = page["box"]
    x0, x1 = sorted((rectangle[0], rectangle[2]))
    y0, y1 = sorted((rectangle[1], rectangle[3]))
    width, height = x1 - x0, y1 - y0
    turned = {
        0: (x0 - left, top - y1, width, height),
        90: (y0 - bottom, x0 - left, height, width),
        180: (right - x1, y0 - bottom, width, height),
        270: (top - y1, right - x1, height, width),
    }
    return turned.get(page["rotate"], turned[0])


def _svg(png: bytes, size: tuple[float, float], frames: list[str]) -> str:
    width, height = size
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}" width="{width:.1f}pt" height="{height:.1f}pt" '
        f'font-family="Noto Sans CJK SC, sans-serif" font-size="9">'
        f'<image width="{width:.1f}" height="{height:.1f}" href="data:image/png;base64,{base64.b64encode(png).decode()}"/>'
        f"{''.join(frames)}</svg>\n"
    )
