"""Moves old, full entry bundles out of the log's folder into an archive: copied, flushed, read again and compared before they go.

Hash tiles stay, so that every proof of the tree still comes from the folder; only entries themselves are looked for in the archive. What is
younger than the months that the appliance must keep online is never moved. Not for the journal: `rotation`.
"""

from __future__ import annotations

import json
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from signer.audit.checkpoint import NoteKey
from signer.audit.durable_file import sync_folder, write_durably
from signer.audit.log_records import first_index
from signer.audit.merkle import SM3
from signer.audit.receipt import SignedTree
from signer.audit.tiles import ARCHIVED_FILE, WIDTH, Tiles, archived_bundles, bundle_path
from signer.errors import ConfigurationError, Reason

# GB/T 22239-2019 clause 8.1.5 and 网络安全法 §21 (network logs): six months at least. The clause's text was not at hand.
LEAST_MONTHS = 6


@dataclass(frozen=True)
class ArchivePlan:
    """Entry bundles `first` to `end` (excluded), every entry of which is older than the date asked for."""

    first: int
    end: int

    @property
    def entries(self) -> tuple[int, int]:
        """Index of the first entry, and of the one behind the last."""
        return self.first * WIDTH, self.end * WIDTH


def latest_date(now: datetime, months: int) -> datetime:
    """What is before it may leave: that many months ago, on the same day or the last one of a shorter month."""
    count = now.year * 12 + now.month - 1 - months
    year, month = count // 12, count % 12 + 1
    return now.replace(year=year, month=month, day=min(now.day, monthrange(year, month)[1]))


def plan_archive(folder: Path, key: NoteKey, before: datetime, *, months: int, now: datetime) -> ArchivePlan:
    """Which bundles would go. Moves nothing.

    Raises:
        ConfigurationError: CONFIGURATION_INVALID, `before` is later than the months to be kept online allow; or the log is damaged.
        ApplianceError: LOG_BEHIND, there is no checkpoint.
    """
    allowed = latest_date(now, max(months, LEAST_MONTHS))
    if before > allowed:
        raise ConfigurationError(
            Reason.CONFIGURATION_INVALID,
            f"entries of the last {max(months, LEAST_MONTHS)} months stay online: {before:%Y-%m-%d} is too late",
            f"Give a date up to {allowed:%Y-%m-%d}.",
        )
    size = SignedTree(folder, key).checkpoint().size
    tiles = Tiles(folder)
    first = end = archived_bundles(folder)
    # What is still in the journal stays: it is compared with the bundles (fsck --journal).
    limit = min(size, first_index(folder / "log")) // WIDTH
    while end < limit and _newest(tiles, end, size) < before:
        end += 1
    return ArchivePlan(first, end)


def copy_bundles(folder: Path, archive: Path, plan: ArchivePlan, key: NoteKey) -> None:
    """Copies the bundles, durably, and verifies the copies against the tiles. Removes nothing; may be done again.

    Raises:
        ConfigurationError: LOG_DAMAGED, a bundle is not what the tree says; or the archive holds another one of that name.
        OSError: the archive can't be written.
    """
    size = SignedTree(folder, key).checkpoint().size
    for number in range(plan.first, plan.end):
        path = bundle_path(number, WIDTH)
        content = (folder / path).read_bytes()
        target = archive / path
        if target.exists() and target.read_bytes() != content:
            raise _damaged(f"the archive has another {path} already")
        write_durably(target, content)
        copied = Tiles(archive).entries(number, size)
        if [SM3.leaf(entry) for entry in copied] != Tiles(folder).hashes(0, number, size):
            raise _damaged(f"the entries in {path} are not those of the tree")


def remove_bundles(folder: Path, archive: Path, plan: ArchivePlan, moment: datetime) -> None:
    """Says where the bundles went, durably, and then lets them go. Only after `copy_bundles`; may be done again. Raises OSError."""
    place = {"archive": str(archive), "moved_at": moment.isoformat(timespec="seconds"), "entries": plan.entries}
    before = (folder / ARCHIVED_FILE).read_text(encoding="utf-8").split("\n")[1:] if plan.first else []
    lines = [str(plan.end), *(line for line in before if line), json.dumps(place, ensure_ascii=False)]
    write_durably(folder / ARCHIVED_FILE, ("\n".join(lines) + "\n").encode())
    for number in range(plan.first, plan.end):
        (folder / bundle_path(number, WIDTH)).unlink(missing_ok=True)
    sync_folder(folder / "tile" / "entries")


def _newest(tiles: Tiles, number: int, size: int) -> datetime:
    """The latest time of its entries: a clock that was set back must not make them older."""
    try:
        return max(datetime.fromisoformat(json.loads(entry)["time"]) for entry in tiles.entries(number, size))
    except (ValueError, KeyError, TypeError):
        raise _damaged(f"an entry in {bundle_path(number, WIDTH)} has no time") from None


def _damaged(what: str) -> ConfigurationError:
    return ConfigurationError(Reason.LOG_DAMAGED, what, "Run signer audit fsck; nothing was removed.")
