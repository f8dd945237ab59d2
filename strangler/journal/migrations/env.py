"""Runs the migrations inside the transaction that ``strangler.journal.migrate`` has opened."""

from alembic import context

from strangler.journal.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
