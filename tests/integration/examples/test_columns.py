"""The columns behind the patient index's operations, on each of the databases that it can be in."""

from typing import Any

import pytest

from examples.elderly_care.estate.health.fill import fill
from examples.elderly_care.population import citizens
from parity_checks.coverage import NoContract
from strangler.cli.columns import columns_of
from strangler.plan.models import Plan

ADAPTERS = "examples.elderly_care.adapters"


def plan(connection: str, dialect: str, adapter: str) -> Plan:
    index = {"department": "health", "speaks": "odbc", "connection": connection, "dialect": dialect}
    operation = {
        "effect": "read",
        "match": {"path": {"value": "/x"}},
        "old": {"system": "index", "adapter": adapter},
        "new": "new",
        "gates": {"coverage": {}},
    }
    new = {"department": "shared", "speaks": "http", "url": "http://127.0.0.1:9"}
    systems = {"index": index, "new": new}
    return Plan.model_validate({"version": 1, "programme": "p", "systems": systems, "operations": {"x.get": operation}})


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def index(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A filled index: its connection string and dialect."""
    connection: Any = request.getfixturevalue(f"{request.param}_odbc")
    fill(connection, request.param, list(citizens(20)))
    return connection, request.param


def test_columns_are_those_that_the_adapters_statements_name(index: tuple[str, str]) -> None:
    found = columns_of(plan(*index, f"{ADAPTERS}:get_care_plan"), "x.get")
    by_table: dict[str, dict[str, tuple[bool, int | None]]] = {}
    for column in found:
        by_table.setdefault(column.table, {})[column.name] = (column.is_nullable, column.length)
    assert list(by_table) == ["care_plan", "plan_review", "plan_contact"]
    assert by_table["care_plan"] == {
        "nhs_number": (False, 10),
        "opened_on": (False, 8),
        "weekly_hours": (False, 5),
        "dependency": (False, 1),
        "lives_alone": (False, 1),
        "note": (True, 200),
    }
    assert by_table["plan_review"]["remark"] == (True, 200)


def test_columns_behind_a_view_are_those_of_the_table_that_has_most_of_them(index: tuple[str, str]) -> None:
    found = columns_of(plan(*index, f"{ADAPTERS}:find_patient"), "x.get")
    assert {column.table for column in found} == {"patient"}
    assert {column.name for column in found if column.is_nullable} == {"address_2", "address_3", "address_4"}


@pytest.mark.parametrize(
    ("adapter", "why"),
    [
        (f"{ADAPTERS}:update_contact", "does not say which columns it reads"),
        (f"{ADAPTERS}:nonsense", "cannot be imported: AttributeError"),
        ("nonsense.nowhere:x", "cannot be imported: ModuleNotFoundError"),
    ],
)
def test_adapter_without_statements_has_no_contract(adapter: str, why: str) -> None:
    with pytest.raises(NoContract, match=why):
        columns_of(plan("DRIVER=SQLite3;Database=/nowhere", "sqlite", adapter), "x.get")


def test_database_that_cannot_be_asked_has_no_contract() -> None:
    nowhere = "DRIVER=PostgreSQL Unicode;Server=127.0.0.1;Port=9;Database=x;Uid=x"
    with pytest.raises(NoContract, match="the columns of index cannot be read") as caught:
        columns_of(plan(nowhere, "postgresql", f"{ADAPTERS}:get_care_plan"), "x.get")
    assert caught.value.may_pass
