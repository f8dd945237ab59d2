"""One way to insert rows or change those that are there, on SQLite and on PostgreSQL."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

CHUNK = 500
"""How many values one condition names at most."""


def upsert(
    connection: Connection, table: sa.Table, key: Sequence[str], rows: Sequence[dict[str, Any]], changes: dict[str, str]
) -> None:
    """Insert rows, or change those that are there.

    Args:
        connection: a writing transaction.
        table: the table.
        key: the columns that make a row the same.
        rows: the rows.
        changes: column to ``add``, ``least``, ``greatest`` or ``replace``.
    """
    if not rows:
        return
    connection.execute(_statement(connection.dialect.name, table, tuple(key), tuple(changes.items())), list(rows))


@cache
def _statement(
    dialect: str, table: sa.Table, key: tuple[str, ...], changes: tuple[tuple[str, str], ...]
) -> sqlite.Insert | postgresql.Insert:
    """Made once for each way in which it is used: making it takes longer than storing the few rows of a batch."""
    is_sqlite = dialect == "sqlite"
    insert = sqlite.insert(table) if is_sqlite else postgresql.insert(table)
    least, greatest = (sa.func.min, sa.func.max) if is_sqlite else (sa.func.least, sa.func.greatest)
    values: dict[str, Any] = {}
    for column, change in changes:
        there, given = table.c[column], insert.excluded[column]
        values[column] = {
            "add": there + given,
            "least": least(there, given),
            "greatest": greatest(there, given),
            "replace": given,
        }[change]
    return insert.on_conflict_do_update(index_elements=list(key), set_=values)
