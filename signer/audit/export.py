"""Entries for central log keeping: in order, only under a signed checkpoint, going on where the last export stopped.

What was exported is remembered with the root of the tree at that place, so that a log that was exchanged meanwhile is noticed. Not for how
entries travel: `syslog` and the command line do that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from signer.audit.checkpoint import Checkpoint, NoteKey
from signer.audit.durable_file import write_durably
from signer.audit.merkle import SM3, Frontier, ProofError, root_of
from signer.audit.receipt import SignedTree
from signer.audit.tiles import WIDTH, Tiles
from signer.errors import ConfigurationError, Reason

# Entries between two places where an interrupted export can go on.
_MOST_ENTRIES = 64 * WIDTH


@dataclass(frozen=True)
class ExportedEntry:
    """An entry with its place and its RFC 9162 leaf hash over SM3."""

    index: int
    entry: bytes

    @property
    def leaf_hash(self) -> bytes:
        """32 bytes."""
        return SM3.leaf(self.entry)

    def as_json(self) -> str:
        """One line; the entry's text exactly, so that whoever reads it can compute the leaf hash again."""
        values = {
            "index": self.index,
            "leaf_hash": self.leaf_hash.hex(),
            "entry": self.entry.decode("utf-8", "replace"),
        }
        return json.dumps(values, ensure_ascii=False)


@dataclass(frozen=True)
class Position:
    """How far an export is: `size` entries of the log `origin`, whose tree had that root then."""

    origin: str
    size: int
    root: bytes

    def save(self, file: Path) -> None:
        """Durably. Raises OSError."""
        values = {"origin": self.origin, "size": self.size, "root": self.root.hex()}
        write_durably(file, json.dumps(values).encode() + b"\n")

    @classmethod
    def load(cls, file: Path) -> Position | None:
        """None where there is no such file. Raises ConfigurationError (CONFIGURATION_INVALID)."""
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
            return cls(str(values["origin"]), int(values["size"]), bytes.fromhex(values["root"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            raise ConfigurationError(
                Reason.CONFIGURATION_INVALID, f"{file}: not an export's state", "Restore it, or begin anew without it."
            ) from None


@dataclass(frozen=True)
class Part:
    """Some entries in order, and where an export is behind them. `checkpoint`: the signed head, at the last part alone."""

    entries: Sequence[ExportedEntry]
    position: Position
    checkpoint: Checkpoint | None


class Exporter:
    """Reads one log."""

    def __init__(self, folder: Path, key: NoteKey, archives: Sequence[Path] = ()) -> None:
        self._key = key
        self._tree = SignedTree(folder, key, archives=archives)
        self._tiles = Tiles(folder, archives)

    def parts(self, position: Position | None) -> Iterator[Part]:
        """What is behind the position, up to the checkpoint of now; nothing where there is nothing new.

        Raises:
            ConfigurationError: LOG_ROLLED_BACK, LOG_FORKED: not the log that was exported before; LOG_DAMAGED.
            ApplianceError: LOG_BEHIND, no checkpoint yet; LOG_ARCHIVED, entries were moved out.
            ProofError: the entries do not give the signed root.
        """
        checkpoint = self._tree.checkpoint()
        read = partial(self._tiles.node, checkpoint.size)
        start = position or Position(self._key.name, 0, SM3.empty())
        self._check(start, checkpoint)
        frontier = Frontier(SM3, start.size, read)
        while frontier.size < checkpoint.size:
            entries = self._some(frontier, checkpoint.size)
            root = frontier.root()
            last = frontier.size == checkpoint.size
            if root != (checkpoint.root if last else root_of(SM3, read, frontier.size)):
                raise ProofError(f"the entries before {frontier.size} do not give the tree's root")
            yield Part(entries, Position(start.origin, frontier.size, root), checkpoint if last else None)

    def _some(self, frontier: Frontier, size: int) -> list[ExportedEntry]:
        entries: list[ExportedEntry] = []
        end = min(size, frontier.size // WIDTH * WIDTH + _MOST_ENTRIES)
        while frontier.size < end:
            number, offset = divmod(frontier.size, WIDTH)
            some = [
                ExportedEntry(index, entry)
                for index, entry in enumerate(self._tiles.entries(number, size)[offset:], frontier.size)
            ]
            frontier.extend([exported.leaf_hash for exported in some])
            entries += some
        return entries

    def _check(self, start: Position, checkpoint: Checkpoint) -> None:
        if start.origin != checkpoint.origin:
            raise _swapped(Reason.LOG_FORKED, f"the export was of the log {start.origin}, this is {checkpoint.origin}")
        if start.size > checkpoint.size:
            raise _swapped(Reason.LOG_ROLLED_BACK, f"{start.size} entries were exported, the log has {checkpoint.size}")
        if root_of(SM3, partial(self._tiles.node, checkpoint.size), start.size) != start.root:
            raise _swapped(Reason.LOG_FORKED, f"the first {start.size} entries are not those that were exported")


def _swapped(reason: Reason, what: str) -> ConfigurationError:
    return ConfigurationError(reason, what, "Keep the log's folder and the export as evidence; run signer audit fsck.")
