"""What a plan says about rows that must be the same on both sides."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from strangler.errors import PlanError
from strangler.plan.loader import LoadedPlan, parse_plan

SYSTEMS: dict[str, Any] = {
    "index": {"department": "health", "speaks": "odbc", "connection": "DRIVER=SQLite3;Database=x", "dialect": "sqlite"},
    "record": {
        "department": "shared",
        "speaks": "http",
        "url": "http://127.0.0.1:7201",
        "rows_connection": "postgresql://h/d",
    },
    "bare": {"department": "shared", "speaks": "http", "url": "http://127.0.0.1:7202", "serves": ["/bare"]},
}
ROWS: dict[str, Any] = {
    "old": {"system": "index", "table": "patients"},
    "new": {"system": "record", "query": "SELECT id, name FROM people"},
    "key": ["id"],
    "rules": [{"column": "name", "as": "text", "fold": "case", "why": "the old side stores capitals"}],
}


def load(**changes: Any) -> LoadedPlan:
    plan = {"version": 1, "programme": "p", "systems": SYSTEMS, "operations": {}, "rows": {"patients": ROWS | changes}}
    return parse_plan(yaml.safe_dump(plan), Path("migration.yaml"), {})


def refused(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(PlanError) as caught:
        load(**changes)
    return [(problem.code, problem.key) for problem in caught.value.problems]


def test_rows_load_and_their_systems_count_as_used() -> None:
    loaded = load()
    assert loaded.warnings == ()
    rule = loaded.plan.rows["patients"].rules[0]
    assert (rule.column, rule.path) == ("name", "name")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"old": {"system": "indexx", "table": "t"}}, ("unknown-system", "rows.patients.old.system")),
        ({"old": {"system": "bare", "table": "t"}}, ("no-rows-connection", "rows.patients.old.system")),
        ({"old": {"system": "index"}}, ("bad-value", "rows.patients.old")),
        ({"old": {"table": "t"}}, ("bad-value", "rows.patients.old")),
        ({"key": ["id", "id"]}, ("key-twice", "rows.patients.key[1]")),
        ({"key": ["name"]}, ("rule-about-key", "rows.patients.rules[0].column")),
        ({"columns": {"born": "born"}}, ("unknown-column", "rows.patients.rules[0].column")),
        (
            {"rules": [{"column": "ref", "as": "id", "of": "case", "why": "each its own"}]},
            ("unknown-id", "rows.patients.rules[0].of"),
        ),
        (
            {"rules": [{"column": "ref", "as": "opaque", "like": "(", "why": "each its own"}]},
            ("bad-regex", "rows.patients.rules[0].like"),
        ),
        (
            {"rules": [{"path": "$.name", "as": "ignore", "why": "no column"}]},
            ("bad-value", "rows.patients.rules[0].ignore"),
        ),
    ],
)
def test_rows_are_refused_with_the_place(changes: dict[str, Any], problem: tuple[str, str]) -> None:
    assert problem in refused(**changes)
