"""Queries of one row, by connections that are kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, bindparam, insert, select

from signer.database.database_config import DatabaseConfig
from signer.database.engine import Database
from signer.database.tables import key_versions, metadata
from signer.errors import ApplianceError, Reason

_QUERY = select(key_versions.c.name, key_versions.c.version).where(key_versions.c.key_id == bindparam("key_id"))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database.from_config(DatabaseConfig(f"sqlite:///{tmp_path}/state.db"))
    metadata.create_all(made.engine)
    yield made
    made.close()


def _add(database: Database, version: int) -> None:
    row = {
        "name": "seal",
        "version": version,
        "purpose": "seal",
        "algorithms": "",
        "key_id": bytes([version]),
        "public_key": b"",
        "certificate_chain": "",
        "state": "active",
        "created_at": datetime.now(UTC),
    }
    with database.transaction(write=True) as connection:
        connection.execute(insert(key_versions), row)


def _found(database: Database, version: int) -> bool:
    return database.look_up(_QUERY, {"key_id": bytes([version])}) is not None


def test_a_kept_connection_sees_what_was_committed_since(database: Database) -> None:
    assert not _found(database, 1)
    _add(database, 1)
    row = database.look_up(_QUERY, {"key_id": b"\x01"})
    assert row is not None
    assert tuple(row) == ("seal", 1)
    with database.transaction(write=True) as connection:
        connection.execute(key_versions.delete())
    assert not _found(database, 1)
    assert len(database._idle) == 1


def test_what_is_not_committed_is_not_seen(database: Database) -> None:
    _add(database, 1)
    with database.transaction(write=True) as connection:
        connection.execute(key_versions.delete())
        assert _found(database, 1)
    assert not _found(database, 1)


def test_many_threads_take_one_each_and_give_it_back(database: Database) -> None:
    _add(database, 1)
    together = threading.Barrier(8)

    def look(_: int) -> bool:
        together.wait(30)
        return all(_found(database, 1) for _ in range(50))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(look, range(8)))
    assert 1 <= len(database._idle) <= 8


def test_a_connection_that_was_lost_meanwhile_costs_nobody_an_answer(database: Database) -> None:
    _add(database, 1)
    assert _found(database, 1)
    raw = database._idle[0].connection.dbapi_connection
    assert raw is not None
    raw.close()
    assert _found(database, 1)


def test_who_meets_lost_connections_at_the_same_time_is_answered(database: Database) -> None:
    """As after the database was started anew: each thread finds its own lost, and drops the others'."""
    _add(database, 1)
    connections = [database._readers.connect() for _ in range(32)]
    for connection in connections:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.close()
    database._idle += connections
    together = threading.Barrier(8)

    def look(_: int) -> bool:
        together.wait(30)
        return _found(database, 1)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(look, range(8)))


def test_closing_goes_on_where_another_thread_took_the_last(database: Database) -> None:
    class _TakenMeanwhile(list[Connection]):
        def __bool__(self) -> bool:
            return True  # what a thread saw before it was interrupted

    database._idle = _TakenMeanwhile()
    database.close()


def test_a_database_that_is_gone_is_told(database: Database, tmp_path: Path) -> None:
    database.close()
    for file in tmp_path.iterdir():
        file.unlink()
    tmp_path.joinpath("state.db").mkdir()
    with pytest.raises(ApplianceError) as told:
        _found(database, 1)
    assert told.value.reason is Reason.DATABASE_UNAVAILABLE
    tmp_path.joinpath("state.db").rmdir()
