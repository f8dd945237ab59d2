"""The traps of each driver, on the real drivers and servers."""

import time
from datetime import date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Numeric, exc, text

from legacy_adapters.odbc import engine_for, exact, unreachable

SERVERS = pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
"""What only a server has: connections that can be killed, and limits of its own (a link's wait bounds SQLite)."""

NAMES = ["Łukasz O\u2019Neill", "Ñúñez", "張", "X"]
CLOCKS_CHANGE = datetime(2026, 3, 29, 1, 30, 0)  # noqa: DTZ001 - databases of that age know no zones
KILL = {
    "postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({})"),
    "mariadb": ("SELECT connection_id()", "KILL {}"),
}
SLEEP = {"postgresql": "SELECT pg_sleep(5)", "mariadb": "SELECT a.seq, sleep(5) FROM seq_1_to_2 a"}


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database(request):
    """Dialect and connection string of each database in turn."""
    fixture = {"sqlite": "sqlite_odbc", "postgresql": "postgresql_odbc", "mariadb": "mariadb_server"}[request.param]
    return request.param, request.getfixturevalue(fixture)


@pytest.fixture
def engine(database):
    dialect, connection = database
    engine = engine_for(connection, dialect, timeout_s=1.0, concurrency=2, name="patients")
    with engine.begin() as c:
        c.execute(text("DROP TABLE IF EXISTS patient"))
        c.execute(text(
            "CREATE TABLE patient (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL, gp CHAR(6), born DATE, "
            "weekly NUMERIC(12, 2), at TIMESTAMP NULL)"
        ))  # fmt: skip
    yield engine
    engine.dispose()


def insert(connection, **values):
    row = {"id": 1, "name": "X", "gp": None, "born": None, "weekly": None, "at": None} | values
    connection.execute(text("INSERT INTO patient VALUES (:id, :name, :gp, :born, :weekly, :at)"), row)


def test_values_survive_the_driver(engine):
    with engine.begin() as c:
        for number, name in enumerate(NAMES):
            insert(c, id=number, name=name, born=date(1940, 2, 29), weekly=Decimal("185.10"))
    with engine.connect() as c:
        rows = c.execute(text("SELECT name, born, weekly FROM patient ORDER BY id")).all()
    assert [row.name for row in rows] == NAMES
    assert {(row.born, exact(row.weekly, 2)) for row in rows} == {(date(1940, 2, 29), Decimal("185.10"))}


def test_typed_column_is_exact_with_every_driver(engine):
    with engine.begin() as c:
        insert(c, weekly=Decimal("1234567890.10"))
        statement = text("SELECT weekly FROM patient").columns(weekly=Numeric(12, 2))
        (value,) = c.execute(statement).one()
    assert (type(value), value) == (Decimal, Decimal("1234567890.10"))


def test_null_and_empty_stay_apart(engine):
    with engine.begin() as c:
        insert(c, id=1, name="")
        insert(c, id=2, gp=None)
        rows = c.execute(text("SELECT name, gp FROM patient ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [("", None), ("X", None)]


def test_char_padding_is_left_as_the_driver_gives_it(engine, database):
    with engine.begin() as c:
        insert(c, gp="A1")
        (value,) = c.execute(text("SELECT gp FROM patient")).one()
    assert value == ("A1    " if database[0] == "postgresql" else "A1")


def test_time_of_day_survives(engine):
    with engine.begin() as c:
        insert(c, at=CLOCKS_CHANGE)
        (value,) = c.execute(text("SELECT at FROM patient")).one()
    assert value == CLOCKS_CHANGE


def test_many_rows_at_once_are_whole(engine):
    """What ``fast_executemany`` crashes or garbles."""
    rows = [{"id": number, "name": NAMES[number % 4], "born": None if number % 2 else date(1940, 2, 29)}
            for number in range(200)]  # fmt: skip
    with engine.begin() as c:
        c.execute(text("INSERT INTO patient (id, name, born) VALUES (:id, :name, :born)"), rows)
        found = c.execute(text("SELECT id, name, born FROM patient ORDER BY id")).mappings().all()
    assert [dict(row) for row in found] == rows


@pytest.mark.parametrize("broken", [{"id": 1}, {"id": 2, "name": None}])
def test_broken_constraint_is_an_integrity_error(engine, broken):
    with engine.begin() as c:
        insert(c, id=1)
    with pytest.raises(exc.IntegrityError), engine.begin() as c:
        insert(c, **broken)
    with engine.connect() as c:
        assert c.execute(text("SELECT count(*) FROM patient")).scalar() == 1


def test_bad_statement_is_no_unreachable_system(engine):
    with pytest.raises(exc.DBAPIError) as caught, engine.connect() as c:
        c.execute(text("SELECT nothing FROM nowhere"))
    assert unreachable("patients", caught.value) is None


@SERVERS
def test_killed_connection_is_mended_before_anyone_sees_it(engine, database):
    own, kill = KILL[database[0]]
    with engine.connect() as victim, engine.connect() as killer:
        number = victim.execute(text(own)).scalar()
        victim.rollback()
        killer.execute(text(kill.format(number)))
    for _ in range(4):
        with engine.connect() as c:
            assert c.execute(text("SELECT 1")).scalar() == 1


@SERVERS
def test_connection_killed_in_use_fails_once_and_is_mended(engine, database):
    own, kill = KILL[database[0]]
    with engine.connect() as victim:
        number = victim.execute(text(own)).scalar()
        with engine.connect() as killer:
            killer.execute(text(kill.format(number)))
        with pytest.raises(exc.DBAPIError) as caught:
            ask_three_times(victim)
    assert caught.value.connection_invalidated
    assert "cannot be reached" in str(unreachable("patients", caught.value))
    with engine.connect() as c:
        assert c.execute(text("SELECT 1")).scalar() == 1


def ask_three_times(connection):
    """A kill takes a moment to arrive."""
    for _ in range(3):
        connection.execute(text("SELECT 1"))
        time.sleep(0.05)


@SERVERS
def test_slow_statement_is_stopped_by_the_server(engine, database):
    started = time.monotonic()
    with pytest.raises(exc.DBAPIError) as caught, engine.connect() as c:
        c.execute(text(SLEEP[database[0]])).all()
    assert "did not finish in time" in str(unreachable("patients", caught.value))
    assert time.monotonic() - started < 4


@SERVERS
def test_statement_limit_outlives_a_rollback(engine, database):
    asked = {"postgresql": "SHOW statement_timeout", "mariadb": "SELECT @@max_statement_time"}[database[0]]
    with engine.connect() as c:
        first = c.execute(text(asked)).scalar()
        c.rollback()
        assert str(c.execute(text(asked)).scalar()) == str(first)
    assert str(first) in ("1s", "1.0", "1.000000")


def test_lock_that_is_held_too_long_is_a_timeout(engine):
    with engine.begin() as c:
        insert(c, id=1)
    with engine.begin() as holder:
        holder.execute(text("UPDATE patient SET name = 'held' WHERE id = 1"))
        with pytest.raises(exc.DBAPIError) as caught, engine.begin() as waiter:
            waiter.execute(text("UPDATE patient SET name = 'late' WHERE id = 1"))
    assert "did not finish in time" in str(unreachable("patients", caught.value))


def test_no_free_connection_is_a_timeout(engine):
    with engine.connect(), engine.connect(), pytest.raises(exc.TimeoutError) as caught:
        engine.connect()
    assert "no free database connection" in str(unreachable("patients", caught.value))


def test_database_that_is_not_there_is_unreachable(database, free_port, tmp_path):
    dialect, connection = database
    if dialect == "sqlite":
        connection = f"DRIVER=SQLite3;Database={tmp_path}/no/such/folder/x.db"
    else:
        parts = [f"Port={free_port}" if part.lower().startswith("port=") else part for part in connection.split(";")]
        connection = ";".join([*parts, "PWD=secret"])
    engine = engine_for(connection, dialect, timeout_s=1.0, name="patients")
    with pytest.raises(exc.DBAPIError) as caught, engine.connect() as c:
        c.execute(text("SELECT 1"))
    told = str(unreachable("patients", caught.value))
    assert told.startswith("patients: the database")
    assert "secret" not in told
