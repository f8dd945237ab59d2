"""Doors to the databases whose rows are compared: addresses, ODBC connection strings, systems of the plan."""

import re
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from legacy_adapters.odbc import Dialect, engine_for, plain_connection
from parity_checks.rows.side import Door, door_of
from strangler.errors import SystemUnreachable, UsageError
from strangler.plan.models import Plan, System
from strangler.plan.rows import RowsSide

_DIALECTS: tuple[tuple[str, Dialect], ...] = (
    ("sqlite", "sqlite"),
    ("postgres", "postgresql"),
    ("psqlodbc", "postgresql"),
    ("maria", "mariadb"),
    ("mysql", "mariadb"),
    ("sql server", "mssql"),
)
_DRIVER = re.compile(r"(?i)(?:^|;)\s*driver\s*=\s*(\{[^}]*\}|[^;]*)")


def door_for(side: RowsSide, plan: Plan | None, which: str, timeout_s: float) -> Door:
    """The door to one side of a comparison.

    Args:
        side: where the plan says it is.
        plan: the plan, where the side names a system of it.
        which: ``old`` or ``new``; what messages call a side that is no system.
        timeout_s: longest time for a statement and for connecting.

    Raises:
        UsageError: the address cannot be used.
        SystemUnreachable: there is no such SQLite file.
    """
    if side.system is None or plan is None:
        return door_at(side.connection or "", which, timeout_s)
    system: System = plan.systems[side.system]
    if system.rows_connection is not None:
        return door_at(system.rows_connection, side.system, timeout_s)
    connection, dialect = system.connection or "", system.dialect
    return _odbc(connection, side.system, timeout_s, dialect or _dialect_of(connection))


def door_at(address: str, name: str, timeout_s: float) -> Door:
    """The door to a SQLAlchemy address, or to an ODBC connection string. ``name`` is for messages.

    Raises:
        UsageError: the address cannot be used.
        SystemUnreachable: there is no such SQLite file.
    """
    if "://" not in address:
        return _odbc(address, name, timeout_s, _dialect_of(address))
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise UsageError(
            f"{name}: this is no address of a database; write one such as postgresql://host/name"
        ) from error
    if url.drivername in ("mariadb", "mysql"):
        return _odbc(_mariadb(url), name, timeout_s, "mariadb")
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).is_file():
        raise SystemUnreachable(name, f"there is no file {url.database}")
    try:
        engine = sa.create_engine(url, hide_parameters=True)
    except (ImportError, NoSuchModuleError, ArgumentError) as error:
        raise UsageError(f"{name}: nothing here speaks {url.drivername}: {error}") from error
    return door_of(engine, name)


def _odbc(connection: str, name: str, timeout_s: float, dialect: Dialect | None) -> Door:
    if dialect in ("sqlite", "postgresql", "mariadb"):
        return door_of(engine_for(connection, dialect, timeout_s=timeout_s, concurrency=2, name=name), name)
    if not connection.strip():
        raise UsageError(f"{name}: the address of its database is empty")
    return Door(name, "other", "qmark", partial(plain_connection, connection, timeout_s))


def _dialect_of(connection: str) -> Dialect | None:
    """The database behind an ODBC driver, by the driver's name."""
    found = _DRIVER.search(connection)
    driver = found[1].lower() if found else ""
    return next((dialect for mark, dialect in _DIALECTS if mark in driver), None)


def _mariadb(url: URL) -> str:
    """The ODBC connection string of a ``mariadb://`` address: the driver that this project has for it."""
    given = {
        "SERVER": url.host or "127.0.0.1",
        "PORT": url.port or 3306,
        "UID": url.username or "",
        "PWD": url.password or "",
        "DATABASE": url.database or "",
    }
    parts = [f"{name}={{{str(value).replace('}', '}}')}}}" for name, value in given.items() if value != ""]
    return ";".join(["DRIVER={MariaDB Unicode}", *parts])
