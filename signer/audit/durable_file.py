"""Files that survive a crash whole: the old content or the new one, never a part. Not for appending: `log_file` does that."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


def write_durably(target: Path, content: bytes) -> None:
    """Replaces a file in one step; afterwards it survives a crash. Raises OSError."""
    files = DurableFiles()
    files.write(target, content)
    files.commit()


class DurableFiles:
    """Files that become durable together: one flush each, but each folder is flushed once only. Not one step for all of them."""

    def __init__(self) -> None:
        self._written: list[tuple[Path, Path]] = []  # temporary name, target
        self._folders: dict[Path, None] = {}  # in order, the new ones' parents included

    def write(self, target: Path, content: bytes) -> None:
        """Not under its name before `commit`. Raises OSError."""
        if target.parent not in self._folders:
            self._folders |= dict.fromkeys((target.parent, *_make_folders(target.parent)))
        temporary = target.with_name(f".{target.name}.new")
        temporary.write_bytes(content)
        self._written.append((temporary, target))

    def commit(self) -> None:
        """Each file gets its name once its content is on the disk; afterwards all survive a crash. Raises OSError."""
        with ExitStack() as opened:
            descriptors = [_open(temporary, os.O_RDONLY, opened) for temporary, _ in self._written]
            for descriptor in descriptors:
                # Begins to write, and waits for nothing: the first flush then ends what the others would have to wait for.
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            for descriptor in descriptors:
                os.fsync(descriptor)
        for temporary, target in self._written:
            temporary.replace(target)
        for folder in self._folders:
            sync_folder(folder)
        self._written.clear()
        self._folders.clear()


def _make_folders(folder: Path) -> list[Path]:
    """Makes a folder; returns the folders that got a new member by that."""
    changed = []
    missing = folder
    while not missing.exists():
        missing = missing.parent
        changed.append(missing)
    folder.mkdir(parents=True, exist_ok=True)
    return changed


def sync_folder(folder: Path) -> None:
    """Makes new names in it durable. Raises OSError."""
    with ExitStack() as opened:
        os.fsync(_open(folder, os.O_RDONLY | os.O_DIRECTORY, opened))


def _open(path: Path, flags: int, until: ExitStack) -> int:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    until.callback(os.close, descriptor)
    return descriptor


@contextmanager
def exclusively(folder: Path) -> Iterator[None]:
    """One holder at a time among all processes; makes the folder where it is missing. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
