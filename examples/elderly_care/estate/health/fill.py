"""Making and filling the patient index through its ODBC driver: there is no other way in."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, inspect

from examples.elderly_care.estate.health import rows
from examples.elderly_care.population import Citizen
from legacy_adapters.odbc import Dialect, engine_for

HERE = Path(__file__).parent
DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgresql", "mariadb")
MOST_VALUES = 900
"""Values in one statement: under SQLite's old limit of 999. A round trip for each row is what makes ODBC slow."""


def fill(connection: str, dialect: Dialect, citizens: Sequence[Citizen]) -> int:
    """Make the schema and take on the citizens, in one transaction (MariaDB commits each table it makes).

    Args:
        connection: an ODBC connection string.
        dialect: which database is behind it, one of ``DIALECTS``.
        citizens: whom to take on.

    Returns:
        How many rows went in: 0 where the index was filled before.

    Raises:
        UsageError: the ODBC driver is not installed.
        sqlalchemy.exc.DBAPIError: the database cannot be reached, or refuses.
    """
    engine = engine_for(connection, dialect, timeout_s=60, concurrency=1, name="patient-index")
    try:
        with engine.begin() as database:
            if is_filled(database):
                return 0
            for statement in statements(dialect):
                database.exec_driver_sql(statement)
            return (
                _insert(database, "care_plan", rows.care_plans(citizens))
                + _insert(database, "plan_contact", rows.contacts(citizens))
                + _insert(database, "plan_review", rows.reviews(citizens))
                + _insert(database, "patient", rows.patients(citizens))
            )
    finally:
        engine.dispose()


def is_filled(database: Connection) -> bool:
    """Whether patients are held. Patients go in last, so a filling that was cut short does not count."""
    if not inspect(database).has_table("patient"):
        return False
    return bool(database.exec_driver_sql("SELECT count(*) FROM patient").scalar())


def statements(dialect: str) -> Iterator[str]:
    """The schema's statements, comments removed."""
    text = (HERE / f"schema.{dialect}.sql").read_text("utf-8")
    code = "\n".join(line.partition("--")[0].rstrip() for line in text.splitlines())
    return (part.strip() for part in code.split(";\n") if part.strip())


def _insert(database: Connection, table: str, content: Iterable[rows.Row]) -> int:
    width = rows.COLUMNS[table].count(",") + 1
    row_marks = "(" + ", ".join("?" * width) + ")"
    source, written = iter(content), 0
    while batch := list(islice(source, MOST_VALUES // width)):
        marks = ", ".join([row_marks] * len(batch))
        values = tuple(value for row in batch for value in row)
        database.exec_driver_sql(f"INSERT INTO {table} ({rows.COLUMNS[table]}) VALUES {marks}", values)
        written += len(batch)
    return written
