"""What outlives a restart: the latest time that was believed, and an administrator's acceptance. Not the verdict: `published`."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def recall(file: Path) -> float | None:
    """The latest time of day that was believed, None where nothing is known. A file that can't be read is nothing known."""
    try:
        return float(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def remember(file: Path, moment: float) -> None:
    """Durable, and replaced in one step. Raises OSError."""
    temporary = file.with_name(f".{file.name}.new")
    with temporary.open("w", encoding="ascii") as stream:
        stream.write(f"{moment:.3f}\n")
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)


def accept(file: Path) -> None:
    """Tells the watch that the clock is right although it was set back. Raises OSError."""
    file.touch(mode=0o600)


def is_accepted(file: Path) -> bool:
    """Whether somebody accepted it."""
    return file.exists()


def forget_acceptance(file: Path) -> None:
    """It holds once."""
    with suppress(FileNotFoundError):
        file.unlink()
