"""``strangler rows`` as a person calls it: by the plan and without one, stopped and gone on with, and its files."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from parity_checks.rows.findings import RowFinding, RowKind
from parity_checks.rows.progress import Results
from strangler.cli import main
from strangler.evidence import rows_digest
from strangler.overview import open_session

PLAN = """\
version: 1
programme: town
systems:
  index: {{department: health, speaks: odbc, connection: "DRIVER=SQLite3;Database={old}", dialect: sqlite}}
  record: {{department: shared, speaks: http, url: "http://127.0.0.1:9", rows_connection: "sqlite:///{new}"}}
operations: {{}}
rows:
  patients:
    old: {{system: index, table: patient}}
    new: {{system: record, table: citizen}}
    key: [no]
    columns: {{no: id, name: full_name, live: active}}
    in_flight_s: 0
    rules:
      - {{column: name, as: text, fold: case, why: "the old side stores capitals"}}
      - {{column: live, as: code, table: {{Y: "1", N: "0"}}, why: "letters became booleans"}}
"""


def make(path: Path, table: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    with closing(sqlite3.connect(path)) as store:
        store.execute(f"CREATE TABLE {table} ({columns})")
        store.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        store.commit()


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two databases with 3 differences in 300 rows, and the plan that compares them."""
    old = [(n, f"CITIZEN {n}", "Y" if n % 2 else "N") for n in range(300)]
    new = [(n, f"Citizen {n}", n % 2) for n in range(1, 300)] + [(500, "Eve Surplus", 1)]
    new = [(n, "Someone Else" if n == 7 else name, live) for n, name, live in new]
    make(tmp_path / "old.db", "patient", "no INTEGER PRIMARY KEY, name TEXT, live CHAR(1)", old)
    make(tmp_path / "new.db", "citizen", "id INTEGER PRIMARY KEY, full_name TEXT, active BOOLEAN", new)
    (tmp_path / "migration.yaml").write_text(PLAN.format(old=tmp_path / "old.db", new=tmp_path / "new.db"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(["rows", *arguments])
        code = end.value.code
        out, err = capsys.readouterr()
        return (code if isinstance(code, int) else 0), out, err

    return call


def test_rows_by_the_plan_are_counted_masked_and_recorded(town: Path, told: Any) -> None:
    code, out, _ = told("patients")
    assert code == 1
    assert "3 keys differ: 1 missing, 1 surplus, 1 changed, 0 duplicate" in out
    assert "CITIZEN 7" not in out
    assert "Someone" not in out
    assert "Xxxxxxx Xxxx" in out
    results = town / ".strangler" / "reports" / "rows-patients.jsonl"
    found = {json.loads(line)["key"][0]: json.loads(line)["kind"] for line in results.read_text().splitlines()}
    assert found == {0: "missing", 7: "changed", 500: "surplus"}
    assert stat.S_IMODE(results.stat().st_mode) == 0o600
    session = open_session(town / "migration.yaml", None)
    (run,) = session.journal.row_runs("patients")
    assert (run.result["differences"], run.result["old_rows"], run.result["by_column"]) == (3, 300, {"name": 1})
    assert (run.result["plan"], run.result["resumed"]) == (rows_digest(session.plan, "patients"), False)
    assert 0 < run.result["began_at"] <= run.at
    session.close()


def test_rows_explain_says_what_is_compared_where(town: Path, told: Any) -> None:
    code, out, _ = told("patients", "--explain", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["strategy"] == "merge by key range"
    assert [(column["old"], column["compared"]) for column in document["columns"]] == [
        ("name", "here, row by row"),
        ("live", "in both databases"),
    ]
    assert not (town / ".strangler" / "reports").exists()
    assert "the old side stores capitals" in told("patients", "--explain")[1]


def test_rows_repair_mends_the_new_side(town: Path, told: Any) -> None:
    code, out, _ = told("patients", "--repair", "repair.sql", "--json")
    assert (code, json.loads(out)["repair"]) == (1, "repair.sql")
    repair = town / "repair.sql"
    assert stat.S_IMODE(repair.stat().st_mode) == 0o600
    with closing(sqlite3.connect(town / "new.db")) as store:
        store.executescript(repair.read_text().replace("-- COMMIT;", "COMMIT; --").replace("\nROLLBACK;", ""))
    code, out, _ = told("patients")
    assert (code, "no difference" in out) == (0, True)


def test_rows_without_a_plan(town: Path, told: Any) -> None:
    with closing(sqlite3.connect(town / "new.db")) as store:
        store.execute("CREATE VIEW patient AS SELECT id AS no, upper(full_name) AS name FROM citizen")
    addresses = ("--old", f"DRIVER=SQLite3;Database={town}/old.db", "--new", f"sqlite:///{town}/new.db")
    code, out, _ = told(*addresses, "--table", "patient", "--key", "no", "--json", "--results", "found.jsonl")
    document = json.loads(out)
    assert (code, document["differences"], document["by_column"]) == (1, 3, {"name": 1})


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nobody"], 2, "the plan compares no rows named 'nobody'"),
        (["--table", "patient"], 2, "name a comparison of the plan, or say all of"),
        (["--old", "nonsense", "--new", "x", "--table", "t", "--key", "id"], 4, "it cannot be reached"),
        (["--old", "sqlite:///nowhere.db", "--new", "x", "--table", "t", "--key", "id"], 4, "there is no file"),
        (["--old", "postgresql://127.0.0.1:1/x", "--new", "sqlite:///new.db", "--table", "t", "--key", "id"], 4,
         "old: the database cannot be reached"),
        (["--old", "sqlite:///old.db", "--new", "sqlite:///new.db", "--table", "patient", "--key", "no"], 2,
         "new: the database refuses to read patient"),
    ],
)  # fmt: skip
def test_rows_wrong_use_and_what_cannot_be_reached(
    town: Path, told: Any, arguments: list[str], code: int, words: str
) -> None:
    got, _, err = told(*arguments)
    assert (got, words in " ".join(err.split())) == (code, True), err


def test_rows_stop_cleanly_and_go_on(town: Path) -> None:
    command = [sys.executable, "-m", "strangler", "rows", "patients", "--rows-per-s", "256"]
    for path, table, columns in ((town / "old.db", "patient", "?, ?, 'Y'"), (town / "new.db", "citizen", "?, ?, 1")):
        with closing(sqlite3.connect(path)) as store:
            rows = [(n, f"citizen {n}") for n in range(1000, 2500)]
            store.executemany(f"INSERT INTO {table} VALUES ({columns})", rows)
            store.commit()
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=town, env=environ, **pipes)  # type: ignore[call-overload]
    state = town / ".strangler" / "reports" / "rows-patients.jsonl.state"
    until = time.monotonic() + 30
    while not state.exists() and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, "--resume goes on from here" in out) == (3, True), err
    again = subprocess.run(
        [*command[:-2], "--resume", "--json"], cwd=town, env=environ, capture_output=True, text=True, check=False
    )
    document = json.loads(again.stdout)
    assert (again.returncode, document["differences"], document["old_rows"]) == (1, 3, 1800), again.stderr


def test_rows_refuse_to_write_over_a_run_that_goes_on(town: Path, told: Any) -> None:
    path = town / "found.jsonl"
    with Results(path, "other", resume=False) as found:
        found.add(RowFinding(RowKind.MISSING, (1,)))
        got, _, err = told("patients", "--results", str(path))
        assert (got, "another run is writing" in err) == (2, True), err
        found.finished()
    assert path.read_bytes().count(b"\n") == 1


def test_rows_of_the_plan_take_no_address(town: Path, told: Any) -> None:
    got, _, err = told("patients", "--old", "sqlite:///elsewhere.db")
    assert (got, "leave out --old" in err) == (2, True), err
