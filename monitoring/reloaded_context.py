"""A listener's TLS context that is made again when its files change, so that certificates are renewed without a restart.

Not for what a context allows: whoever makes it decides that.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

_log = logging.getLogger(__name__)


class ReloadedContext:
    """The context in force."""

    def __init__(
        self,
        listener: str,
        files: Sequence[Path],
        load: Callable[[], ssl.SSLContext],
        unusable: type[Exception],
    ) -> None:
        """`load` makes the context of the files, or raises `unusable`, as this does. `listener`: as logs call it."""
        self._listener = listener
        self._files = files
        self._load = load
        self._unusable = unusable
        self._seen = self._look()
        self._context = load()

    def context(self) -> ssl.SSLContext:
        """For the next connection; anew where the files changed. What can't be read leaves the former one in force."""
        seen = self._look()
        if seen != self._seen:
            self._seen = seen
            try:
                self._context = self._load()
                _log.info(f"the {self._listener}'s certificate was reloaded")
            except self._unusable as problem:
                _log.error(f"the {self._listener}'s certificate was not reloaded: {problem}")
        return self._context

    def _look(self) -> list[tuple[int, int, int]]:
        return [_stamp(file) for file in self._files]


def _stamp(file: Path) -> tuple[int, int, int]:
    try:
        state = file.stat()
    except OSError:
        return (0, 0, 0)
    return (state.st_mtime_ns, state.st_ino, state.st_size)
