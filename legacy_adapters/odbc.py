"""Reaches an old database through its ODBC driver, under SQLAlchemy.

The drivers lie in different ways, and each is put right here:

* SQLAlchemy has no pyodbc dialect for SQLite and PostgreSQL (sqlalchemy#9958): both are made here.
* A killed connection is reported as 08S01, 57P01 or a code of the server's own, which SQLAlchemy does not know to mean
  "disconnected", so the pool would hand it out again. A ``handle_error`` listener tells it.
* ``fast_executemany`` crashes the SQLite driver and breaks MariaDB's: it stays off.
* pyodbc's own pool would sit under SQLAlchemy's: it is off.
* Two drivers of three ignore ``connection.timeout``: the server's own statement timeout is set, where there is one.
* The SQLite driver reports broken constraints as HY000: they become ``IntegrityError``.
* The SQLite driver returns NUMERIC as float: columns typed ``Numeric`` come back as ``Decimal``; see ``exact``.

``CHAR`` padding is left as it is: whether it matters is the plan's to say, not the driver's.

``mssql`` uses SQLAlchemy's own dialect. It is not tested here, as Microsoft's driver is not free to install.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Literal

from sqlalchemy import Engine, create_engine, event, exc
from sqlalchemy.connectors.pyodbc import PyODBCConnector
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import QueuePool

from legacy_adapters.contract import SystemTimeout
from strangler.errors import SystemUnreachable, UsageError

Dialect = Literal["sqlite", "postgresql", "mariadb", "mssql"]

_URLS: Mapping[str, str] = {
    "sqlite": "sqlite+pyodbc://",
    "postgresql": "postgresql+pyodbc://",
    "mariadb": "mariadb+pyodbc://",
    "mssql": "mssql+pyodbc://",
}

PACKAGES: Mapping[str, str] = {
    "sqlite": "libsqliteodbc",
    "postgresql": "odbc-postgresql",
    "mariadb": "odbc-mariadb",
    "mssql": "msodbcsql18 (from Microsoft's own repository)",
}
"""The Debian package of each dialect's driver."""

_DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "sqlite": {},
    "postgresql": {"BoolsAsChar": "0", "UseServerSidePrepare": "0"},
    "mariadb": {"CHARSET": "utf8mb4"},
    "mssql": {},
}

_DISCONNECTED = frozenset({"08S01", "08001", "08003", "08004", "08006", "08007", "57P01", "57P02", "57P03"})
_TIMED_OUT = frozenset({"HYT00", "HYT01", "57014", "70100"})
_CODES_DISCONNECTED = ("(2006)", "(2013)", "(4031)", "server has gone away", "Lost connection", "connection is closed")
_CODES_TIMED_OUT = ("(1969)", "max_statement_time", "statement timeout", "database is locked", "(1205)")


class SqliteOverOdbc(PyODBCConnector, SQLiteDialect):
    """SQLite through ``libsqliteodbc``: that driver turns date columns into dates itself, and NUMERIC into floats."""

    supports_statement_cache = True
    supports_native_decimal = False
    colspecs: Any = {}  # noqa: RUF012 - SQLAlchemy's name; the driver has made dates of dates already

    @classmethod
    def import_dbapi(cls) -> Any:
        """pyodbc, with the one attribute that SQLAlchemy's dialect asks SQLite's own module for."""
        return SimpleNamespace(**{**vars(_pyodbc()), "sqlite_version_info": (3, 40, 0)})


class PostgresqlOverOdbc(PyODBCConnector, PGDialect):
    """PostgreSQL through ``odbc-postgresql`` (psqlODBC)."""

    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """The driver module that SQLAlchemy works with."""
        return _pyodbc()


registry.register("sqlite.pyodbc", __name__, "SqliteOverOdbc")
registry.register("postgresql.pyodbc", __name__, "PostgresqlOverOdbc")


def engine_for(
    connection: str,
    dialect: Dialect,
    *,
    timeout_s: float = 10.0,
    concurrency: int = 16,
    name: str = "database",
) -> Engine:
    """An engine over the ODBC driver. It connects on first use.

    Args:
        connection: an ODBC connection string, such as ``DRIVER=SQLite3;Database=/srv/patients.db``. It is kept out of
            the engine's URL, and so out of logs: it holds a password.
        dialect: the database behind the driver.
        timeout_s: longest time for one statement, for a lock, for connecting, and for a free connection.
        concurrency: most connections at once.
        name: the system's name, for messages.

    Raises:
        UsageError: the driver that the connection names is not installed; the message names the Debian package.
    """
    pyodbc = _pyodbc()
    _check_driver(connection, dialect)
    full = _with_defaults(connection, dialect, timeout_s)

    def connect() -> Any:
        return pyodbc.connect(full, timeout=max(1, round(timeout_s)))

    engine = create_engine(
        _URLS[dialect],
        creator=connect,
        poolclass=QueuePool,
        pool_size=concurrency,
        max_overflow=0,
        pool_timeout=timeout_s,
        pool_pre_ping=True,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _limit_statements(dialect, timeout_s))
    event.listen(engine, "handle_error", _name_error)
    engine.update_execution_options(strangler_system=name)
    return engine


def plain_connection(connection: str, timeout_s: float) -> Any:
    """A connection to whatever database is behind the driver, without SQLAlchemy: nothing is known of its SQL.

    Args:
        connection: an ODBC connection string.
        timeout_s: longest time for connecting.

    Raises:
        SystemUnreachable: it cannot be connected to.
    """
    pyodbc = _pyodbc()
    try:
        return pyodbc.connect(connection, timeout=max(1, round(timeout_s)), autocommit=True)
    except pyodbc.Error as error:
        raise SystemUnreachable("database", f"it cannot be reached: {_without_secrets(str(error))}") from error


def exact(value: object, places: int) -> Decimal | None:
    """A NUMERIC column's value with its places, also where the driver made a float of it; ``None`` stays ``None``.

    A float that came from a decimal of at most 15 digits prints as that decimal again (IEEE 754 double), so nothing is
    lost by the detour; arithmetic on the float would lose it.
    """
    if value is None:
        return None
    return Decimal(repr(value) if isinstance(value, float) else str(value)).quantize(Decimal(1).scaleb(-places))


def unreachable(name: str, error: exc.DBAPIError | exc.TimeoutError) -> SystemUnreachable | None:
    """The error of ours that this database error is; ``None`` where the database did answer (a bad statement)."""
    if isinstance(error, exc.TimeoutError):
        return SystemTimeout(name, "no free database connection in time")
    state, text = _state(error.orig), _without_secrets(str(error.orig))
    if state in _TIMED_OUT or any(mark in text for mark in _CODES_TIMED_OUT):
        return SystemTimeout(name, f"the database did not finish in time [{state}]")
    if error.connection_invalidated or state in _DISCONNECTED or state in ("IM002", "IM004", "28000", "28P01"):
        return SystemUnreachable(name, f"the database cannot be reached [{state}]: {text}")
    if isinstance(error, exc.OperationalError) or (state == "HY000" and "connect" in text.lower()):
        return SystemUnreachable(name, f"the database failed [{state}]: {text}")
    return None


def _pyodbc() -> Any:
    """pyodbc, its own pool off before the first connection.

    Raises:
        UsageError: the ODBC driver manager is not installed.
    """
    try:
        import pyodbc
    except ImportError as error:
        raise UsageError(f"ODBC itself is missing ({error}); install the Debian package unixodbc") from error
    pyodbc.pooling = False
    return pyodbc


def _check_driver(connection: str, dialect: Dialect) -> None:
    found = re.search(r"(?i)(?:^|;)\s*driver\s*=\s*(\{[^}]*\}|[^;]*)", connection)
    if found is None:
        return  # a DSN: only the driver manager knows its driver
    driver = found[1].strip().strip("{}")
    installed = _pyodbc().drivers()
    if driver.startswith("/") or driver.lower() in (name.lower() for name in installed):
        return
    raise UsageError(
        f"the ODBC driver {driver!r} is not installed; installed are: {', '.join(installed) or 'none'}. "
        f"For {dialect} install the Debian package {PACKAGES[dialect]}"
    )


def _with_defaults(connection: str, dialect: Dialect, timeout_s: float) -> str:
    """The connection string with what a driver needs to be usable, where it does not say otherwise itself."""
    defaults = dict(_DEFAULTS[dialect])
    if dialect == "sqlite":
        # How long it waits for a lock, in milliseconds. The driver waits twice: once to prepare, once to execute.
        defaults["Timeout"] = str(round(timeout_s * 500))
    given = {part.partition("=")[0].strip().lower() for part in connection.split(";")}
    added = [f"{name}={value}" for name, value in defaults.items() if name.lower() not in given]
    return ";".join([connection.rstrip("; "), *added])


def _limit_statements(dialect: Dialect, timeout_s: float) -> Any:
    """A listener that sets the server's own limits on each new connection."""
    statements = {
        "postgresql": (f"SET statement_timeout = {round(timeout_s * 1000)}",),
        "mariadb": (
            f"SET SESSION max_statement_time = {timeout_s}",
            f"SET SESSION innodb_lock_wait_timeout = {max(1, round(timeout_s))}",
        ),
        "mssql": (f"SET LOCK_TIMEOUT {round(timeout_s * 1000)}",),
    }.get(dialect, ())

    def on_connect(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
        connection.commit()  # else the first rollback would take the limit away again

    return on_connect


def _name_error(context: ExceptionContext) -> None:
    """Say what the driver's error is: a lost connection, or a broken constraint."""
    error = context.original_exception
    state, text = _state(error), str(error)
    if state in _DISCONNECTED or any(code in text for code in _CODES_DISCONNECTED):
        context.is_disconnect = True
    elif state == "HY000" and "constraint failed" in text:
        raise exc.IntegrityError(context.statement, None, error, hide_parameters=True)


def _state(error: BaseException | None) -> str:
    """The SQLSTATE, which pyodbc puts first; empty where there is none."""
    first = error.args[0] if error is not None and error.args else ""
    return first if isinstance(first, str) and len(first) == 5 else ""


def _without_secrets(text: str) -> str:
    return re.sub(r"(?i)(pwd|password)\s*=\s*(\{[^}]*\}|[^;\s]*)", r"\1=***", text)


def installed_drivers() -> tuple[str, ...]:
    """The names of the ODBC drivers that this machine has.

    Raises:
        ImportError: ODBC itself (the Debian package unixodbc) is not installed.
    """
    import pyodbc

    return tuple(pyodbc.drivers())
