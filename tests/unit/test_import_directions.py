"""import-linter holds the directions; here a copy of the tree with one wrong import each proves that it would notice."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("hsm", "isolation", "monitoring", "policy_render", "signer")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages and the contracts, without anything else."""
    folder = tmp_path_factory.mktemp("tree")
    for name in _PACKAGES:
        shutil.copytree(_ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.so", "__pycache__", "templates"))
    shutil.copy(_ROOT / ".importlinter", folder)
    return folder


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = (
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    command = [sys.executable, "-c", program, "--no-cache", "--config", ".importlinter"]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)


def test_the_tree_as_it_is_keeps_every_contract(copy: Path) -> None:
    result = _lint(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("hsm/keys.py", "import signer.errors"),
        ("hsm/keys.py", "import policy_render.errors"),
        ("monitoring/metrics.py", "import hsm.errors"),
        ("isolation/frames.py", "import monitoring.metrics"),
        ("signer/archive/blobs.py", "import signer.contracts.contract"),
        ("signer/algorithms/sm2.py", "import signer.keys.record"),
        ("signer/signing/signer.py", "import grpc"),
        ("signer/documents/issue.py", "import signer.v1.document_pb2"),
        ("signer/client/profile.py", "import signer.errors"),
        ("signer/evidence/pack.py", "import signer.config"),
        ("signer/evidence/remote.py", "import signer.v1.document_pb2"),
        ("signer/signing/signer.py", "import pkcs11"),
        ("signer/documents/verify.py", "import pyhanko"),
        ("signer/pades/embed.py", "import signer.documents.issue"),
    ],
)
def test_a_wrong_import_is_found(copy: Path, module: str, line: str) -> None:
    file = copy / module
    text = file.read_text()
    try:
        file.write_text(text + f"\n{line}\n")
        result = _lint(copy)
    finally:
        file.write_text(text)
    assert result.returncode == 1, result.stdout
    assert "BROKEN" in result.stdout
