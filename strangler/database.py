"""One way to open SQLite and PostgreSQL, with the settings that make several processes safe on one store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from strangler.errors import StoreError

BUSY_TIMEOUT_S = 20.0
"""How long a writer waits for another process before it gives up."""

PAGE_BYTES = 16_384
"""Of a new SQLite file. An exchange with its bodies is a few kilobytes: at SQLite's own 4,096 most would fill a page of
their own, or spill into a chain of others; measured by ``benchmarks/journal_append.py``."""


class Database:
    """A store: readers see a consistent snapshot, writers take turns. Thread-safe.

    Args:
        url: ``sqlite:///path`` or ``postgresql://...``.
        name: what error messages call it, such as ``journal``.
        synchronous: SQLite's setting; ``FULL`` where an acknowledged write must survive a power cut.

    Raises:
        StoreError: the URL is not usable.
    """

    def __init__(self, url: str, name: str, synchronous: Literal["NORMAL", "FULL"]) -> None:
        self.name = name
        try:
            self.engine = _engine(url, synchronous)
        except (SQLAlchemyError, ImportError, OSError) as error:
            raise StoreError(f"the {name} at {_shown(url)} cannot be opened: {error}") from error
        self.url = url
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._writer = self.engine.execution_options(strangler_writes=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads.

        Raises:
            StoreError: the store cannot be read.
        """
        with self._translated("read"), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, turn: int | None = None) -> Iterator[Connection]:
        """A transaction that writes: committed at the end, or not at all.

        Args:
            turn: on PostgreSQL, writers with the same number take turns (SQLite's always do).

        Raises:
            StoreError: the store cannot be written, for instance because its disk is full.
        """
        with self._translated("written"), self._writer.begin() as connection:
            if turn is not None and not self.is_sqlite:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": turn})
            yield connection

    @contextmanager
    def _translated(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            cause = getattr(error, "orig", None) or error
            raise StoreError(f"the {self.name} at {_shown(self.url)} cannot be {verb}: {cause}") from error

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _engine(url: str, synchronous: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            if parsed.database != ":memory:" and not Path(parsed.database).exists():
                Path(parsed.database).touch(mode=0o600)  # SQLite gives its other files the mode of this one
        engine = sa.create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False})
        _prepare_sqlite(engine, synchronous)
        return engine
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return sa.create_engine(parsed, pool_pre_ping=True)


def _prepare_sqlite(engine: Engine, synchronous: str) -> None:
    """Write-ahead log, and BEGIN by us: the driver's own would take the write lock too late (SQLite, "WAL")."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        try:
            for pragma in (
                f"page_size={PAGE_BYTES}",
                "journal_mode=WAL",
                f"synchronous={synchronous}",
                "cache_size=-16000",
            ):
                connection.execute(f"PRAGMA {pragma}").close()
        except BaseException:  # it is no database: the pool never gets to know this connection
            connection.close()
            raise

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("strangler_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _shown(url: str) -> str:
    """The URL without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return "(an unreadable address)"
