"""Where state lives: SQLite by default, PostgreSQL by URL. Tables, migrations, transactions; no rules of the business."""

from signer.database.engine import Database, DatabaseConfig

__all__ = ["Database", "DatabaseConfig"]
