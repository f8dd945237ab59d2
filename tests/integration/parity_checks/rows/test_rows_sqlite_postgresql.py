"""SQLite against PostgreSQL: every row read and merged."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from tests.integration.parity_checks.rows.conftest import fill


def test_rows_of_both_kinds_of_number_text_and_time_are_equal_and_edits_are_found(
    sqlite: sa.Engine, postgresql: sa.Engine, differences: Callable[..., list[Any]]
) -> None:
    columns = "(id integer PRIMARY KEY, name {text}, amount numeric(10,2), born date, paid timestamp)"
    rows = [(n, f"Citizen {n}", n * 1.1, f"1950-01-{n % 28 + 1:02}", f"2024-01-05 10:00:00.{n:03}") for n in range(500)]
    rows = [(n, name, round(amount, 2), born, paid) for n, name, amount, born, paid in rows]
    fill(sqlite, f"CREATE TABLE t {columns.format(text='text')}", rows=("t", rows))
    edited = [row for row in rows if row[0] != 7] + [(900, "Surplus", 1, "1950-01-01", "2024-01-05 10:00:00")]
    edited = [(*row[:2], row[2] + 0.01 if row[0] == 100 else row[2], *row[3:]) for row in edited]
    fill(postgresql, "DROP TABLE IF EXISTS t", f"CREATE TABLE t {columns.format(text='text')}", rows=("t", edited))
    assert differences(sqlite, postgresql, "id", table="t") == [
        ("changed", (100,), ("amount",)),
        ("missing", (7,), ()),
        ("surplus", (900,), ()),
    ]
