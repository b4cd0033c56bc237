"""Demo appliances for tests that start one of their own: copies of one that was made once in this session, with ports of their own.

Making its keys takes seconds, and a suite starts some thirty. So copies share keys, authority and the log's id: a test that needs
two strangers makes the second one with `signer init --demo`. Not for the command itself: tests/integration/test_demo.py makes
one from nothing.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import demo.appliance
from demo.appliance import signer


def make(directory: Path, port: int) -> None:
    """What `signer init --demo` leaves in a directory, which may be there already."""
    shutil.copytree(_pattern(), directory, symlinks=True, dirs_exist_ok=True)
    signer("init", "--demo", str(directory), "--port-base", str(port))  # gives it ports, and its token's place


@contextmanager
def running(
    directory: Path,
    port: int,
    *,
    change: Callable[[], None] = lambda: None,
    is_ready: Callable[[int], bool] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """See `demo.appliance.running`; where nothing is in the directory yet, a copy is put there."""
    if not (directory / "signer.toml").exists():
        shutil.copytree(_pattern(), directory, symlinks=True, dirs_exist_ok=True)
    with demo.appliance.running(directory, port, change=change, is_ready=is_ready) as process:
        yield process


@functools.cache
def _pattern() -> Path:
    """Made at the first call of this process, never started."""
    directory = Path(tempfile.mkdtemp(prefix="signer-pattern-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    signer("init", "--demo", str(directory), "--port-base", "12000")
    return directory
