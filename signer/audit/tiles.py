"""The log's tree and entries on disk, in the shape of C2SP tlog-tiles (https://c2sp.org/tlog-tiles).

A tile holds up to 256 hashes of one level, eight levels of the tree apart from the next; an entry bundle holds the entries under
a tile of level 0. Full ones never change. Hashes are SM3's. Not for deciding what is in the log: `tree` does that.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from signer.audit.durable_file import DurableFiles
from signer.audit.merkle import SM3
from signer.errors import ApplianceError, ConfigurationError, Reason

WIDTH = 256
LEVELS = 8  # of the tree in one tile
HASH_BYTES = 32
MAX_ENTRY_BYTES = 0xFFFF
# In the log's folder: which bundles were moved out, and where to. Its first line: how many of them, from the first on.
ARCHIVED_FILE = "archived"
_LENGTH = struct.Struct(">H")


def tile_path(level: int, number: int, width: int) -> str:
    """tile/<level>/<number>[.p/<width>], the number in groups of three digits, all but the last with an x."""
    return f"tile/{level}/{_number_path(number, width)}"


def bundle_path(number: int, width: int) -> str:
    """tile/entries/<number>[.p/<width>]."""
    return f"tile/entries/{_number_path(number, width)}"


def archived_bundles(folder: Path) -> int:
    """How many entry bundles, from the first on, were moved out of a log's folder. Raises ConfigurationError."""
    try:
        line = (folder / ARCHIVED_FILE).read_text(encoding="utf-8").partition("\n")[0]
    except FileNotFoundError:
        return 0
    except (OSError, UnicodeDecodeError):
        raise _damaged(f"{ARCHIVED_FILE} can't be read") from None
    if not line.isascii() or not line.isdigit():
        raise _damaged(f"{ARCHIVED_FILE} does not begin with a number of bundles")
    return int(line)


def _number_path(number: int, width: int) -> str:
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03d}")
    return "/".join(reversed(groups)) + ("" if width == WIDTH else f".p/{width}")


class Tiles:
    """The folder that holds them. Readers and the one writer may be different processes."""

    def __init__(self, folder: Path, archives: Sequence[Path] = ()) -> None:
        """`archives`: folders where entry bundles are looked for that are not in this one any more."""
        self._folder = folder
        self._archives = tuple(archives)
        self._written = DurableFiles()

    # ---- reading

    def hashes(self, level: int, number: int, size: int) -> list[bytes]:
        """The hashes of a tile in the tree of `size` leaves: from a full tile, or from a partial one of the right width or wider.

        Raises:
            ConfigurationError: the tile is missing or has another length than its name says.
        """
        width = _width(level, number, size)
        content = self._read(lambda wide: tile_path(level, number, wide), width, "tile")
        if len(content) % HASH_BYTES or not width <= len(content) // HASH_BYTES <= WIDTH:
            raise _damaged(f"the tile {tile_path(level, number, width)} has {len(content)} bytes")
        return [content[place : place + HASH_BYTES] for place in range(0, width * HASH_BYTES, HASH_BYTES)]

    def entries(self, number: int, size: int) -> list[bytes]:
        """The entries under the tile `number` of level 0, in the log of `size` entries. Raises ConfigurationError."""
        width = _width(0, number, size)
        content = self._read_bundle(number, width)
        entries = list(_split_bundle(content, bundle_path(number, width)))
        if not width <= len(entries) <= WIDTH:
            raise _damaged(f"the entry bundle {bundle_path(number, width)} holds {len(entries)} entries")
        return entries[:width]

    def _read_bundle(self, number: int, width: int) -> bytes:
        """Raises ApplianceError (LOG_ARCHIVED) for a bundle that was moved out."""
        archived = archived_bundles(self._folder)
        if archived or self._archives:
            for folder in (self._folder, *self._archives):
                with suppress(FileNotFoundError):
                    return (folder / bundle_path(number, WIDTH)).read_bytes()
            if number < archived:
                raise ApplianceError(
                    Reason.LOG_ARCHIVED,
                    f"the entries before {archived * WIDTH} were moved to the log's archive",
                    f"Give the archive (--archive DIR); {ARCHIVED_FILE} in the log's folder says where it went.",
                )
        return self._read(lambda wide: bundle_path(number, wide), width, "entry bundle")

    def entry(self, index: int, size: int) -> bytes:
        """One entry of the log of `size` entries. Raises ConfigurationError."""
        return self.entries(index // WIDTH, size)[index % WIDTH]

    def node(self, size: int, level: int, index: int) -> bytes:
        """A `merkle.ReadNode` once `size` is given: the hash of a complete subtree. Raises ConfigurationError."""
        height = level % LEVELS
        hashes = self.hashes(level // LEVELS, index >> (LEVELS - height), size)
        first = (index << height) % WIDTH
        part = hashes[first : first + (1 << height)]
        if len(part) != 1 << height:
            raise _damaged(f"the subtree {level}/{index} is not complete in a log of {size}")
        return _fold(part)

    def _read(self, path: Callable[[int], str], width: int, what: str) -> bytes:
        """The full file, or the narrowest partial one that is wide enough; a full one takes the partial ones' place at any time."""
        for _ in range(2):
            for wide in (WIDTH, width):
                with suppress(FileNotFoundError):
                    return (self._folder / path(wide)).read_bytes()
            for wide in range(width + 1, WIDTH):
                with suppress(FileNotFoundError):
                    return (self._folder / path(wide)).read_bytes()
        raise _damaged(f"the {what} {path(width)} is missing")

    # ---- writing

    def write_tile(self, level: int, number: int, hashes: Sequence[bytes]) -> None:
        """There, and durable, when `sync` returns. A full tile that is there already must be the same."""
        self._write(tile_path(level, number, len(hashes)), b"".join(hashes), full=len(hashes) == WIDTH)

    def write_entries(self, number: int, entries: Sequence[bytes]) -> None:
        """The entries under a tile of level 0; the same rules."""
        content = b"".join(_LENGTH.pack(len(entry)) + entry for entry in entries)
        self._write(bundle_path(number, len(entries)), content, full=len(entries) == WIDTH)

    def sync(self) -> None:
        """What was written is there from now on, and survives a crash. Raises OSError."""
        self._written.commit()

    def drop_partial(self, level: int | None, number: int, keep: int) -> None:
        """Removes the partial files of a tile (or bundle: None) that are narrower than `keep`."""
        path = bundle_path(number, 1) if level is None else tile_path(level, number, 1)
        folder = (self._folder / path).parent
        with suppress(FileNotFoundError):
            for file in folder.iterdir():
                if file.name.isdigit() and int(file.name) < keep:
                    file.unlink(missing_ok=True)
            if keep == WIDTH:
                folder.rmdir()

    def _write(self, path: str, content: bytes, *, full: bool) -> None:
        target = self._folder / path
        if full and target.exists():
            if target.read_bytes() != content:
                raise _damaged(f"{path} is there already, with another content")
            return
        self._written.write(target, content)


def _width(level: int, number: int, size: int) -> int:
    width = min(WIDTH, (size >> (LEVELS * level)) - number * WIDTH)
    if width <= 0:
        raise _damaged(f"a log of {size} entries has no tile {level}/{number}")
    return width


def _fold(hashes: Sequence[bytes]) -> bytes:
    """The hash over a power of two of hashes."""
    while len(hashes) > 1:
        hashes = SM3.parents(hashes)
    return hashes[0]


def _split_bundle(content: bytes, path: str) -> Iterator[bytes]:
    position = 0
    while position < len(content):
        if position + _LENGTH.size > len(content):
            raise _damaged(f"the entry bundle {path} ends within a length")
        (length,) = _LENGTH.unpack_from(content, position)
        position += _LENGTH.size
        if position + length > len(content):
            raise _damaged(f"the entry bundle {path} ends within an entry")
        yield content[position : position + length]
        position += length


def _damaged(what: str) -> ConfigurationError:
    return ConfigurationError(
        Reason.LOG_DAMAGED, what, "Run signer audit fsck; restore the log's folder from its backup, and keep this one."
    )
