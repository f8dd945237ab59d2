"""The plan of work: what is pushed down, what is not, and why."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from parity_checks.rows.columns import Column, Kind
from parity_checks.rows.dialects import dialect_named
from parity_checks.rows.work import Described, Strategy, Work, plan_work
from strangler.errors import UsageError
from strangler.plan.rows import ColumnRule

RULES = TypeAdapter(ColumnRule)
ID = Column("id", Kind.INTEGER, native="integer", is_nullable=False)


def side(name: str, dialect: str, *columns: Column, version: str = "") -> Described:
    version = version or ("15/UTF8" if dialect == "postgresql" else "")
    return Described(name, dialect_named(dialect), {column.name: column for column in columns}, version, is_unique=True)


def plan(
    old: tuple[str, Column], new: tuple[str, Column], *rules: dict[str, Any], version: str = "", key: Column = ID
) -> Work:
    made = [(rule["column"], RULES.validate_python({"why": "for a test", **rule})) for rule in rules]
    sides = side("old", old[0], key, old[1]), side("new", new[0], key, new[1], version=version)
    return plan_work(*sides, (key.name,), {}, made)


TEXT = Column("c", Kind.TEXT, native="text")
CHAR = Column("c", Kind.CHAR, native="character(9)")
PRICE = Column("c", Kind.NUMBER, 2, native="numeric(10,2)")
JSON = Column("c", Kind.JSON, native="json")


@pytest.mark.parametrize(
    ("old", "new", "strategy"),
    [
        (("postgresql", TEXT), ("postgresql", TEXT), Strategy.CHECKSUM_RANGES),
        (("postgresql", TEXT), ("mariadb", TEXT), Strategy.CHECKSUM_RANGES),
        (("postgresql", TEXT), ("sqlite", TEXT), Strategy.MERGE_RANGES),
        (("postgresql", TEXT), ("mssql", TEXT), Strategy.MERGE_STREAM),
    ],
)
def test_work_strategy_by_what_both_can_do(old: Any, new: Any, strategy: Strategy) -> None:
    assert plan(old, new).strategy is strategy


def test_work_text_keys_are_bucketed() -> None:
    key = Column("ref", Kind.TEXT, native="text")
    assert plan(("postgresql", PRICE), ("mariadb", PRICE), key=key).strategy is Strategy.CHECKSUM_BUCKETS


@pytest.mark.parametrize(
    ("old", "new", "version", "native"),
    [
        (TEXT, TEXT, "15/UTF8", True),
        (TEXT, TEXT, "16/UTF8", False),
        (CHAR, TEXT, "15/UTF8", False),
        (TEXT, Column("c", Kind.TEXT, native="text, folded"), "15/UTF8", False),
        (PRICE, Column("c", Kind.NUMBER, 4, native="numeric(12,4)"), "15/UTF8", True),
        (
            Column("c", Kind.MOMENT, 6, native="timestamp without time zone"),
            Column("c", Kind.MOMENT, 0, native="timestamp(0) without time zone"),
            "15/UTF8",
            False,
        ),
    ],
)
def test_work_uses_postgresql_hashes_only_where_they_mean_the_same(
    old: Column, new: Column, version: str, native: bool
) -> None:
    assert plan(("postgresql", old), ("postgresql", new), version=version).is_native is native


@pytest.mark.parametrize(
    ("rule", "column", "is_pushed"),
    [
        ({"as": "absence", "equal": ["null", "empty"]}, TEXT, True),
        ({"as": "code", "table": {"Y": "1"}}, TEXT, True),
        ({"as": "text", "trim": True}, TEXT, True),
        ({"as": "text", "fold": "case"}, TEXT, False),
        ({"as": "text", "form": "NFC"}, TEXT, False),
        ({"as": "number"}, PRICE, True),
        ({"as": "number", "within": "0.01"}, PRICE, False),
        ({"as": "money", "new": "pence"}, PRICE, True),
        ({"as": "money", "new": "pence"}, TEXT, False),
        ({"as": "datetime", "zone": "Europe/London"}, TEXT, False),
        ({"as": "opaque"}, TEXT, False),
    ],
)
def test_work_pushes_down_only_rules_that_sql_says_alike(rule: dict[str, Any], column: Column, is_pushed: bool) -> None:
    work = plan(("postgresql", column), ("mariadb", column), {"column": "c", **rule})
    assert [pair.is_pushed for pair in work.columns] == [is_pushed]
    assert work.strategy.is_checksum is is_pushed
    assert bool(work.columns[0].note) is not is_pushed


def test_work_ignored_columns_are_not_read() -> None:
    work = plan(("postgresql", TEXT), ("mariadb", TEXT), {"column": "c", "as": "ignore"})
    assert (work.columns, work.ignored) == ((), ("c",))


def test_work_json_is_compared_by_meaning() -> None:
    assert [pair.is_pushed for pair in plan(("postgresql", JSON), ("mariadb", JSON)).columns] == [False]


def test_work_server_not_in_utf8_is_sorted_here() -> None:
    work = plan(("postgresql", TEXT), ("postgresql", TEXT), version="15/LATIN1", key=Column("k", Kind.TEXT))
    assert work.strategy is Strategy.MERGE_STREAM
    assert len(work.sorts) == 1


@pytest.mark.parametrize(
    ("key", "rule", "message"),
    [
        (Column("id", Kind.FLOAT), None, "cannot be a key column"),
        (ID, {"column": "id", "as": "text", "trim": True}, "rules cannot be about it"),
        (ID, {"column": "nope", "as": "text", "trim": True}, "'nope', which is not compared"),
    ],
)
def test_work_refuses_what_cannot_be(key: Column, rule: dict[str, Any] | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan(("postgresql", TEXT), ("mariadb", TEXT), *([rule] if rule else []), key=key)
