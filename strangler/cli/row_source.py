"""Rows of systems' databases, for the effects of writes: through ODBC, or by the SQLAlchemy address in the plan."""

import asyncio
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Engine, exc

from strangler.errors import SystemUnreachable, UsageError
from strangler.plan.models import System

MOST_ROWS: Final = 1_000
"""Most rows that one write is taken to have left; a query that finds more is not about one write."""


class SystemRows:
    """Reads rows; one pool of connections for each database, made when it is first asked."""

    def __init__(self) -> None:
        self._engines: dict[tuple[str | None, str | None, str | None], Engine] = {}

    async def rows(self, name: str, system: System, query: str, key: str) -> list[dict[str, str | None]]:
        """The rows of a query, columns by name in small letters, values as text. Nothing is ever committed.

        Args:
            name: the system's name, for messages.
            system: how its database is reached.
            query: SQL in which ``:key`` stands for the key.
            key: the write's key.

        Raises:
            SystemUnreachable: the database cannot be reached, or refuses the query.
            UsageError: the system names no database, or no driver for it is installed.
        """
        engine = self._engine(name, system)
        return await asyncio.to_thread(partial(_read, engine, name, query, key))

    def close(self) -> None:
        """Close every connection."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()

    def _engine(self, name: str, system: System) -> Engine:
        known = (system.rows_connection, system.connection, system.dialect)
        engine = self._engines.get(known)
        if engine is None:
            engine = self._engines[known] = _engine(name, system)
        return engine


def _engine(name: str, system: System) -> Engine:
    if system.rows_connection is not None:
        try:
            address = sa.make_url(system.rows_connection)
            if address.drivername == "postgresql":
                address = address.set(drivername="postgresql+psycopg")
            return sa.create_engine(address, pool_pre_ping=True, hide_parameters=True)
        except (exc.SQLAlchemyError, ImportError) as error:
            raise UsageError(f"{name}: its rows_connection cannot be used ({type(error).__name__})") from error
    if system.connection is None or system.dialect is None:
        raise UsageError(f"{name}: it needs rows_connection, or connection with dialect, for its rows to be read")
    from legacy_adapters.odbc import engine_for

    return engine_for(
        system.connection, system.dialect, timeout_s=system.timeout_s, concurrency=min(system.concurrency, 4), name=name
    )


def _read(engine: Engine, name: str, query: str, key: str) -> list[dict[str, str | None]]:
    try:
        with engine.connect() as connection:
            found = connection.execute(sa.text(query), {"key": key})
            columns = [column.lower() for column in found.keys()]  # noqa: SIM118  a result is no dict
            rows = found.fetchmany(MOST_ROWS + 1)
            connection.rollback()
    except (exc.SQLAlchemyError, OSError) as error:
        told = type(getattr(error, "orig", None) or error).__name__
        raise SystemUnreachable(name, f"its rows cannot be read ({told})") from error
    if len(rows) > MOST_ROWS:
        raise SystemUnreachable(name, f"more than {MOST_ROWS} rows: the query is not about one write")
    return [{column: _text(value) for column, value in zip(columns, row, strict=True)} for row in rows]


def _text(value: Any) -> str | None:  # noqa: PLR0911  one line per type
    """A value as it would be written by hand; numbers with all their digits."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case float():
            return repr(value)
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return str(value)
