"""Where state lives: SQLite by default, PostgreSQL by URL. Tables, migrations, transactions; no rules of the business."""
