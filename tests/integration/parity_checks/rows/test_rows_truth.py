"""What is found is what is there: random tables, random edits, and the truth computed naively."""

import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.parity_checks.rows.conftest import fill, reconcile, subject

Row = tuple[Any, ...]

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=6)
values = st.tuples(
    st.none() | texts,
    st.none() | st.decimals(-9999, 9999, places=2),
    st.none() | st.integers(-(2**40), 2**40),
)
number_keys = st.integers(-(2**62), 2**62) | st.integers(0, 40)
text_keys = st.text(st.sampled_from("aAbBáßsS 10é😀\u0301\\'%\t\n,:"), max_size=4)
COLUMNS = "name text, amount numeric(10,2), n bigint"
MOST = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

FEWER = settings(MOST, max_examples=20)


@pytest.fixture(scope="module")
def tables(postgresql: sa.Engine, mariadb: sa.Engine) -> Iterator[sa.Engine]:
    yield postgresql
    for engine in (postgresql, mariadb):
        fill(engine, "DROP TABLE IF EXISTS truth_old", "DROP TABLE IF EXISTS truth_new")


@st.composite
def two_tables(draw: st.DrawFn, keys: st.SearchStrategy[Any]) -> tuple[dict[Any, Row], dict[Any, Row]]:
    """Rows by key, and the same after some were removed, added or changed."""
    old = draw(st.dictionaries(keys, values, max_size=30))
    new = dict(old)
    for key in draw(st.lists(st.sampled_from(sorted(old)), max_size=5)) if old else []:
        new.pop(key, None)
    new |= draw(st.dictionaries(keys, values, max_size=5))
    for key in draw(st.lists(st.sampled_from(sorted(new)), max_size=5)) if new else []:
        new[key] = draw(values)
    return old, new


def truth(old: dict[Any, Row], new: dict[Any, Row]) -> dict[tuple[Any], tuple[str, tuple[str, ...]]]:
    found: dict[tuple[Any], tuple[str, tuple[str, ...]]] = {}
    for key in old.keys() | new.keys():
        if key not in new:
            found[(key,)] = ("missing", ())
        elif key not in old:
            found[(key,)] = ("surplus", ())
        elif old[key] != new[key]:
            names = ("name", "amount", "n")
            differ = tuple(name for name, a, b in zip(names, old[key], new[key], strict=True) if a != b)
            found[(key,)] = ("changed", differ)
    return found


def found_between(old: sa.Engine, new: sa.Engine, rows: tuple[dict[Any, Row], dict[Any, Row]], key: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        for engine, table, content in ((old, "truth_old", rows[0]), (new, "truth_new", rows[1])):
            lines = [(k, *row) for k, row in content.items()]
            if engine.dialect.name == "sqlite":
                lines = [tuple(float(v) if isinstance(v, Decimal) else v for v in line) for line in lines]
            here = "varchar(9) COLLATE utf8mb4_nopad_bin" if (engine.name, key) == ("mariadb", "text") else key
            fill(engine, f"DROP TABLE IF EXISTS {table}", f"CREATE TABLE {table} (k {here} PRIMARY KEY, {COLUMNS})",
                 rows=(table, lines))  # fmt: skip
        what = subject(old, new, "k", table="truth_old", new_table="truth_new")
        findings, _, _ = reconcile(what, Path(folder))
    return {finding.key: (finding.kind.value, finding.columns) for finding in findings}


@MOST
@given(rows=two_tables(number_keys))
def test_all_differences_are_found_by_checksums_over_number_keys(
    tables: sa.Engine, rows: tuple[dict[Any, Row], dict[Any, Row]]
) -> None:
    assert found_between(tables, tables, rows, "bigint") == truth(*rows)


@MOST
@given(rows=two_tables(text_keys))
def test_all_differences_are_found_by_checksums_over_text_keys(
    tables: sa.Engine, rows: tuple[dict[Any, Row], dict[Any, Row]]
) -> None:
    assert found_between(tables, tables, rows, "text") == truth(*rows)


@MOST
@given(rows=two_tables(number_keys))
def test_all_differences_are_found_by_a_merge_over_number_keys(
    tables: sa.Engine, sqlite: sa.Engine, rows: tuple[dict[Any, Row], dict[Any, Row]]
) -> None:
    assert found_between(sqlite, tables, rows, "bigint") == truth(*rows)


@MOST
@given(rows=two_tables(text_keys))
def test_all_differences_are_found_by_a_merge_over_text_keys(
    tables: sa.Engine, sqlite: sa.Engine, rows: tuple[dict[Any, Row], dict[Any, Row]]
) -> None:
    assert found_between(sqlite, tables, rows, "text") == truth(*rows)


@FEWER
@given(rows=two_tables(number_keys))
def test_all_differences_are_found_in_mariadb_over_number_keys(
    tables: sa.Engine, mariadb: sa.Engine, rows: tuple[dict[Any, Row], dict[Any, Row]]
) -> None:
    assert found_between(tables, mariadb, rows, "bigint") == truth(*rows)


@FEWER
@given(rows=two_tables(text_keys))
def test_all_differences_are_found_in_mariadb_over_text_keys(
    tables: sa.Engine, mariadb: sa.Engine, rows: tuple[dict[Any, Row], dict[Any, Row]]
) -> None:
    assert found_between(tables, mariadb, rows, "text") == truth(*rows)
