"""A sheet that says which seal is which, with room for each over lines of text: for looking at seals before anybody seals with them.

Draws no seal: who has the picture puts it where `place` says. For administrators' command line; not for documents.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import typst

from policy_render.fonts import Fonts

_ROWS_ON_A_PAGE = 4
_TOP_MM, _ROW_MM, _LEFT_MM, _FIELD_MM = 34.0, 62.0, 18.0, 76.0
# What a seal may take of its row.
ROOM_MM = 56.0
_SOURCE = """\
#let rows = json(bytes(sys.inputs.rows))
#set document(title: "印章预览", date: datetime(year: 2000, month: 1, day: 1))
#set page(paper: "a4", margin: 0mm)
#set text(font: json(bytes(sys.inputs.fonts)), size: 9pt, lang: "zh")
#let line = "本保险单以电子文件形式签发，与纸质保险单具有同等法律效力。"
#for (start, part) in rows.chunks(ON_A_PAGE).enumerate() {
  if start > 0 { pagebreak() }
  place(top + left, dx: LEFTmm, dy: 14mm, text(size: 15pt, weight: "bold")[印章预览 Seals as they will be stamped])
  place(top + left, dx: LEFTmm, dy: 22mm, text(fill: luma(35%))[此页没有签章，不是证明。This page is not sealed and proves nothing.])
  for (index, row) in part.enumerate() {
    place(top + left, dx: LEFTmm, dy: TOPmm + index * ROWmm, box(width: FIELDmm, height: ROWmm - 4mm, stroke: 0.4pt + luma(70%),
      inset: 4pt, clip: true, text(size: 7pt, fill: luma(25%), range(20).map(_ => line).join(linebreak()))))
    place(top + left, dx: LEFTmm + FIELDmm + 6mm, dy: TOPmm + 4mm + index * ROWmm, box(width: 90mm)[
      #text(size: 12pt, weight: "bold", row.title) \\
      #for each in row.lines [#each \\ ]
    ])
  }
}
"""


@dataclass(frozen=True)
class SheetRow:
    """One seal. `title`: whose; `lines`: about it."""

    title: str
    lines: tuple[str, ...]


def seal_sheet(rows: Sequence[SheetRow]) -> bytes:
    """The sheet as PDF/A, a place for each row. Raises RenderError (FONT_MISSING)."""
    source = _SOURCE.replace("ON_A_PAGE", str(_ROWS_ON_A_PAGE))
    for name, value in (("TOP", _TOP_MM), ("ROW", _ROW_MM), ("LEFT", _LEFT_MM), ("FIELD", _FIELD_MM)):
        source = source.replace(f"{name}mm", f"{value:g}mm")
    fonts = Fonts.load()
    with tempfile.TemporaryDirectory(prefix="signer-fonts-") as directory:
        fonts.link_into(Path(directory))
        inputs = {"rows": json.dumps([asdict(row) for row in rows]), "fonts": json.dumps(fonts.families)}
        pdf: bytes = typst.compile(
            source.encode(),
            format="pdf",
            pdf_standards="a-3b",
            timestamp=0,
            font_paths=typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[directory]),
            ignore_system_fonts=True,
            sys_inputs=inputs,
        )
    return pdf


def place(row: int) -> tuple[int, float, float]:
    """Page (from 1) and the middle of a row's field (rows from 0) in millimetres from the page's top left."""
    page, index = divmod(row, _ROWS_ON_A_PAGE)
    return page + 1, _LEFT_MM + _FIELD_MM / 2, _TOP_MM + index * _ROW_MM + (_ROW_MM - 4) / 2
