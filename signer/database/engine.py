"""The database connection and transactions, with the driver's errors made into ours.

Not for queries: each room writes its own against `signer.database.tables`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, Row, Select, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from signer.database.database_config import DatabaseConfig
from signer.errors import ApplianceError, Reason

_BUSY_TIMEOUT_MS = 5_000


class Database:
    """An engine whose transactions are durable when they return, and connections for queries of one row."""

    def __init__(self, engine: Engine, readers: Engine) -> None:
        """`readers`: commits by itself, and keeps no pool."""
        self.engine = engine
        self._readers = readers
        self._idle: list[Connection] = []  # of readers; append and pop are atomic

    @classmethod
    def from_config(cls, config: DatabaseConfig) -> Database:
        """Opens nothing yet; the first transaction connects."""
        url = make_url(config.url)
        if url.get_backend_name() == "sqlite":
            if (file := config.sqlite_file) is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(url, pool_size=32, max_overflow=0, pool_timeout=_BUSY_TIMEOUT_MS / 1000)
            event.listen(engine, "begin", _begin_sqlite)
            readers = create_engine(url, poolclass=NullPool)  # SQLite makes a transaction of each query by itself
            for each in (engine, readers):
                event.listen(each, "connect", _prepare_sqlite)
        else:
            engine = create_engine(url, pool_pre_ping=True)
            readers = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        return cls(engine, readers)

    @contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[Connection]:
        """A transaction that is committed on leaving and rolled back on an exception.

        `write` takes SQLite's write lock at the beginning, so that two writers queue instead of failing half-way.

        Raises:
            ApplianceError: DATABASE_UNAVAILABLE (locked, gone) or STORAGE_UNAVAILABLE (disk full, read-only).
        """
        begin = "BEGIN IMMEDIATE" if write else "BEGIN"
        try:
            with self.engine.connect().execution_options(signer_begin=begin) as connection, connection.begin():
                yield connection
        except (OperationalError, PoolTimeout) as problem:
            raise _as_appliance_error(problem) from problem

    def look_up(self, query: Select[Any], parameters: Mapping[str, object]) -> Row[Any] | None:
        """The one row that a query finds, None where there is none; sees whatever was committed before.

        By connections that are kept for this alone: to take one from the pool and to give it back costs twice the query.

        Raises:
            ApplianceError: DATABASE_UNAVAILABLE (locked, gone).
        """
        try:
            try:
                return self._read(query, parameters)
            except DBAPIError as problem:
                if not problem.connection_invalidated:
                    raise
                self._close_readers()  # the database was started anew: so are the others' connections
                return self._read(query, parameters)
        except OperationalError as problem:
            raise _as_appliance_error(problem) from problem

    def _read(self, query: Select[Any], parameters: Mapping[str, object]) -> Row[Any] | None:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._readers.connect()
        try:
            row = connection.execute(query, parameters).one_or_none()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return row

    def _close_readers(self) -> None:
        with suppress(IndexError):  # other threads may empty it at the same time
            while True:
                self._idle.pop().close()

    def close(self) -> None:
        """Closes all connections."""
        self._close_readers()
        self.engine.dispose()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # We begin transactions ourselves (see _begin_sqlite); WAL lets readers go on beside the one writer, and
    # synchronous=FULL makes a commit durable before it returns. Workers may write no temporary files elsewhere.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("signer_begin", "BEGIN"))


def _as_appliance_error(problem: DBAPIError | PoolTimeout) -> ApplianceError:
    text = str(getattr(problem, "orig", problem)).lower()
    if "full" in text or "readonly" in text or "read-only" in text or "disk i/o" in text:
        return ApplianceError(
            Reason.STORAGE_UNAVAILABLE,
            "the database can't be written",
            "Free disk space or mend the volume, then retry.",
        )
    if "locked" in text or isinstance(problem, PoolTimeout):
        return ApplianceError(
            Reason.DATABASE_UNAVAILABLE,
            "the database is locked",
            "Retry; end whatever holds the database if it goes on.",
        )
    return ApplianceError(Reason.DATABASE_UNAVAILABLE, "the database can't be reached", "Retry; see the server's log.")
