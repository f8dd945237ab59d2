"""Two databases, filled as a test says, and what a reconciliation finds in them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from pydantic import TypeAdapter

from legacy_adapters.odbc import engine_for
from parity_checks.rows.findings import RowFinding, Tally
from parity_checks.rows.progress import Results
from parity_checks.rows.reconcile import Limits, Reconciliation, Subject
from parity_checks.rows.side import Door, door_of
from strangler.plan.rows import ColumnRule
from tests.integration.legacy_adapters.conftest import mariadb_server

__all__ = ["mariadb_server"]

RULES = TypeAdapter(ColumnRule)
AT_ONCE = Limits(in_flight_s=0)


@pytest.fixture(scope="session")
def postgresql(postgresql_url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(postgresql_url.replace("postgresql:", "postgresql+psycopg:"), hide_parameters=True)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def mariadb(mariadb_server: str) -> Iterator[sa.Engine]:
    engine = engine_for(mariadb_server, "mariadb", timeout_s=30)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/old.db")
    yield engine
    engine.dispose()


def fill(engine: sa.Engine, *statements: str, rows: tuple[str, Sequence[tuple[Any, ...]]] | None = None) -> None:
    """Run statements in the database, then insert rows into a table."""
    connection = engine.raw_connection()
    cursor = connection.cursor()
    for statement in statements:
        cursor.execute(statement)
    if rows and rows[1]:
        mark = "%s" if engine.dialect.name == "postgresql" and engine.dialect.driver == "psycopg" else "?"
        marks = ", ".join([mark] * len(rows[1][0]))
        cursor.executemany(f"INSERT INTO {rows[0]} VALUES ({marks})", list(rows[1]))
    connection.commit()
    cursor.close()
    connection.close()


def subject(
    old: sa.Engine | Door,
    new: sa.Engine | Door,
    key: str,
    *,
    table: str,
    rules: Sequence[dict[str, Any]] = (),
    **more: Any,
) -> Subject:
    doors = [side if isinstance(side, Door) else door_of(side, name) for side, name in ((old, "old"), (new, "new"))]
    made = tuple((rule["column"], RULES.validate_python({"why": "for a test", **rule})) for rule in rules)
    more = {"old_table": table, "new_table": table} | more
    return Subject(doors[0], doors[1], tuple(key.split(",")), rules=made, **more)


def reconcile(
    what: Subject, folder: Path, limits: Limits = AT_ONCE, *, resume: bool = False
) -> tuple[list[RowFinding], Tally, Reconciliation]:
    """Everything that differs, in the order of keys."""
    with Reconciliation(what, limits) as made, Results(folder / "found.jsonl", made.digest, resume=resume) as results:
        tally, is_complete = made.run(results)
    assert is_complete
    lines = (folder / "found.jsonl").read_bytes().splitlines()
    found = [RowFinding.from_dict(orjson.loads(line)) for line in lines]
    assert len(found) == tally.differences
    return sorted(found, key=lambda finding: str(finding.key)), tally, made


Told = tuple[str, tuple[Any, ...], tuple[str, ...]]


@pytest.fixture
def differences(tmp_path: Path) -> Callable[..., list[Told]]:
    """What differs, in short: kind, key, columns."""

    def told(old: sa.Engine | Door, new: sa.Engine | Door, key: str, **more: Any) -> list[Told]:
        found, _, _ = reconcile(subject(old, new, key, **more), tmp_path)
        return [(finding.kind.value, finding.key, finding.columns) for finding in found]

    return told
