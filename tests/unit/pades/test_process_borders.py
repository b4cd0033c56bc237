"""What a worker may never load: the parsers that open strangers' PDFs belong into the inspector process alone."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["embed", "evidence", "inspection", "inspector", "shape", "verify"])
def test_what_workers_import_brings_no_pdf_parser(module: str) -> None:
    program = f"import sys, signer.pades.{module}; print(sorted(name for name in sys.modules if 'pyhanko' in name))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
