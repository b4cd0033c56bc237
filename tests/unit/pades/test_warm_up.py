"""What the inspector judges before it serves: a kept document, whole, that leaves little to load for those that come."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from demo.strangers import strangers_agreement
from signer.errors import ConfigurationError
from signer.pades import inspector_process
from tests.fuzz.sealed_documents import RSA, SM2, own_pki
from tests.fuzz.strangers import SigningOptions, signed_by

# A process of its own: modules that other tests have loaded would hide what is missing.
_LATE_MODULES = """
import sys
from pathlib import Path
from signer.certificates import TrustStore
from signer.pades.inspector_process import warm_up
from signer.pades.foreign import inspect_pdf
from signer.pades.pyhanko_sm2 import register_names
register_names()
warm_up()
loaded = set(sys.modules)
assert inspect_pdf(Path(sys.argv[1]).read_bytes(), TrustStore(())).integrity.name == "WHOLE"
print(*sorted(set(sys.modules) - loaded))
"""


def test_judging_loads_nothing_more(tmp_path: Path) -> None:
    signed = signed_by(strangers_agreement(), own_pki(RSA))
    signed = signed_by(signed, own_pki(SM2), SigningOptions(field="Sig2", box=None))
    file = tmp_path / "signed.pdf"
    file.write_bytes(signed)
    ended = subprocess.run(
        [sys.executable, "-c", _LATE_MODULES, str(file)], check=True, capture_output=True, text=True, timeout=120
    )
    assert ended.stdout.split() == []


def test_a_damaged_installation_serves_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(inspector_process.WARM_UP, tmp_path / "warm_up")
    document = tmp_path / "warm_up" / "signed.pdf"
    changed = bytearray(document.read_bytes())
    changed[changed.index(b"garage")] ^= 1
    document.write_bytes(changed)
    monkeypatch.setattr(inspector_process, "WARM_UP", tmp_path / "warm_up")
    with pytest.raises(ConfigurationError, match="not judged as it should be"):
        inspector_process.warm_up()
