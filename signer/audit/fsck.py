"""Checks a log's files from the entries up, and tells what was done to them: nothing that a service computed is believed.

Needs the folder and the log's public key; a checkpoint that somebody outside remembers tells also what a consistent
forgery would hide. Shares no state with the service. Not for repairing anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from signer.audit.checkpoint import Checkpoint, CheckpointError, NoteKey, verify_checkpoint
from signer.audit.log_records import first_index, read_log
from signer.audit.merkle import SM3, Frontier
from signer.audit.tiles import LEVELS, WIDTH, Tiles
from signer.errors import ApplianceError, ConfigurationError

_AT_ONCE = 1 << 16  # leaves: their subtrees are in memory meanwhile


@dataclass(frozen=True)
class Damage:
    """`code`: stable; `where`: a file or an entry's index."""

    code: str
    where: str
    message: str


@dataclass
class Inspection:
    """What was found. `entries`: how many were read; `archived`: how many more were not, being in an archive that was not given: for
    them the tiles' hashes were taken. `checkpoint`: the signed one, None where it is missing or wrong.
    """

    entries: int = 0
    archived: int = 0
    checkpoint: Checkpoint | None = None
    damages: list[Damage] = field(default_factory=list)

    def add(self, code: str, where: str, message: str) -> None:
        """One finding more."""
        self.damages.append(Damage(code, where, message))


def inspect_log(
    folder: Path,
    key: NoteKey,
    *,
    remembered: Sequence[Checkpoint] = (),
    journal: Path | None = None,
    archives: Sequence[Path] = (),
) -> Inspection:
    """Reads everything. `remembered`: checkpoints of this log that a witness or an auditor kept. `archives`: folders with entry
    bundles that were moved out. Raises nothing.
    """
    found = Inspection()
    found.checkpoint = _signed_checkpoint(folder, key, found)
    size = found.checkpoint.size if found.checkpoint is not None else 0
    tiles = Tiles(folder, archives)
    leaves = list(_leaves(tiles, size, found))
    if found.checkpoint is not None and not found.damages:
        _check_tiles(tiles, leaves, found)
        _check_roots(leaves, [found.checkpoint, *remembered], found)
    for checkpoint in remembered:
        if checkpoint.size > size:
            found.add(
                "rolled-back",
                "checkpoint",
                f"a checkpoint over {checkpoint.size} entries is known, the log has {size}: an older copy, or its end was cut off",
            )
    if journal is not None:
        _check_journal(journal, leaves, found)
    return found


def _signed_checkpoint(folder: Path, key: NoteKey, found: Inspection) -> Checkpoint | None:
    try:
        return verify_checkpoint((folder / "checkpoint").read_text(encoding="utf-8"), key.name, key)
    except (OSError, UnicodeDecodeError):
        found.add("checkpoint-missing", "checkpoint", "there is no readable checkpoint")
    except CheckpointError as problem:
        found.add("checkpoint-wrong", "checkpoint", problem.message)
    return None


def _leaves(tiles: Tiles, size: int, found: Inspection) -> Iterator[bytes]:
    for number in range((size + WIDTH - 1) // WIDTH):
        try:
            try:
                entries = tiles.entries(number, size)
            except ApplianceError:  # LOG_ARCHIVED
                found.archived += WIDTH
                yield from tiles.hashes(0, number, size)
                continue
        except ConfigurationError as problem:
            found.add("entries-missing", f"entry {number * WIDTH}", problem.message)
            return
        for entry in entries:
            found.entries += 1
            yield SM3.leaf(entry)


def _check_tiles(tiles: Tiles, leaves: Sequence[bytes], found: Inspection) -> None:
    """Every tile of every level against what the entries give."""
    level, expected, size = 0, list(leaves), len(leaves)
    while expected:
        places = {leaf: index for index, leaf in enumerate(expected)}
        for number in range((len(expected) + WIDTH - 1) // WIDTH):
            try:
                hashes = tiles.hashes(level, number, size)
            except ConfigurationError as problem:
                found.add("tile-missing", f"tile {level}/{number}", problem.message)
                continue
            for offset, (stored, right) in enumerate(
                zip(hashes, expected[number * WIDTH : (number + 1) * WIDTH], strict=True)
            ):
                if stored != right:
                    _tell_difference(level, number * WIDTH + offset, stored in places, found)
        expected = [_root(expected[first : first + WIDTH]) for first in range(0, len(expected) - WIDTH + 1, WIDTH)]
        level += 1
    assert level <= 64 // LEVELS


def _tell_difference(level: int, index: int, known: bool, found: Inspection) -> None:
    if level:
        found.add(
            "tile-altered", f"tile {level}/{index // WIDTH}", f"its hash {index % WIDTH} is not that of the entries"
        )
    elif known:
        found.add("entry-reordered", f"entry {index}", "this entry stands at another place than when it was recorded")
    else:
        found.add("entry-replaced", f"entry {index}", "this entry is not the one that was recorded")


def _check_roots(leaves: Sequence[bytes], checkpoints: Sequence[Checkpoint], found: Inspection) -> None:
    frontier, roots = Frontier(SM3), {0: SM3.empty()}
    for size in sorted({checkpoint.size for checkpoint in checkpoints if checkpoint.size <= len(leaves)}):
        while frontier.size < size:
            frontier.extend(leaves[frontier.size : min(size, frontier.size + _AT_ONCE)])
        roots[size] = frontier.root()
    for number, checkpoint in enumerate(checkpoints):
        root = roots.get(checkpoint.size)
        if root is None or root == checkpoint.root:
            continue
        if number == 0:
            found.add(
                "root-wrong",
                "checkpoint",
                "the entries do not give the signed root: some were put in, taken out or changed",
            )
        else:
            found.add(
                "forked",
                f"checkpoint over {checkpoint.size}",
                "the log does not begin with what this checkpoint signed: it was written anew from an earlier place",
            )


def _check_journal(journal: Path, leaves: Sequence[bytes], found: Inspection) -> None:
    """The journal's entries are those of the tree, and more of them at its end."""
    count = 0
    try:
        count = first = first_index(journal)
        if first > len(leaves):
            found.add("journal-gap", journal.name, f"the journal begins at entry {first}, the tree has {len(leaves)}")
            return
        for count, entry in enumerate(read_log(journal), first + 1):
            if count <= len(leaves) and SM3.leaf(entry) != leaves[count - 1]:
                found.add("journal-differs", f"entry {count - 1}", "the journal has another entry here than the tree")
                return
    except (OSError, ConfigurationError) as problem:
        found.add("journal-damaged", journal.name, getattr(problem, "message", "it can't be read"))
        return
    if count < len(leaves):
        found.add("journal-cut", journal.name, f"the journal has {count} entries, the tree {len(leaves)}")


def _root(hashes: Sequence[bytes]) -> bytes:
    frontier = Frontier(SM3)
    frontier.extend(hashes)
    return frontier.root()
