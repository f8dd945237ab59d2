"""The service's own database: SQLAlchemy Core over SQLite, or over PostgreSQL where the URL says so.

A service reads in one transaction and writes in one transaction, so that what it answers is one moment's truth and
a write with its idempotency record is stored whole or not at all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event


class Database:
    """One service's tables in one database.

    Args:
        url: an SQLAlchemy URL, such as ``sqlite:////var/lib/entitlement.db`` or ``postgresql+psycopg://...``.
        metadata: the tables; those that are missing are created.
    """

    def __init__(self, url: str, metadata: MetaData) -> None:
        self._engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
        self.is_embedded = self._engine.dialect.name == "sqlite"
        if self.is_embedded:
            _keep_to_sqlite_rules(self._engine)
        self._writer = self._engine.execution_options(**{_WRITES: True})
        with self.writing() as connection:  # two releases may start over one database at the same moment
            metadata.create_all(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction for reads: every statement in it sees the same moment."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction for writes: committed at the end, rolled back by an exception."""
        with self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()


_WRITES = "new_services_writes"


def _keep_to_sqlite_rules(engine: Engine) -> None:
    """Write-ahead log, and transactions that begin where we say so.

    The driver would begin a transaction at the first write only, and a read that turns into a write can then fail at
    once with "database is locked". A write begins with its lock instead (https://www.sqlite.org/lang_transaction.html).
    """

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA busy_timeout=5000")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
