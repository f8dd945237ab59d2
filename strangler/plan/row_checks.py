"""Checks of what is said about rows that must be the same on both sides."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from strangler.plan.complaint import Complaint, refusal
from strangler.plan.fields import check_regex
from strangler.plan.form import nearest
from strangler.plan.rows import ColumnCustom, ColumnId, ColumnOpaque, Rows
from strangler.plan.source import Path

if TYPE_CHECKING:
    from strangler.plan.models import Plan


def check_rows(plan: "Plan", path: Path, rows: Rows) -> Iterator[Complaint]:
    """One comparison of rows: where they are, what identifies them, and its rules."""
    for side in ("old", "new"):
        yield from _check_side(plan, (*path, side), getattr(rows, side).system)
    for index, name in enumerate(rows.key):
        if name in rows.key[:index]:
            yield refusal("key-twice", (*path, "key", index), f"{name} is named already", "remove it")
    learnt = {pair.name for operation in plan.operations.values() for pair in operation.ids.learn}
    for index, rule in enumerate(rows.rules):
        here = (*path, "rules", index)
        if rule.column in rows.key:
            message = f"{rule.column} is a key column: rules cannot be about it"
            yield refusal("rule-about-key", (*here, "column"), message, "make the key alike by 'query:'")
        elif rows.columns and rule.column not in rows.columns:
            message = f"{rule.column} is not compared"
            yield refusal("unknown-column", (*here, "column"), message, nearest(rule.column, rows.columns))
        match rule:
            case ColumnOpaque():
                yield from check_regex((*here, "like"), rule.like)
            case ColumnId() if rule.of not in learnt:
                message = f"no operation learns an id {rule.of!r}"
                yield refusal("unknown-id", (*here, "of"), message, nearest(rule.of, learnt))
            case ColumnCustom():
                yield refusal("unbuilt", here, "'custom' is not acted on for rows yet", "leave it out")


def _check_side(plan: "Plan", path: Path, name: str | None) -> Iterator[Complaint]:
    if name is None:
        return
    system = plan.systems.get(name)
    if system is None:
        fix = nearest(name, plan.systems)
        yield refusal("unknown-system", (*path, "system"), f"there is no system {name!r}", fix)
    elif system.rows_connection is None and system.connection is None:
        message = f"nobody says where the rows of {name} are"
        yield refusal("no-rows-connection", (*path, "system"), message, f"add 'rows_connection:' to systems.{name}")
