"""Brings a journal's tables up to date, whichever process opens it first.

Alembic is loaded only where there is something to do: commands that find the journal at ``HEAD`` stay quick.
"""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from strangler.database import Database
from strangler.errors import StoreError

HEAD = "0002"
"""The newest version in ``migrations``."""

MIGRATIONS = Path(__file__).with_name("migrations")

_TURN = 0x5354_0000
_UNVERSIONED = ""


def upgrade(database: Database, *, create: bool = True) -> None:
    """Make the tables, or bring them to this version.

    Raises:
        StoreError: there is no journal and ``create`` is false, or a newer version of ours made it.
    """
    with database.reading() as connection:
        found = version(connection)
    if found == HEAD:
        return
    if found is None and not create:
        raise StoreError(f"there is no journal at {database.url}")
    with database.writing(_TURN) as connection:
        _run(connection, version(connection))


def version(connection: Connection) -> str | None:
    """The version of the journal's tables; ``None`` where there are none."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return _UNVERSIONED if found is None else str(found)


def _run(connection: Connection, found: str | None) -> None:
    if found == HEAD:
        return  # another process was first
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        command.upgrade(config, HEAD)
    except CommandError as error:
        raise StoreError(f"the journal is of version {found}, which this strangler does not know: {error}") from error
