"""The columns behind an operation whose old side is a database, for its coverage: those its statements name."""

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from strangler.plan.models import Plan, System

if TYPE_CHECKING:
    from parity_checks.coverage.model import Column

_WORD = re.compile(r"[A-Za-z_][\w$#]*")
_QUOTED = re.compile(r"'(?:[^']|'')*'")
_FEWEST_SHARED = 2
"""A table that the statements do not name is taken to be behind a view of theirs if it has so many of their columns."""

_TIMEOUT_S = 5.0


def columns_of(plan: Plan, operation: str) -> "tuple[Column, ...]":
    """The columns that the operation's adapter reads, as the database describes them.

    The statements of a ``RecordQuery`` or ``RecordUpdate`` name tables, or views; of a view, the table behind it is the
    one that has most of the columns. Only what the statements name is returned.

    Raises:
        NoContract: the adapter has no statements, or the database cannot be asked; the message says so.
    """
    from parity_checks.coverage import NoContract

    target = plan.operations[operation].old
    statements = list(_statements(target.adapter or ""))
    if not statements:
        raise NoContract(f"{target.adapter} does not say which columns it reads: it is no RecordQuery or RecordUpdate")
    words = {word.lower() for text in statements for word in _WORD.findall(_QUOTED.sub(" ", text))}
    tables = _tables(target.system, plan.systems[target.system])
    return tuple(column for table in _behind(tables, words) for column in tables[table] if column.name.lower() in words)


def _statements(reference: str) -> Iterator[str]:
    from parity_checks.coverage import NoContract

    module, _, attribute = reference.partition(":")
    try:
        found: Any = getattr(importlib.import_module(module), attribute)
    except Exception as error:
        raise NoContract(f"{reference} cannot be imported: {type(error).__name__}: {error}") from error
    for name in ("statement", "then"):
        if isinstance(text := getattr(found, name, None), str):
            yield text
    if isinstance(more := getattr(found, "more", None), Mapping):
        yield from more.values()
    if isinstance(several := getattr(found, "statements", None), Sequence):
        yield from several


def _tables(name: str, system: System) -> "dict[str, list[Column]]":
    from sqlalchemy import exc, inspect

    from legacy_adapters.odbc import engine_for
    from parity_checks.coverage import NoContract
    from parity_checks.coverage.model import Column

    engine = engine_for(
        system.connection or "", system.dialect or "sqlite", timeout_s=_TIMEOUT_S, concurrency=1, name=name
    )
    try:
        inspector = inspect(engine)
        return {
            table: [
                Column(table, column["name"], bool(column["nullable"]), getattr(column["type"], "length", None))
                for column in inspector.get_columns(table)
            ]
            for table in sorted(inspector.get_table_names())
        }
    except exc.SQLAlchemyError as error:
        told = getattr(error, "orig", None) or error
        raise NoContract(f"the columns of {name} cannot be read: {str(told)[:200]}", may_pass=True) from error
    finally:
        engine.dispose()


def _behind(tables: "Mapping[str, Sequence[Column]]", words: set[str]) -> list[str]:
    """The tables that statements with these words read: those named, then those that must be behind their views."""
    names = {table: {column.name.lower() for column in columns} for table, columns in tables.items()}
    chosen = [table for table in tables if table.lower() in words]
    left = (words & {name for each in names.values() for name in each}) - {
        name for table in chosen for name in names[table]
    }
    while left:
        best = max(
            (table for table in tables if table not in chosen), key=lambda one: len(names[one] & left), default=""
        )
        if not best or len(names[best] & left) < _FEWEST_SHARED:
            break
        chosen.append(best)
        left -= names[best]
    return chosen
