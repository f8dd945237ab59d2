"""What databases and old data do to values, on real servers: what is equal by type, what only by rule, what never."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from legacy_adapters.odbc import engine_for
from parity_checks.rows.reconcile import Limits, Reconciliation
from parity_checks.rows.side import Door, door_of
from parity_checks.rows.work import Strategy
from strangler.errors import UsageError
from tests.integration.parity_checks.rows.conftest import fill, reconcile, subject

Differences = Callable[..., list[Any]]

NULL_OR_EMPTY = {"as": "absence", "equal": ["null", "empty"]}


@pytest.fixture(autouse=True)
def _clean(postgresql: sa.Engine, mariadb: sa.Engine) -> Iterator[None]:
    yield
    for engine in (postgresql, mariadb):
        fill(engine, "DROP TABLE IF EXISTS t", "DROP TABLE IF EXISTS u")


def both(old: sa.Engine, new: sa.Engine, columns: tuple[str, str], rows: tuple[list[Any], list[Any]]) -> None:
    for engine, form, found in ((old, columns[0], rows[0]), (new, columns[1], rows[1])):
        fill(engine, f"CREATE TABLE t ({form})", rows=("t", found))


# PostgreSQL and MariaDB: checksums


def test_types_that_are_certain_are_equal_in_both_databases(
    postgresql: sa.Engine, mariadb: sa.Engine, tmp_path: Path
) -> None:
    fill(
        postgresql,
        "CREATE TABLE t (id bigint PRIMARY KEY, code char(6), amount numeric, rate numeric(12,4), is_open boolean, "
        "born date, paid timestamp(6), seen timestamptz, photo bytea, name text, score double precision)",
        "INSERT INTO t SELECT i, 'A' || i, (i * 7)::numeric / 10, i, i % 2 = 0, date '1950-01-01' + i, timestamp "
        "'2024-01-01' + i * interval '1.5 s', timestamptz '2024-07-01 12:00:00+01' + i * interval '1 s', "
        "decode('00ff', 'hex'), chr(233) || chr(128512) || i, i * 0.1::float8 FROM generate_series(1, 300) i",
    )
    fill(
        mariadb,
        "CREATE TABLE t (id int PRIMARY KEY, code char(6), amount decimal(20,5), rate decimal(9,2), is_open boolean, "
        "born date, paid datetime(3), seen timestamp(6) NULL, photo blob, name varchar(50), score double) "
        "CHARACTER SET utf8mb4",
        "INSERT INTO t SELECT seq, concat('A', seq), seq * 7 / 10, seq, seq % 2 = 0, date_add('1950-01-01', interval "
        "seq day), date_add('2024-01-01', interval seq * 1500000 microsecond), convert_tz(date_add("
        "'2024-07-01 11:00:00', interval seq second), '+00:00', @@session.time_zone), X'00ff', "
        "concat(char(0xc3a9 using utf8mb4), char(0xf09f9880 using utf8mb4), seq), seq * 0.1e0 FROM seq_1_to_300",
    )
    found, tally, made = reconcile(subject(postgresql, mariadb, "id", table="t"), tmp_path)
    assert found == []
    assert (tally.old_rows, tally.new_rows) == (300, 300)
    assert made.work.strategy is Strategy.CHECKSUM_RANGES


@pytest.mark.parametrize(
    ("old", "new"),
    [("1.10", "1.11"), ("1.105", "1.11"), ("0.00", None), ("-0.01", "0.01")],
)
def test_decimals_that_differ_are_found(
    postgresql: sa.Engine, mariadb: sa.Engine, differences: Differences, old: str, new: str | None
) -> None:
    columns = "id int PRIMARY KEY, amount numeric", "id int PRIMARY KEY, amount decimal(10,2)"
    both(postgresql, mariadb, columns, ([(1, old)], [(1, new)]))
    assert differences(postgresql, mariadb, "id", table="t") == [("changed", (1,), ("amount",))]


def test_null_empty_text_and_zero_date_are_one_only_by_rule(
    postgresql: sa.Engine, mariadb: sa.Engine, differences: Differences
) -> None:
    fill(mariadb, "SET sql_mode = ''", "CREATE TABLE t (id int PRIMARY KEY, note varchar(9), born date)",
         "INSERT INTO t VALUES (1, '', '0000-00-00'), (2, '   ', NULL), (3, 'x', '0000-00-00')")  # fmt: skip
    fill(postgresql, "CREATE TABLE t (id int PRIMARY KEY, note text, born date)",
         "INSERT INTO t VALUES (1, NULL, NULL), (2, '', NULL), (3, 'x', '2000-01-01')")  # fmt: skip
    assert differences(mariadb, postgresql, "id", table="t") == [
        ("changed", (1,), ("note", "born")),
        ("changed", (2,), ("note",)),
        ("changed", (3,), ("born",)),
    ]
    rules = [{"column": "note", **NULL_OR_EMPTY}, {"column": "born", **NULL_OR_EMPTY}]
    assert differences(mariadb, postgresql, "id", table="t", rules=rules) == [("changed", (3,), ("born",))]


def test_codes_money_and_yes_no_are_compared_by_their_rules_in_the_databases(
    postgresql: sa.Engine, mariadb: sa.Engine, tmp_path: Path
) -> None:
    columns = "id int PRIMARY KEY, live char(1), weekly decimal(8,2)", "id int PRIMARY KEY, live boolean, weekly int"
    old = [(1, "Y", "10.50"), (2, "N", "0.01"), (3, "y", "1.00"), (4, "?", "2.00"), (5, None, None), (6, "Y", "3.00")]
    new = [(1, True, 1050), (2, False, 1), (3, True, 100), (4, True, 200), (5, None, None), (6, True, 301)]
    both(mariadb, postgresql, columns, (old, new))
    rules: list[dict[str, Any]] = [
        {"column": "live", "as": "code", "table": {"Y": "true", "N": "false"}},
        {"column": "weekly", "as": "money", "old": "pounds", "new": "pence"},
    ]
    found, _, made = reconcile(subject(mariadb, postgresql, "id", table="t", rules=rules), tmp_path)
    assert [(finding.key, finding.columns) for finding in found] == [
        ((3,), ("live",)),
        ((4,), ("live",)),
        ((6,), ("weekly",)),
    ]
    assert made.work.strategy is Strategy.CHECKSUM_RANGES


def test_values_that_two_rows_swapped_are_found_by_both_kinds_of_hash(
    postgresql: sa.Engine, mariadb: sa.Engine, differences: Differences
) -> None:
    columns = "id int PRIMARY KEY, name varchar(20), town varchar(20)"
    old = [(1, "Ann", "Leeds"), (2, "Bob", "York"), (3, "Cat", "Hull")]
    new = [(1, "Bob", "Leeds"), (2, "Ann", "York"), (3, "Cat", "Hull")]
    both(postgresql, mariadb, (columns, columns), (old, new))
    fill(postgresql, "CREATE TABLE u (LIKE t INCLUDING ALL)", rows=("u", new))
    swapped = [("changed", (1,), ("name",)), ("changed", (2,), ("name",))]
    assert differences(postgresql, mariadb, "id", table="t") == swapped
    assert differences(postgresql, postgresql, "id", table="t", new_table="u") == swapped


def test_texts_that_only_touch_differently_are_found(
    postgresql: sa.Engine, mariadb: sa.Engine, differences: Differences
) -> None:
    columns = "id int PRIMARY KEY, a varchar(20), b varchar(20)"
    both(
        postgresql, mariadb, (columns, columns), ([(1, "x,1:", "y"), (2, None, "")], [(1, "x", ",1:y"), (2, "", None)])
    )
    assert differences(postgresql, mariadb, "id", table="t") == [
        ("changed", (1,), ("a", "b")),
        ("changed", (2,), ("a", "b")),
    ]


# Keys

AWKWARD = [
    "a",
    "A",
    "á",
    "a\u0301",
    "ß",
    "ss",
    "SS",
    "10",
    "9",
    "09",
    "é",
    "😀",
    "zz ",
    "zz",
    " zz",
    "Z",
    "_",
    "~",
    "ﬁ",
]


def test_text_keys_are_told_apart_whatever_the_collations_are(
    postgresql: sa.Engine, mariadb: sa.Engine, sqlite: sa.Engine, differences: Differences
) -> None:
    old = [(key, n) for n, key in enumerate(AWKWARD)]
    new = [(key, n + (key == "ss")) for n, key in enumerate(AWKWARD) if key != "A"] + [("Ss", 0)]
    fill(postgresql, "CREATE TABLE t (id text PRIMARY KEY, n int)", rows=("t", old))
    fill(postgresql, 'CREATE TABLE u (id text COLLATE "und-x-icu" PRIMARY KEY, n int)', rows=("u", new))
    fill(mariadb, "CREATE TABLE t (id varchar(20) COLLATE utf8mb4_bin, n int)", rows=("t", new))
    fill(sqlite, "CREATE TABLE t (id text COLLATE NOCASE, n int)", rows=("t", new))
    expected = sorted(
        [("missing", ("A",), ()), ("surplus", ("Ss",), ()), ("changed", ("ss",), ("n",))], key=lambda told: str(told[1])
    )
    assert differences(postgresql, postgresql, "id", table="t", new_table="u") == expected
    assert differences(postgresql, mariadb, "id", table="t") == expected
    assert differences(postgresql, sqlite, "id", table="t") == expected


def test_text_keys_in_a_collation_that_folds_case_find_their_own_rows_only(
    postgresql: sa.Engine, mariadb: sa.Engine, differences: Differences
) -> None:
    both(
        postgresql,
        mariadb,
        ("id text PRIMARY KEY, n int", "id varchar(20) COLLATE utf8mb4_general_ci, n int"),
        ([("a", 1), ("A", 2), ("b", 3)], [("a", 1), ("A", 5), ("B", 3)]),
    )
    assert differences(postgresql, mariadb, "id", table="t") == [
        ("changed", ("A",), ("n",)),
        ("surplus", ("B",), ()),
        ("missing", ("b",), ()),
    ]


def test_composite_keys_with_padding(postgresql: sa.Engine, mariadb: sa.Engine, differences: Differences) -> None:
    columns = (
        "dept char(4), no int, n int, PRIMARY KEY (dept, no)",
        "dept char(6) NOT NULL, no bigint NOT NULL, n int, PRIMARY KEY (no, dept)",
    )
    old = [(dept, no, 1) for dept in ("A", "B", "AB") for no in range(50)]
    new = [(dept, no, 2 if (dept, no) == ("AB", 7) else 1) for dept, no, _ in old if (dept, no) != ("A", 3)]
    both(postgresql, mariadb, columns, (old, new))
    assert differences(postgresql, mariadb, "dept,no", table="t") == [
        ("missing", ("A", 3), ()),
        ("changed", ("AB", 7), ("n",)),
    ]


def test_key_with_null_is_refused(postgresql: sa.Engine, tmp_path: Path) -> None:
    fill(postgresql, "CREATE TABLE t (id int, n int)", rows=("t", [(1, 1), (None, 2)]))
    with pytest.raises(UsageError, match="1 rows of the old side have NULL in their key"):
        reconcile(subject(postgresql, postgresql, "id", table="t"), tmp_path)


@pytest.mark.parametrize("form", ["id int, n int", "id text, n int"])
def test_duplicate_keys_are_findings_of_their_own_on_equal_tables_too(
    postgresql: sa.Engine, mariadb: sa.Engine, sqlite: sa.Engine, tmp_path: Path, form: str
) -> None:
    rows = [(n if "id int" in form else str(n), n) for n in (1, 2, 2, 3)]
    fill(postgresql, f"CREATE TABLE t ({form})", rows=("t", rows))
    fill(mariadb, f"CREATE TABLE t ({form})", rows=("t", rows))
    fill(sqlite, f"CREATE TABLE t ({form})", rows=("t", rows))
    for new in (postgresql, mariadb, sqlite):
        found, tally, _ = reconcile(subject(postgresql, new, "id", table="t"), tmp_path)
        assert [(finding.kind, finding.copies) for finding in found] == [("duplicate", (2, 2))]
        assert tally.duplicate == 1


# Whole tables


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 3), (3, 0)])
def test_empty_tables(
    postgresql: sa.Engine, mariadb: sa.Engine, sqlite: sa.Engine, *, differences: Differences, old: int, new: int
) -> None:
    for engine, count in ((postgresql, old), (mariadb, new), (sqlite, new)):
        fill(engine, "CREATE TABLE t (id int PRIMARY KEY, n int)", rows=("t", [(n, n) for n in range(count)]))
    expected = [("missing", (n,), ()) for n in range(old)] + [("surplus", (n,), ()) for n in range(new)]
    assert differences(postgresql, mariadb, "id", table="t") == expected
    assert differences(postgresql, sqlite, "id", table="t") == expected


def test_column_on_one_side_is_said_and_a_missing_pair_refused(postgresql: sa.Engine, sqlite: sa.Engine) -> None:
    fill(postgresql, "CREATE TABLE t (id int PRIMARY KEY, n int, extra int)")
    fill(sqlite, "CREATE TABLE t (id int PRIMARY KEY, N int, other int)")
    with Reconciliation(subject(postgresql, sqlite, "id", table="t")) as made:
        assert [pair.new.name for pair in made.work.columns] == ["N"]
        assert any("only old has extra" in note for note in made.work.notes)
    with pytest.raises(UsageError, match=r"new has no column 'extra'; did you mean|new has no column 'extra'; choose"):
        Reconciliation(subject(postgresql, sqlite, "id", table="t", columns={"extra": "extra"}))


def test_missing_table_is_named(postgresql: sa.Engine, sqlite: sa.Engine) -> None:
    with pytest.raises(UsageError, match="the database refuses to read nowhere"):
        Reconciliation(subject(postgresql, sqlite, "id", table="nowhere"))


def test_queries_and_renamed_columns(postgresql: sa.Engine, mariadb: sa.Engine, differences: Differences) -> None:
    fill(postgresql, "CREATE TABLE t (person int PRIMARY KEY, name text, gone boolean)",
         "INSERT INTO t VALUES (1, 'Ann 100%', false), (2, 'Bob', false), (3, 'Cat', true)")  # fmt: skip
    fill(mariadb, "CREATE TABLE t (id int PRIMARY KEY, full_name varchar(30))",
         "INSERT INTO t VALUES (1, 'Ann 100%'), (2, 'Rob')")  # fmt: skip
    found = differences(
        postgresql, mariadb, "person", table="t", columns={"person": "id", "name": "full_name"},
        old_table=None, old_query="SELECT * FROM t WHERE NOT gone AND name LIKE '%%' || '%';",
        new_table=None, new_query="SELECT * FROM t",
    )  # fmt: skip
    assert found == [("changed", (2,), ("name",))]


# Rules that only Python applies


def test_rules_beyond_sql_are_merged_and_the_other_columns_still_compared(
    postgresql: sa.Engine, mariadb: sa.Engine, tmp_path: Path
) -> None:
    columns = (
        "id int PRIMARY KEY, name varchar(40), seen datetime, n int",
        "id int PRIMARY KEY, name text, seen timestamptz, n int",
    )
    old = [(1, "O'NEILL", "2024-07-01 12:00:00", 1), (2, "ANN", "2024-01-01 12:00:00", 2), (3, "BO", None, 3)]
    new = [(1, "O'Neill", "2024-07-01 11:00:00+00", 1), (2, "Anne", "2024-01-01 12:00:00+00", 2), (3, "Bo", None, 4)]
    both(mariadb, postgresql, columns, (old, new))
    rules: list[dict[str, Any]] = [
        {"column": "name", "as": "text", "fold": "case"},
        {"column": "seen", "as": "datetime", "zone": "Europe/London"},
    ]
    found, _, made = reconcile(subject(mariadb, postgresql, "id", table="t", rules=rules), tmp_path)
    assert [(finding.key, finding.columns) for finding in found] == [((2,), ("name",)), ((3,), ("n",))]
    assert made.work.strategy is Strategy.MERGE_RANGES
    assert [(pair.old.name, pair.is_pushed) for pair in made.work.columns] == [
        ("name", False),
        ("seen", False),
        ("n", True),
    ]


def test_text_keys_of_a_driver_that_keeps_answers_are_read_in_parts(
    postgresql: sa.Engine, mariadb: sa.Engine, tmp_path: Path
) -> None:
    columns = "id varchar(9) PRIMARY KEY, name varchar(20)"
    rows = [(f"k{n}", f"Name {n}") for n in range(400)]
    both(mariadb, postgresql, (columns, columns), (rows, [(key, name.upper()) for key, name in rows[1:]]))
    rules = [{"column": "name", "as": "text", "fold": "case"}]
    what, limits = subject(mariadb, postgresql, "id", table="t", rules=rules), Limits(in_flight_s=0, kept_rows=50)
    found, tally, made = reconcile(what, tmp_path, limits)
    assert [(finding.kind, finding.key) for finding in found] == [("missing", ("k0",))]
    assert (made.work.strategy, tally.old_rows) == (Strategy.MERGE_STREAM, 400)


def test_same_amount_in_another_unit_is_found(
    postgresql: sa.Engine, mariadb: sa.Engine, sqlite: sa.Engine, differences: Differences
) -> None:
    columns = "id int PRIMARY KEY, weekly decimal(8,2)", "id int PRIMARY KEY, weekly int"
    for old in (mariadb, sqlite):
        fill(old, f"CREATE TABLE t ({columns[0]})", rows=("t", [(1, 5), (2, 5), (3, 0)]))
    fill(postgresql, f"CREATE TABLE t ({columns[1]})", rows=("t", [(1, 5), (2, 500), (3, 0)]))
    rules = [{"column": "weekly", "as": "money", "old": "pounds", "new": "pence"}]
    for old in (mariadb, sqlite):
        assert differences(old, postgresql, "id", table="t", rules=rules) == [("changed", (1,), ("weekly",))]


def test_mojibake_is_found_and_unicode_form_is_a_rule(
    postgresql: sa.Engine, sqlite: sa.Engine, differences: Differences
) -> None:
    fill(sqlite, "CREATE TABLE t (id int PRIMARY KEY, name text)", rows=("t", [(1, "Jose\u0301"), (2, "JosÃ©")]))
    fill(postgresql, "CREATE TABLE t (id int PRIMARY KEY, name text)", rows=("t", [(1, "José"), (2, "José")]))
    both_differ = [("changed", (1,), ("name",)), ("changed", (2,), ("name",))]
    assert differences(sqlite, postgresql, "id", table="t") == both_differ
    rules = [{"column": "name", "as": "text", "form": "NFC"}]
    assert differences(sqlite, postgresql, "id", table="t", rules=rules) == both_differ[1:]


def test_latin1_columns_are_compared_as_the_text_they_hold(
    postgresql: sa.Engine, mariadb: sa.Engine, differences: Differences
) -> None:
    fill(mariadb, "CREATE TABLE t (id varchar(9) PRIMARY KEY, name varchar(20)) CHARACTER SET latin1",
         "INSERT INTO t VALUES ('é1', 'José'), ('b', 'Ann')")  # fmt: skip
    fill(postgresql, "CREATE TABLE t (id text PRIMARY KEY, name text)", rows=("t", [("é1", "José"), ("b", "Anne")]))
    assert differences(mariadb, postgresql, "id", table="t") == [("changed", ("b",), ("name",))]


# Through ODBC, and databases whose SQL nobody knows


@pytest.mark.parametrize("form", ["id integer PRIMARY KEY", "id text PRIMARY KEY"])
def test_any_odbc_database_is_sorted_on_our_side(
    postgresql: sa.Engine, tmp_path: Path, sqlite: sa.Engine, differences: Differences, form: str
) -> None:
    rows = [(n if "integer" in form else f"k{n}", f"Name {n}", n * 0.5, "2024-01-05 10:00:00.5") for n in range(300)]
    fill(sqlite, f"CREATE TABLE t ({form}, name text, amount numeric(9,2), seen text)", rows=("t", rows))
    edited = [(*row[:1], "Other" if n == 9 else row[1], *row[2:]) for n, row in enumerate(rows) if n != 20]
    fill(postgresql, f"CREATE TABLE t ({form}, name text, amount numeric(9,2), seen timestamp)", rows=("t", edited))
    odbc = engine_for(f"DRIVER=SQLite3;Database={tmp_path}/old.db", "sqlite", timeout_s=30)
    known, unknown = door_of(odbc, "old"), replace(door_of(odbc, "old"), dialect="other")
    keys = (9, 20) if "integer" in form else ("k9", "k20")
    expected = sorted([("changed", (keys[0],), ("name",)), ("missing", (keys[1],), ())], key=lambda told: str(told[1]))
    for door in (known, unknown):
        assert differences(door, postgresql, "id", table="t") == expected
    odbc.dispose()


def test_postgresql_through_odbc(
    postgresql: sa.Engine, postgresql_url: str, differences: Differences, mariadb: sa.Engine
) -> None:
    from urllib.parse import urlsplit

    parts = urlsplit(postgresql_url)
    connection = f"DRIVER={{PostgreSQL Unicode}};Server=127.0.0.1;Port={parts.port};Database=postgres;UID=strangler"
    columns = "id int PRIMARY KEY, name varchar(20), paid timestamp"
    rows = [(n, f"Name {n}", "2024-01-05 10:00:00") for n in range(50)]
    fill(postgresql, f"CREATE TABLE t ({columns})", rows=("t", rows))
    fill(mariadb, f"CREATE TABLE t ({columns.replace('timestamp', 'datetime')})", rows=("t", rows[1:]))
    engine = engine_for(connection, "postgresql", timeout_s=30)
    assert differences(engine, mariadb, "id", table="t") == [("missing", (0,), ())]
    assert differences(engine, postgresql, "id", table="t") == []
    engine.dispose()


def test_unreachable_database_is_told_as_such(sqlite: sa.Engine) -> None:
    from strangler.errors import SystemUnreachable

    fill(sqlite, "CREATE TABLE t (id int)")

    def refuse() -> Any:
        raise OSError("connection refused")

    with pytest.raises(SystemUnreachable, match="new: the database cannot be reached: connection refused"):
        Reconciliation(subject(sqlite, Door("new", "postgresql", "pyformat", refuse), "id", table="t"), Limits())
