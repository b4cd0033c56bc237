"""Every process reads the configuration at its start, and most of them use few of the libraries behind it."""

from __future__ import annotations

import subprocess
import sys

import pytest

_HEAVY = ("sqlalchemy", "grpc", "pkcs11", "OpenSSL", "typst", "fontTools", "pyhanko", "alembic")


@pytest.mark.parametrize(
    ("module", "needs"),
    [
        ("signer.config", ()),
        ("signer.app.serve", ()),
        ("signer.app.clock_watch", ()),
        ("signer.app.log_writer", ("pkcs11",)),
        ("signer.app.front", ("OpenSSL",)),
        ("monitoring.exporter", ()),
    ],
)
def test_processes_load_what_they_use(module: str, needs: tuple[str, ...]) -> None:
    look = f"import {module}, sys; print(*[name for name in {_HEAVY} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True).stdout.split()
    assert loaded == list(needs)
