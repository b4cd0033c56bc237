"""Opens strangers' PDFs by pyHanko at its strictest, once their tables were found not to ask for too much.

In the inspector's process alone: nowhere else may a parser meet a stranger's bytes.
"""

from __future__ import annotations

import io
import re

from pyhanko.pdf_utils.reader import PdfFileReader

from signer.pades.table_limits import check_table_limits

_SLOPPY_HEAD = re.compile(rb"[\r\n]xref[\r\n]{1,2}0 \d{1,7}[\r\n]{1,2}0{10} (65536) f")


def open_strictly(data: bytes) -> PdfFileReader:
    """A reader of the file.

    Raises:
        TableLimitExceeded: reading its tables alone would take too long.
        Exception: whatever pyHanko raises on hostile files.
    """
    check_table_limits(data)
    return PdfFileReader(io.BytesIO(_without_sloppy_head(data)), strict=True)


def _without_sloppy_head(data: bytes) -> bytes:
    """Some programs give object 0 one generation too many (Pillow), which is damage to pyHanko: for it, the number is the right one.

    Nothing can refer to object 0, and pyHanko looks at nothing else in its row; no offset moves.
    """
    heads = [match.start(1) for match in _SLOPPY_HEAD.finditer(data)]
    if len(heads) != 1:
        return data
    return data[: heads[0]] + b"65535" + data[heads[0] + 5 :]
