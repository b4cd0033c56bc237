"""Which database, as read from configuration. Loads no driver: processes without a database read it, too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

_SQLITE_FILE = re.compile(r"sqlite(?:\+[a-z0-9]+)?:///([^?]+)(?:\?.*)?")


@dataclass(frozen=True)
class DatabaseConfig:
    """`url`: an SQLAlchemy URL, e.g. sqlite:////var/lib/signer/state.db; a password belongs into the driver's own files."""

    url: str

    @property
    def sqlite_file(self) -> Path | None:
        """Where SQLite keeps it; None for a database server, and for one in memory."""
        found = _SQLITE_FILE.fullmatch(self.url)
        return None if found is None or found[1] == ":memory:" else Path(unquote(found[1]))
