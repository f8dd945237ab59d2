"""A million rows with a hundred differences spread over them, PostgreSQL to MariaDB, beside reladiff."""

import tempfile
from pathlib import Path

import psycopg

from benchmarks._rows import SPREAD, make_tables, measure, ours, psycopg_door, reladiff
from benchmarks._servers import mariadb, postgresql
from legacy_adapters.odbc import engine_for
from parity_checks.rows.side import Door, door_of

GOAL = 4.0
_COLUMNS = "id int PRIMARY KEY, name varchar(60), town varchar(40), amount decimal(10,2), born date, paid datetime(6)"


def run() -> list[dict[str, object]]:
    """Measure in turns. ``ours`` and ``peer`` are seconds."""
    with postgresql() as url, mariadb() as port:
        make_tables(url)
        _copy(url, port)
        there = {
            "driver": "mysql",
            "host": "127.0.0.1",
            "port": port,
            "user": "root",
            "password": "",
            "database": "bench",
        }
        runs = (
            lambda: ours(psycopg_door(url, "old"), _door(port), "old_rows", "new_rows"),
            lambda: reladiff(url, there, "old_rows", "new_rows"),
        )
        return [measure("rows_mariadb", "reladiff, hashdiff, seconds", GOAL, runs, SPREAD)]


def _connection(port: int) -> str:
    return f"DRIVER={{MariaDB Unicode}};SERVER=127.0.0.1;PORT={port};UID=root;DATABASE=bench"


def _door(port: int) -> Door:
    return door_of(engine_for(_connection(port), "mariadb", timeout_s=600), "new")


def _copy(url: str, port: int) -> None:
    """``new_rows`` of PostgreSQL, with its differences, into MariaDB."""
    import pyodbc

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.tsv"
        statement = "COPY (SELECT * FROM new_rows ORDER BY id) TO STDOUT"
        with psycopg.connect(url) as source, path.open("wb") as file, source.cursor().copy(statement) as copy:
            for block in copy:
                file.write(block)
        target = pyodbc.connect(f"{_connection(port)};CHARSET=utf8mb4;ENABLE_LOCAL_INFILE=1", autocommit=True)
        target.execute(f"CREATE TABLE new_rows ({_COLUMNS}) CHARACTER SET utf8mb4")
        target.execute(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE new_rows")
        target.execute("ANALYZE TABLE new_rows").fetchall()
        target.close()
