"""Brings a database's schema up to date (Alembic) and refuses to run on another one.

Not for data migrations at run time: `serve` only checks; `signer init` and `signer database upgrade` change.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from signer.database.engine import Database
from signer.errors import ConfigurationError, Reason


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def upgrade_schema(database: Database) -> None:
    """Runs every migration that the database hasn't seen."""
    config = _alembic_config()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def schema_revision(database: Database) -> str:
    """The revision of the database's schema, once it is this program's. Raises ConfigurationError as `check_schema`."""
    head = ScriptDirectory.from_config(_alembic_config()).get_current_head()
    try:
        with database.engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except DBAPIError as problem:
        raise ConfigurationError(
            Reason.START_FAILED,
            f"the database can't be opened ({type(problem.orig).__name__})",
            "Check [database] url in the configuration.",
        ) from None
    if current != head:
        raise ConfigurationError(
            Reason.START_FAILED,
            f"the database's schema is {current or 'empty'}, this program needs {head}",
            "Back up, then run: signer database upgrade --config FILE.",
        )
    return current or ""


def check_schema(database: Database) -> None:
    """Raises ConfigurationError unless the database is at this program's schema."""
    schema_revision(database)
