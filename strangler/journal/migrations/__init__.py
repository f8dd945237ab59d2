"""Alembic migrations of the journal, one file for each version; ``strangler.journal.migrate`` runs them."""
