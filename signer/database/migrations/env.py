"""Alembic's entry: runs migrations on the connection that `signer.database.schema` hands over."""

from alembic import context

from signer.database.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
