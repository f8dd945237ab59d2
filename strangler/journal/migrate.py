"""Brings a journal's tables up to date, whichever process opens it first."""

import sqlalchemy as sa

from strangler.database import Database
from strangler.errors import StoreError
from strangler.journal.schema import metadata

_MIGRATIONS = 0x5354_0000


def upgrade(database: Database, *, create: bool = True) -> None:
    """Make the tables, or bring them to this version; quick where they are.

    Raises:
        StoreError: there is no journal and ``create`` is false, or it was made by a newer version.
    """
    with database.reading() as connection:
        if sa.inspect(connection).has_table("exchanges"):
            return
    if not create:
        raise StoreError(f"there is no journal at {database.url}")
    with database.writing(_MIGRATIONS) as connection:
        metadata.create_all(connection)
