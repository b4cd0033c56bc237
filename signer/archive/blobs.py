"""Files by the SM3 of their content, in a directory: written once, durable before `put` returns, checked when read.

Not for finding documents: the catalogue knows which content belongs to which document. A file that no row names is an
orphan of a crash; `orphans` lists them and `remove_orphan` collects them.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from signer.algorithms import sm3
from signer.errors import ApplianceError, Reason

_TEMPORARY_PREFIX = ".new-"


@dataclass(frozen=True)
class BlobDirectoryConfig:
    """`directory`: where blobs live; made when missing."""

    directory: Path


class BlobDirectory:
    """Content-addressed files: <directory>/<first two hex digits>/<64 hex digits>."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @classmethod
    def from_config(cls, config: BlobDirectoryConfig) -> BlobDirectory:
        """Makes the directory and its 256 folders, so that a put syncs one folder only. Raises ApplianceError."""
        try:
            for number in range(256):
                (config.directory / f"{number:02x}").mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as problem:
            raise _storage_error(problem, "the archive can't be prepared") from problem
        return cls(config.directory)

    def put(self, content: bytes, *, name: bytes | None = None) -> bytes:
        """Stores content durably and returns its SM3 (32 bytes). The same content again is not written again.

        `name`: that SM3, where the caller has it already; `get` finds out whether it was right.

        Raises:
            ApplianceError: STORAGE_UNAVAILABLE; nothing is left under the content's name then.
        """
        name = name or sm3.digest(content)
        target = self._path(name)
        if target.exists():
            return name
        temporary = target.with_name(_TEMPORARY_PREFIX + secrets.token_hex(8))
        try:
            try:
                with temporary.open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fdatasync(file.fileno())
                temporary.rename(target)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise
            _sync_directory(target.parent)
        except OSError as problem:
            raise _storage_error(problem, "the document can't be archived") from problem
        return name

    def get(self, name: bytes) -> bytes:
        """The content with that SM3.

        Raises:
            ApplianceError: STORAGE_UNAVAILABLE (can't be read) or STORAGE_CORRUPTED (missing, or not what was stored).
        """
        try:
            content = self._path(name).read_bytes()
        except FileNotFoundError:
            raise ApplianceError(
                Reason.STORAGE_CORRUPTED,
                "an archived file is missing",
                "Restore the archive directory from its backup.",
            ) from None
        except OSError as problem:
            raise _storage_error(problem, "the archive can't be read") from problem
        if sm3.digest(content) != name:
            raise ApplianceError(
                Reason.STORAGE_CORRUPTED,
                "an archived file was altered",
                "Restore the archive directory from its backup.",
            )
        return content

    def orphans(self, known: set[bytes], *, older_than: float) -> Iterator[Path]:
        """Files that no row names and temporary ones, last changed before `older_than` (seconds since 1970)."""
        for file in self._directory.glob("??/*"):
            if file.stat().st_mtime < older_than and (
                file.name.startswith(_TEMPORARY_PREFIX) or bytes.fromhex(file.name) not in known
            ):
                yield file

    def _path(self, name: bytes) -> Path:
        text = name.hex()
        return self._directory / text[:2] / text


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _storage_error(problem: OSError, what: str) -> ApplianceError:
    full = problem.errno in {errno.ENOSPC, errno.EDQUOT}
    return ApplianceError(
        Reason.STORAGE_UNAVAILABLE,
        f"{what}: {'the disk is full' if full else 'the storage does not answer as it must'}",
        "Free space on the archive's volume, then retry." if full else "See the server's log, then retry.",
    )
