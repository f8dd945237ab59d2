"""Rows of real databases, as the effects of writes are compared by."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from strangler.cli.row_source import MOST_ROWS, SystemRows
from strangler.errors import SystemUnreachable, UsageError
from strangler.exchange import OutcomeKind
from strangler.plan.models import System
from tests.integration.parity_checks.two_sides import OWN_ID, Things, caller

TABLE = "CREATE TABLE letter (nino CHAR(9), line VARCHAR(40), pence NUMERIC(10,2), sent DATE, note VARCHAR(9))"
ROW = "INSERT INTO letter VALUES ('AB123456C', 'Señorío & Sons', 1.10, '2026-11-23', NULL)"
QUERY = "SELECT Line, pence, sent, note FROM letter WHERE nino = :key ORDER BY line"


@pytest.fixture
def source() -> Iterator[SystemRows]:
    made = SystemRows()
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql", "odbc"])
def system(request: pytest.FixtureRequest, tmp_path: Path) -> System:
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
        engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.begin() as connection:
            for statement in ("DROP TABLE IF EXISTS letter", TABLE, ROW):
                connection.execute(sa.text(statement))
        engine.dispose()
        return System(department="d", speaks="http", url="http://127.0.0.1:9", rows_connection=url)
    with sqlite3.connect(tmp_path / "rows.db") as database:
        database.execute(TABLE)
        database.execute(ROW)
    database.close()
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path}/rows.db"
        return System(department="d", speaks="http", url="http://127.0.0.1:9", rows_connection=address)
    from tests.integration.conftest import missing

    try:
        import pyodbc
    except ImportError:
        missing("unixODBC (Debian package unixodbc)")
    if "SQLite3" not in pyodbc.drivers():
        missing("the ODBC driver SQLite3 (Debian package libsqliteodbc)")
    connection_string = f"DRIVER=SQLite3;Database={tmp_path}/rows.db"
    return System(department="d", speaks="odbc", connection=connection_string, dialect="sqlite")


async def test_row_source_reads_rows_as_text(source: SystemRows, system: System) -> None:
    (row,) = await source.rows("letters", system, QUERY, "AB123456C")
    assert {name: row[name] for name in ("line", "sent", "note")} == {
        "line": "Señorío & Sons",
        "sent": "2026-11-23",
        "note": None,
    }
    assert row["pence"] in {"1.10", "1.1"}  # SQLite keeps no trailing zeros: a number rule says that they are equal
    assert await source.rows("letters", system, QUERY, "' OR 1=1 --") == []


async def test_row_source_commits_nothing(source: SystemRows, system: System) -> None:
    with pytest.raises(SystemUnreachable):
        await source.rows("letters", system, "DELETE FROM letter WHERE nino = :key", "AB123456C")
    assert len(await source.rows("letters", system, QUERY, "AB123456C")) == 1


async def test_row_source_tells_what_fails_without_any_value(source: SystemRows, system: System) -> None:
    with pytest.raises(SystemUnreachable) as failed:
        await source.rows("letters", system, "SELECT nothing FROM nowhere WHERE k = :key", "AB123456C")
    assert "AB123456C" not in str(failed.value)
    assert "letters" in str(failed.value)


async def test_row_source_refuses_what_is_not_about_one_write(source: SystemRows, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "many.db") as database:
        database.execute("CREATE TABLE t (k)")
        database.executemany("INSERT INTO t VALUES (?)", [("a",)] * (MOST_ROWS + 1))
    database.close()
    address = f"sqlite:///{tmp_path}/many.db"
    system = System(department="d", speaks="http", url="http://127.0.0.1:9", rows_connection=address)
    with pytest.raises(SystemUnreachable, match="more than 1000 rows"):
        await source.rows("many", system, "SELECT k FROM t WHERE k = :key", "a")


@pytest.mark.parametrize("address", [None, "nothing://a", "no address"])
async def test_row_source_without_a_database_says_so(source: SystemRows, address: str | None) -> None:
    system = System(department="d", speaks="http", url="http://127.0.0.1:9", rows_connection=address)
    with pytest.raises(UsageError, match="letters"):
        await source.rows("letters", system, QUERY, "a")


@pytest.mark.parametrize("is_same", [True, False])
async def test_row_source_shows_a_write_in_two_databases(
    source: SystemRows, tmp_path: Path, postgresql_url: str, *, is_same: bool
) -> None:
    with sqlite3.connect(tmp_path / "rows.db") as database:
        database.execute(TABLE)
        database.execute(ROW)
    database.close()
    engine = sa.create_engine(postgresql_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        changed = ROW if is_same else ROW.replace("Sons", "Son")
        for statement in ("DROP TABLE IF EXISTS letter", TABLE, changed):
            connection.execute(sa.text(statement))
    engine.dispose()
    rows = {"old": QUERY, "new": QUERY, "old_system": "old", "new_system": "new"}
    number = {"path": "$[*].pence", "as": "number", "why": "SQLite keeps no trailing zeros"}
    compare = {"rules": [OWN_ID, number], "settle": {"attempts": 1, "after_s": 0.02}}
    old, new = Things(lambda held: held), Things(lambda held: held)
    async with caller(tmp_path, old, new, effects=[{"name": "letters", "rows": rows}], compare=compare) as ask:
        addresses = {"old": f"sqlite:///{tmp_path}/rows.db", "new": postgresql_url}
        systems = {
            name: system.model_copy(update={"rows_connection": addresses.get(name)})
            for name, system in ask.plan.systems.items()
        }
        ask.plan = ask.plan.model_copy(update={"systems": systems})
        made = await ask.ask("t.create", "POST", "/things", {"name": "a"}, key="AB123456C")
        (outcome,) = await ask.outcomes(made, rows=source)
    found = [(one.kind.value, one.general_path, one.old, one.new) for one in outcome.differences]
    told = ("value", "effects.letters $[*].line", "Señorío & Sons", "Señorío & Son")
    assert found == ([] if is_same else [told])
    assert outcome.kind is (OutcomeKind.MATCH if is_same else OutcomeKind.MISMATCH)
