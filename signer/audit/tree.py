"""From the journal to the tree: brings what was appended into tiles, and signs checkpoints over them.

Behind the appends, at most `EVERY_S` seconds: no signature waits for it. What it wrote when it was killed, it writes again, the
same. One integrator for a log, in the log writer's process. Not for the durability of entries: the journal has that.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from monitoring import metrics
from signer.algorithms import SignMessage
from signer.audit.checkpoint import CHECKPOINT_FILE, Checkpoint, NoteKey, read_own_checkpoint, sign_checkpoint
from signer.audit.durable_file import write_durably
from signer.audit.merkle import SM3, Frontier, root_of
from signer.audit.tiles import LEVELS, WIDTH, Tiles
from signer.errors import ConfigurationError, Reason, SignerError

_log = logging.getLogger(__name__)
EVERY_S = 0.8  # with what a busy machine delays, checkpoints are less than a second apart
# (first, count): that many durable entries in order, and their leaf hashes.
ReadEntries = Callable[[int, int], tuple[Sequence[bytes], Sequence[bytes]]]
# At a time, so that a checkpoint comes also while much is to be caught up with.
_MOST_ENTRIES = 10_000


class Tree:
    """The tree of one log in its folder, and the checkpoint over it."""

    def __init__(self, folder: Path, key: NoteKey) -> None:
        """`key`: its name is the log's origin."""
        self._folder = folder
        self._key = key
        self._tiles = Tiles(folder)
        self._frontier = Frontier(SM3)
        self._edge: dict[int, list[bytes]] = {0: []}  # by tile level: hashes of its last, unfinished tile
        self._bundle: list[bytes] = []  # entries under the edge of level 0
        self._checkpoint: Checkpoint | None = None

    @property
    def size(self) -> int:
        """How many entries the signed tree has."""
        return 0 if self._checkpoint is None else self._checkpoint.size

    def open(self) -> None:
        """Goes on where the last checkpoint is.

        Raises:
            ConfigurationError: LOG_DAMAGED, when the tiles don't give the checkpoint's root; or the checkpoint is not ours.
        """
        checkpoint = read_own_checkpoint(self._folder, self._key)
        if checkpoint is None:
            return
        size = checkpoint.size

        def read(level: int, index: int) -> bytes:
            return self._tiles.node(size, level, index)

        if root_of(SM3, read, size) != checkpoint.root:
            raise _damaged(f"the tiles do not give the root of the checkpoint over {size} entries")
        self._frontier = Frontier(SM3, size, read)
        level = 0
        while size >> LEVELS * level:
            edge = size >> LEVELS * level
            self._edge[level] = self._tiles.hashes(level, edge // WIDTH, size) if edge % WIDTH else []
            level += 1
        if size % WIDTH:
            self._bundle = self._tiles.entries(size // WIDTH, size)
        self._checkpoint = checkpoint

    def integrate(
        self, entries: Sequence[bytes], sign: SignMessage, leaves: Sequence[bytes] | None = None
    ) -> Checkpoint | None:
        """Appends entries to the tree and signs a checkpoint over it; None when there is nothing new.

        `leaves`: their leaf hashes, where the caller has them.

        Raises:
            OSError: a tile can't be written. Call `open` on a new Tree then: nobody knows what this one wrote.
            SignerError, HsmError: the checkpoint can't be signed; likewise.
        """
        if not entries:
            return None
        self._append(entries, leaves or [SM3.leaf(entry) for entry in entries])
        for level, edge in self._edge.items():
            if edge:
                self._tiles.write_tile(level, (self._frontier.size >> LEVELS * level) // WIDTH, edge)
        if self._bundle:
            self._tiles.write_entries(self._frontier.size // WIDTH, self._bundle)
        self._tiles.sync()
        text = sign_checkpoint(self._key.name, self._frontier.size, self._frontier.root(), self._key, sign)
        write_durably(self._folder / CHECKPOINT_FILE, text.encode())
        before = self.size
        self._checkpoint = Checkpoint(self._key.name, self._frontier.size, self._frontier.root(), text)
        self._drop_outgrown(before)
        return self._checkpoint

    def _append(self, entries: Sequence[bytes], leaves: Sequence[bytes]) -> None:
        """Writes what is full by now, and keeps the rest."""
        assert len(entries) == len(leaves)
        number = self._frontier.size // WIDTH
        ended = self._frontier.extend(leaves)
        self._bundle = _in_widths([*self._bundle, *entries], number, self._tiles.write_entries)
        for level, nodes in enumerate(ended[::LEVELS]):
            edge = [*self._edge.get(level, []), *nodes]
            number = (self._frontier.size >> LEVELS * level) // WIDTH - len(edge) // WIDTH
            self._edge[level] = _in_widths(edge, number, partial(self._tiles.write_tile, level))

    def _drop_outgrown(self, before: int) -> None:
        """Partial tiles that no reader of the last two checkpoints needs."""
        size = self._frontier.size
        for level in self._edge:
            old_number, old_width = divmod(before >> LEVELS * level, WIDTH)
            number = (size >> LEVELS * level) // WIDTH
            for grown in range(old_number, number):  # full by now
                self._drop(level, grown, WIDTH)
            if number == old_number:
                self._drop(level, number, old_width)

    def _drop(self, level: int, number: int, keep: int) -> None:
        self._tiles.drop_partial(level, number, keep)
        if level == 0:
            self._tiles.drop_partial(None, number, keep)


class Integrator:
    """The thread that keeps a tree close behind a journal."""

    def __init__(
        self,
        make_tree: Callable[[], Tree],
        read: ReadEntries,
        count: Callable[[], int],
        sign: SignMessage,
        followers: Sequence[Callable[[Checkpoint], None]] = (),
    ) -> None:
        """`count`: how many entries are durable now. `followers`: called with every new checkpoint, when it is durable.

        Errors leave the appends alone: it tries again, from the disk.
        """
        self._make_tree = make_tree
        self._read = read
        self._count = count
        self._sign = sign
        self._followers = tuple(followers)
        self._tree: Tree | None = None
        self._signed = 0  # entries under the last checkpoint
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="integrator", daemon=True)

    def start(self) -> None:
        """Begins. Raises ConfigurationError as `Tree.open`: a damaged log is told at once, before anything is signed."""
        self._tree = self._make_tree()
        self._tree.open()
        self._signed = self._tree.size
        self._thread.start()

    def stop(self) -> None:
        """Integrates what is there, and ends."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        pause = EVERY_S
        while not self._stop.wait(pause):
            started = time.monotonic()
            self._step()
            pause = max(EVERY_S - (time.monotonic() - started), EVERY_S / 2)
        self._step()

    def _catch_up(self, tree: Tree) -> None:
        """One checkpoint over what is durable now; more of them only where it is more than one should cover. What is appended
        meanwhile waits for the next time: going on until nothing is left would sign checkpoints without a pause under load.
        """
        durable = self._count()
        while (new := min(durable - tree.size, _MOST_ENTRIES)) > 0:
            entries, leaves = self._read(tree.size, new)
            checkpoint = tree.integrate(entries, self._sign, leaves)
            for follower in self._followers:
                if checkpoint is not None:
                    follower(checkpoint)

    def _step(self) -> None:
        try:
            if self._tree is None:
                self._tree = self._make_tree()
                self._tree.open()
            self._catch_up(self._tree)
            self._signed = self._tree.size
            metrics.log_checkpoint_size.set(self._tree.size)
            metrics.log_unsigned_entries.set(self._count() - self._tree.size)
        except Exception as problem:  # noqa: BLE001 - the thread must live, whatever happened
            # Entries stay durable in the journal, and signing goes on; the gauge and its alarm show that no checkpoint comes.
            self._tree = None
            metrics.log_checkpoint_failures.inc()
            metrics.log_unsigned_entries.set(self._count() - self._signed)
            reason = problem.reason.value if isinstance(problem, SignerError) else type(problem).__name__
            _log.error("no checkpoint", extra={"fields": {"reason": reason}})


def _in_widths(items: list[bytes], number: int, write: Callable[[int, Sequence[bytes]], None]) -> list[bytes]:
    """Writes what fills tiles or bundles, the first of which has that number; returns what is left over."""
    full = len(items) // WIDTH
    for offset in range(full):
        write(number + offset, items[offset * WIDTH : (offset + 1) * WIDTH])
    return items[full * WIDTH :]


def _damaged(what: str) -> ConfigurationError:
    return ConfigurationError(
        Reason.LOG_DAMAGED, what, "Run signer audit fsck; restore the log's folder from its backup, and keep this one."
    )
