"""A million rows in SQLite, reached by ODBC, against PostgreSQL, with a hundred differences spread over them.

The peer only reads: all rows of SQLite by pyodbc and all rows of PostgreSQL by psycopg, twenty thousand at a time, both
at once in two threads, in the order of their keys, and compares nothing. 1 would be a comparison that costs nothing.
"""

import sqlite3
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

from benchmarks._rows import COLUMNS, SPREAD, make_tables, measure, ours, psycopg_door
from benchmarks._servers import postgresql
from legacy_adapters.odbc import engine_for
from parity_checks.rows.side import door_of

GOAL = 0.8
_TAKEN = 20_000


def run() -> list[dict[str, object]]:
    """Measure in turns. ``ours`` and ``peer`` are seconds."""
    with postgresql() as url, tempfile.TemporaryDirectory() as folder:
        make_tables(url)
        path = Path(folder) / "old.db"
        _copy(url, path)
        connection = f"DRIVER=SQLite3;Database={path}"

        def mine() -> int:
            door = door_of(engine_for(connection, "sqlite", timeout_s=600), "old")
            return ours(door, psycopg_door(url, "new"), "old_rows", "new_rows")

        runs = (mine, lambda: _read_both(connection, url))
        return [measure("rows_odbc", "pyodbc and psycopg reading all rows, seconds", GOAL, runs, SPREAD)]


def _read_both(connection: str, url: str) -> int:
    """Read every row of both sides; answers as if it had compared them."""
    import pyodbc

    def sqlite() -> None:
        source = pyodbc.connect(connection)
        cursor = source.execute("SELECT * FROM old_rows ORDER BY id")
        while cursor.fetchmany(_TAKEN):
            pass
        source.close()

    def postgres() -> None:
        with psycopg.connect(url) as source, source.cursor(name="plain") as cursor:
            cursor.execute("SELECT * FROM new_rows ORDER BY id")
            while cursor.fetchmany(_TAKEN):
                pass

    with ThreadPoolExecutor(2) as threads:
        for reading in [threads.submit(sqlite), threads.submit(postgres)]:
            reading.result()
    return SPREAD


def _copy(url: str, path: Path) -> None:
    """``old_rows`` of PostgreSQL into SQLite, as its own applications would have written them."""
    target = sqlite3.connect(path)
    target.execute(f"CREATE TABLE old_rows ({COLUMNS.replace('numeric(10,2)', 'decimal(10,2)')})")
    with psycopg.connect(url) as source, source.cursor(name="copying") as cursor:
        cursor.execute("SELECT id, name, town, amount::float8, born::text, paid::text FROM old_rows ORDER BY id")
        while rows := cursor.fetchmany(_TAKEN):
            target.executemany("INSERT INTO old_rows VALUES (?, ?, ?, ?, ?, ?)", rows)
    target.commit()
    target.close()
