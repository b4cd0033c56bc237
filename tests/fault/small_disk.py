"""A file system of our own that is full in no time, with the appliance's state on it, and what fills and frees it."""

from __future__ import annotations

import random
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """A mounted ext4 of that size; gone afterwards."""
    image, mount = folder / "image", folder / "disk"
    mount.mkdir()
    with image.open("wb") as file:
        file.truncate(mebibytes * 1024 * 1024)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=True)
    try:
        yield mount
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def put_state_on(disk: Path, appliance: Path) -> None:
    """Before an appliance is made in its directory: whatever it keeps will be on the disk."""
    appliance.mkdir(exist_ok=True)
    (disk / "state").mkdir(mode=0o700)
    (appliance / "state").symlink_to(disk / "state")


def fill(disk: Path) -> Path:
    """Takes all that is free, to the last byte; the file that holds it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for block in (65_536, 1024, 1):
            try:
                while file.write(bytes(block)):
                    pass
            except OSError:
                continue
    return filler


def fill_and_free(disk: Path, stop: threading.Event, seed: int) -> int:
    """Full for a moment, free for a moment, until `stop`; free at the end. How often it was full."""
    choice = random.Random(seed)
    times = 0
    while not stop.wait(choice.uniform(0.2, 2.0)):
        filler = fill(disk)
        times += 1
        stop.wait(choice.uniform(0.2, 2.0))
        with suppress(FileNotFoundError):
            filler.unlink()
    return times
