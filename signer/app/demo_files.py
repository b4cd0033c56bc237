"""Files with secrets, as the demo appliance writes them. Not for production: there, who makes a key puts it in place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def write_secret(file: Path, make: Callable[[], str]) -> str:
    """Writes a file of mode 0600 unless it is there; returns what it holds."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(make(), encoding="ascii")
    return file.read_text(encoding="ascii")
