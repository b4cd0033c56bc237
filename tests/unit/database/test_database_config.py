"""Where SQLite's file is, as the driver itself would say."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from signer.database.database_config import DatabaseConfig


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////var/lib/signer/state/signer.db",
        "sqlite:///state.db",
        "sqlite+pysqlite:////a b/ü/state.db?timeout=5",
        "sqlite:////a%20b/state.db",
    ],
)
def test_the_file_of_sqlite(url: str) -> None:
    database = make_url(url).database
    assert database
    assert DatabaseConfig(url).sqlite_file == Path(database)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "postgresql:///signer", "postgresql+psycopg://h/d"])
def test_no_file(url: str) -> None:
    assert DatabaseConfig(url).sqlite_file is None
