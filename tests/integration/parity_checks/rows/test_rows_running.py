"""A reconciliation that is disturbed: rows on their way, a stop, a kill, a broken connection; and its repair."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from parity_checks.rows import reconcile as module
from parity_checks.rows.progress import Results
from parity_checks.rows.reconcile import Limits, Reconciliation
from parity_checks.rows.repair import Repair
from strangler.errors import SystemUnreachable, UsageError
from strangler.stages import Side
from tests.integration.parity_checks.rows.conftest import AT_ONCE, fill, reconcile, subject

ROOT = Path(__file__).parents[4]
FORM = "id int PRIMARY KEY, name text, n int"


@pytest.fixture
def tables(postgresql: sa.Engine) -> Iterator[sa.Engine]:
    """A thousand rows; the new side has 12 differences, from the first row to the last."""
    fill(
        postgresql,
        f"CREATE TABLE t ({FORM})",
        "INSERT INTO t SELECT i, 'Name ' || i, i FROM generate_series(1, 1000) i",
        f"CREATE TABLE u ({FORM})",
        "INSERT INTO u SELECT id, name, n + (id % 100 = 1)::int FROM t",
        "DELETE FROM u WHERE id = 1000",
        "INSERT INTO u VALUES (1001, 'Surplus', 0)",
        "ANALYZE",
    )
    yield postgresql
    fill(postgresql, "DROP TABLE t", "DROP TABLE u")


def keys_in(path: Path) -> list[int]:
    return [orjson.loads(line)["key"][0] for line in path.read_bytes().splitlines()]


ALL = [*range(1, 1000, 100), 1000, 1001]


# Rows on their way


def test_row_that_is_on_its_way_settles_and_a_lost_one_does_not(tables: sa.Engine, tmp_path: Path) -> None:
    late = threading.Timer(0.3, lambda: fill(tables, "INSERT INTO u SELECT * FROM t WHERE id = 1000"))
    late.start()
    what = subject(tables, tables, "id", table="t", new_table="u")
    found, tally, _ = reconcile(what, tmp_path, Limits(in_flight_s=0.8))
    late.join()
    assert sorted(finding.key[0] for finding in found) == [key for key in ALL if key != 1000]
    assert tally.settled == 1


# Stopping and going on


def test_stop_is_clean_and_resume_finds_the_rest_once(tables: sa.Engine, tmp_path: Path) -> None:
    what, path = subject(tables, tables, "id", table="t", new_table="u"), tmp_path / "found.jsonl"
    limits = Limits(in_flight_s=0, rows_per_s=256)
    steps = iter([False, True])
    with Reconciliation(what, limits) as made, Results(path, made.digest, resume=False) as results:
        made.pace = module.Pace(None)
        made.should_stop = lambda: next(steps)
        tally, is_complete = made.run(results)
    assert not is_complete
    assert tally.old_rows < 1000
    with Reconciliation(what, limits) as made, Results(path, made.digest, resume=True) as results:
        made.pace = module.Pace(None)
        tally, is_complete = made.run(results)
    assert is_complete
    assert sorted(keys_in(path)) == ALL
    assert (tally.old_rows, tally.new_rows, tally.differences) == (1000, 1000, 12)
    assert not path.with_name("found.jsonl.state").exists()
    assert path.stat().st_mode & 0o077 == 0


def test_state_of_another_comparison_is_refused(tables: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "found.jsonl"
    with Results(path, "one", resume=False) as results:
        results.save(module.Position(next=5), module.Tally(), [])
    with pytest.raises(UsageError, match="the state of another comparison"):
        Results(path, "other", resume=True)


KILLED = """
import os, sys
import sqlalchemy as sa
from pathlib import Path
from parity_checks.rows.progress import Pace, Results
from parity_checks.rows.reconcile import Limits, Reconciliation, Subject
from parity_checks.rows.side import door_of
old, new, table, other, path, after = sys.argv[1:]
engines = [sa.create_engine(url) for url in (old, new)]
what = Subject(door_of(engines[0], "old"), door_of(engines[1], "new"), ("id",), old_table=table, new_table=other)
steps = 0
def step():
    global steps
    steps += 1
    if steps == int(after):
        os.kill(os.getpid(), 9)
    return False
with Reconciliation(what, Limits(in_flight_s=0, rows_per_s=256)) as made:
    made.pace, made.should_stop = Pace(None), step
    with Results(Path(path), made.digest, resume=True) as results:
        made.saves_every_s = 0.0
        made.run(results)
"""


def test_resume_after_kill_finds_all_once(tables: sa.Engine, postgresql_url: str, tmp_path: Path) -> None:
    url = postgresql_url.replace("postgresql:", "postgresql+psycopg:")
    path = tmp_path / "found.jsonl"
    ends = []
    for after in ("2", "1", "100000"):
        command = [sys.executable, "-c", KILLED, url, url, "t", "u", str(path), after]
        ends.append(subprocess.run(command, cwd=ROOT, check=False, timeout=60).returncode)
    assert ends == [-signal.SIGKILL, -signal.SIGKILL, 0]
    assert sorted(keys_in(path)) == ALL


def test_killed_connection_is_told_and_can_be_gone_on_from(tables: sa.Engine, tmp_path: Path) -> None:
    what, path = subject(tables, tables, "id", table="t", new_table="u"), tmp_path / "found.jsonl"
    limits = Limits(in_flight_s=0, rows_per_s=256)
    with Reconciliation(what, limits) as made:
        made.pace = module.Pace(None)
        made.saves_every_s = 0.0
        steps = iter(range(100))

        def kill() -> bool:
            if next(steps) == 1:
                pid = made.sides[Side.NEW].run("SELECT pg_backend_pid()")[0][0]
                fill(tables, f"SELECT pg_terminate_backend({pid})")
            return False

        made.should_stop = kill
        with (
            pytest.raises(SystemUnreachable, match="new: the connection to the database broke"),
            Results(path, made.digest, resume=False) as results,
        ):
            made.run(results)
    with Reconciliation(what, limits) as made, Results(path, made.digest, resume=True) as results:
        made.run(results)
    assert sorted(keys_in(path)) == ALL


def test_statement_that_takes_too_long_is_told(tables: sa.Engine, tmp_path: Path) -> None:
    what = subject(tables, tables, "id", table="t", new_table="u", new_query="SELECT id, name, n FROM u, pg_sleep(3)")
    with pytest.raises((SystemUnreachable, UsageError), match="did not finish in time"):
        reconcile(
            subject(tables, tables, "id", table="t", new_table=None, new_query=what.new_query),
            tmp_path,
            Limits(timeout_s=0.3, in_flight_s=0),
        )


def test_both_sides_are_read_only(tables: sa.Engine) -> None:
    with Reconciliation(subject(tables, tables, "id", table="t", new_table="u")) as made, pytest.raises(UsageError):
        made.sides[Side.NEW].run("DELETE FROM u")


def test_rows_a_second_are_limited() -> None:
    waited: list[float] = []
    pace = module.Pace(100.0, waited.append)
    pace.took(200)
    pace.took(200)
    assert sum(waited) >= 2.0


def test_streams_go_on_after_the_last_key_that_was_done(tables: sa.Engine, sqlite: sa.Engine, tmp_path: Path) -> None:
    rows = [(f"k{n:05}", n) for n in range(45_000)]
    fill(sqlite, "CREATE TABLE s (id text PRIMARY KEY, n int)", rows=("s", rows))
    fill(
        tables,
        "CREATE TABLE s (id text PRIMARY KEY, n int)",
        "INSERT INTO s SELECT 'k' || lpad(i::text, 5, '0'), i + (i IN (7, 44444))::int "
        "FROM generate_series(0, 44999) i",
    )
    what, path = subject(sqlite, tables, "id", table="s"), tmp_path / "found.jsonl"
    with Reconciliation(what, AT_ONCE) as made, Results(path, made.digest, resume=False) as results:
        made.should_stop = lambda: True
        tally, is_complete = made.run(results)
    assert not is_complete
    assert 0 < tally.old_rows < 45_000
    with Reconciliation(what, AT_ONCE) as made, Results(path, made.digest, resume=True) as results:
        tally, is_complete = made.run(results)
    assert is_complete
    assert keys_in_text(path) == ["k00007", "k44444"]
    assert tally.old_rows == 45_000
    fill(tables, "DROP TABLE s")


def keys_in_text(path: Path) -> list[str]:
    return sorted(orjson.loads(line)["key"][0] for line in path.read_bytes().splitlines())


# Repair

AWKWARD = 'O\'Neill \\ "x" ; -- é😀\nnext'


@pytest.mark.parametrize("kind", ["postgresql", "mariadb", "sqlite"])
def test_repair_makes_the_new_side_like_the_old_one_and_does_nothing_twice(
    kind: str, postgresql: sa.Engine, mariadb: sa.Engine, sqlite: sa.Engine, tmp_path: Path
) -> None:
    new = {"postgresql": postgresql, "mariadb": mariadb, "sqlite": sqlite}[kind]
    columns = "id int PRIMARY KEY, name varchar(60), amount numeric(8,2), born date, live {}"
    old = [(1, AWKWARD, "1.50", "1950-01-31", "Y"), (2, "Bob", None, None, "N"), (3, None, "-3", "2000-02-29", "Y")]
    is_dynamic = kind == "sqlite"
    lived = (1, 0) if is_dynamic else (True, False)
    fresh = [(2, "Rob", "2", None, lived[1]), (3, "Cat", "-3", "2000-02-28", lived[1]), (4, AWKWARD, None, None, None)]
    fill(postgresql, f"CREATE TABLE r_old ({columns.format('char(1)')})", rows=("r_old", old))
    fill(new, f"CREATE TABLE r_new ({columns.format('boolean')})", rows=("r_new", fresh))
    table = {"Y": "1", "N": "0"} if kind != "postgresql" else {"Y": "true", "N": "false"}
    rules: list[dict[str, Any]] = [{"column": "live", "as": "code", "table": table}]
    what = subject(postgresql, new, "id", table="r_old", new_table="r_new", rules=rules)
    try:
        found, _, made = reconcile(what, tmp_path)
        assert [finding.kind.value for finding in found] == ["missing", "changed", "changed", "surplus"]
        repair = Repair(made.work, "r_new", made.sides[Side.NEW].dialect)
        statements = statements_of(list(repair.lines(found, ["Repair"])))
        assert [run_all(new, statements) for _ in range(2)] == [[1, 1, 1, 1], [0, 0, 0, 0]]
        assert reconcile(what, tmp_path)[0] == []
    finally:
        fill(postgresql, "DROP TABLE r_old")
        fill(new, "DROP TABLE r_new")


def test_repair_leaves_a_row_alone_that_changed_since(tables: sa.Engine, tmp_path: Path) -> None:
    found, _, made = reconcile(subject(tables, tables, "id", table="t", new_table="u"), tmp_path)
    repair = Repair(made.work, "u", made.sides[Side.NEW].dialect)
    fill(tables, "UPDATE u SET n = n + 1 WHERE id = 1", "UPDATE u SET name = 'Later' WHERE id = 1001")
    changed = run_all(tables, statements_of(list(repair.lines(found, []))))
    assert changed.count(0) == 2
    assert changed.count(1) == 10


def test_repair_says_what_it_cannot_repair(tables: sa.Engine, tmp_path: Path) -> None:
    rules: list[dict[str, Any]] = [{"column": "n", "as": "code", "table": {"5": "6"}}]
    found, _, made = reconcile(subject(tables, tables, "id", table="t", new_table="u", rules=rules), tmp_path)
    repair = Repair(made.work, "u", made.sides[Side.NEW].dialect)
    lines = list(repair.lines([finding for finding in found if finding.key == (1000,)], []))
    assert any(line.startswith("-- not repaired, no rule says what n would be") for line in lines)


def statements_of(lines: list[str]) -> list[str]:
    words = ("INSERT", "UPDATE", "DELETE")
    return [line for line in lines if line.startswith(words)]


def run_all(engine: sa.Engine, statements: list[str]) -> list[int]:
    connection = engine.raw_connection()
    cursor = connection.cursor()
    counts = []
    for statement in statements:
        cursor.execute(statement)
        counts.append(cursor.rowcount)
    connection.commit()
    connection.close()
    return counts
