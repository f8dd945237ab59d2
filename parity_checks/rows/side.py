"""One side of a reconciliation: a connection, the table or query behind it, and the statements that read it.

A connection is opened read only and in autocommit: each statement sees its own snapshot, so nothing is locked against
writers and no old row versions are kept from being cleaned up. Only SQL that ``dialects`` wrote is run.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from parity_checks.rows.columns import Column
from parity_checks.rows.dialects import Dialect, dialect_named
from parity_checks.rows.dialects.base import PLACE
from strangler.errors import StranglerError, SystemUnreachable, UsageError

Row = tuple[Any, ...]

FETCHED = 20_000
"""Rows taken from a driver at once."""

_TIMED_OUT = ("57014", "statement timeout", "max_statement_time", "(1969)", "HYT00")


@dataclass(frozen=True, slots=True)
class Door:
    """How to reach a database.

    ``connect`` returns a DB-API connection (PEP 249); ``paramstyle`` is its module's. ``dialect`` is a name that
    ``dialects.dialect_named`` knows, or any other. ``name`` is for messages: a system's name, no address.
    """

    name: str
    dialect: str
    paramstyle: str
    connect: Callable[[], Any]


def door_of(engine: Engine, name: str) -> Door:
    """A door to the database behind an engine; the engine's pool keeps the connection until it is closed."""
    dialect = engine.dialect
    return Door(name, dialect.name, str(getattr(dialect.dbapi, "paramstyle", "qmark")), engine.raw_connection)


class Side:
    """One side, connected. Not thread-safe: one thread at a time uses it.

    Args:
        door: how to reach it.
        table: the table's name, with its schema before a dot; or
        query: a SELECT.
        timeout_s: longest time for one statement, where the database has such a limit.

    Raises:
        SystemUnreachable: it cannot be connected to.
        UsageError: there is no such table, or the query fails.
    """

    def __init__(self, door: Door, *, table: str | None, query: str | None, timeout_s: float) -> None:
        self.name, self.table, self.query = door.name, table, query
        self.dialect: Dialect = dialect_named(door.dialect)
        self.relation = self.dialect.relation(table, query)
        self._mark = "%s" if door.paramstyle in ("format", "pyformat") else "?"
        self._pooled, self._connection = _connected(door)
        try:
            for statement in (*self.dialect.sessions, self.dialect.limit(timeout_s)):
                if statement:
                    self._execute(statement).close()
            self.version = self._version()
            self.columns = {column.name: column for column in self._columns()}
        except BaseException:
            self.close()
            raise

    def run(self, statement: str, *values: object) -> list[Row]:
        """All rows of a statement.

        Raises:
            SystemUnreachable: the connection broke, or the database did not finish in time.
            UsageError: the database refuses the statement.
        """
        cursor = self._execute(statement, values)
        try:
            found = cursor.fetchall() if cursor.description else []
        except Exception as error:
            raise self._told(error) from error
        finally:
            cursor.close()
        return found if not found or type(found[0]) is tuple else list(map(tuple, found))

    def stream(self, statement: str, *values: object) -> Generator[list[Row], None, None]:
        """The rows of a statement, some at a time, in bounded memory where the driver can.

        Raises:
            SystemUnreachable: the connection broke, or the database did not finish in time.
            UsageError: the database refuses the statement.
        """
        if not values and hasattr(self._connection, "pgconn"):
            yield from self._by_cursor(statement)
            return
        cursor = self._execute(statement, values)
        try:
            while True:
                try:
                    rows = cursor.fetchmany(FETCHED)
                except Exception as error:
                    raise self._told(error) from error
                if not rows:
                    return
                yield rows if type(rows[0]) is tuple else list(map(tuple, rows))
        finally:
            with suppress(Exception):
                cursor.close()

    def close(self) -> None:
        """Close the connection: it has settings of ours, so it does not go back into a pool."""
        with suppress(Exception):
            self._pooled.detach()
        with suppress(Exception):
            self._connection.close()

    def _by_cursor(self, statement: str) -> Generator[list[Row], None, None]:
        """By a cursor of the server's: psycopg would keep the whole answer, and its COPY costs Python a turn a row."""
        try:
            with self._connection.transaction(), self._connection.cursor(name="strangler_rows") as cursor:
                cursor.execute(statement)
                while rows := cursor.fetchmany(FETCHED):
                    yield rows
        except StranglerError:
            raise
        except Exception as error:
            raise self._told(error) from error

    def _execute(self, statement: str, values: Sequence[object] = ()) -> Any:
        if values:
            statement = statement.replace("%", "%%") if self._mark == "%s" else statement
            statement = statement.replace(PLACE, self._mark)
        try:
            cursor = self._connection.cursor()
            cursor.execute(statement, tuple(values)) if values else cursor.execute(statement)
        except Exception as error:
            raise self._told(error) from error
        return cursor

    def _told(self, error: Exception) -> StranglerError:
        """The error of ours that a driver's error is: is the database still there?"""
        text = " ".join(str(error).split()) or type(error).__name__
        if any(mark in text for mark in _TIMED_OUT):
            return SystemUnreachable(self.name, f"the database did not finish in time: {text}")
        try:
            cursor = self._connection.cursor()
            cursor.execute("SELECT 1")
            cursor.fetchall()
        except Exception:  # noqa: BLE001
            return SystemUnreachable(self.name, f"the connection to the database broke: {text}")
        return UsageError(f"{self.name}: the database refuses to read {self.table or 'the query'}: {text}")

    def _version(self) -> str:
        """PostgreSQL's major version, whose hash functions are one; empty elsewhere."""
        if self.dialect.name != "postgresql":
            return ""
        return str(self.run("SELECT current_setting('server_version_num')::int / 10000 || '/' || "
                            "current_setting('server_encoding')")[0][0])  # fmt: skip

    def _columns(self) -> list[Column]:
        found = self.dialect.columns(self.run, self.table) if self.table else []
        if not found:
            cursor = self._execute(f"SELECT * FROM {self.relation} WHERE 1 = 0")
            description = list(cursor.description or ())
            cursor.close()
            found = self.dialect.columns_of_query(description, self.run)
        return found


def _connected(door: Door) -> tuple[Any, Any]:
    """The pool's connection, if there is one, and the driver's own, in autocommit."""
    try:
        pooled = door.connect()
        connection = getattr(pooled, "driver_connection", pooled)
        if type(connection).__module__ == "sqlite3":
            connection.isolation_level = None
        else:
            if hasattr(connection, "pgconn"):
                connection.rollback()
            connection.autocommit = True
    except (SQLAlchemyError, OSError) as error:
        cause = getattr(error, "orig", None) or error
        raise SystemUnreachable(door.name, f"the database cannot be reached: {' '.join(str(cause).split())}") from error
    except Exception as error:
        if isinstance(error, StranglerError):
            raise
        raise SystemUnreachable(door.name, f"the database cannot be reached: {' '.join(str(error).split())}") from error
    return pooled, connection
