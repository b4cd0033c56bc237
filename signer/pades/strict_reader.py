"""Opens strangers' PDFs by pyHanko at its strictest, once their tables were found not to ask for too much.

In the inspector's process alone: nowhere else may a parser meet a stranger's bytes.
"""

from __future__ import annotations

import io

from pyhanko.pdf_utils.reader import PdfFileReader

from signer.pades.table_limits import check_table_limits


def open_strictly(data: bytes) -> PdfFileReader:
    """A reader of the file.

    Raises:
        TableLimitExceeded: reading its tables alone would take too long.
        Exception: whatever pyHanko raises on hostile files.
    """
    check_table_limits(data)
    return PdfFileReader(io.BytesIO(data), strict=True)
