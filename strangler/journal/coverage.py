"""Which items of the old side's contract the evidence has shown: what was expected, and what was seen.

What is expected is stored by plan entry, what was seen by fingerprint. An item that is no longer expected stays stored
and counts no more. Nothing personal is in an item: its text comes from the contract, never from a body.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from strangler.evidence import CoverageEvidence
from strangler.exchange import Judged, OutcomeKind
from strangler.journal import schema

_COMPARED = frozenset({OutcomeKind.MATCH, OutcomeKind.ACCEPTED, OutcomeKind.NOISE, OutcomeKind.MISMATCH})


@dataclass(frozen=True, slots=True)
class SeenItem:
    """One expected item. ``first_at`` (seconds since the epoch) and ``example`` are ``None`` where it was never seen.

    ``example`` is the id of the first exchange that showed it; its body may have expired since.
    """

    item: str
    first_at: float | None
    example: str | None


def expect(
    connection: Connection, operation: str, entry: str, items: Collection[str], *, source: str, trouble: str, now: float
) -> None:
    """Store what a plan entry's contract holds, in place of what was stored for it.

    A contract that could not be read (``trouble``) leaves the items that were read before.
    """
    s = schema.contract_source.c
    connection.execute(sa.delete(schema.contract_source).where(s.operation == operation, s.entry == entry))
    told = {"operation": operation, "entry": entry, "source": source, "trouble": trouble, "at": now}
    connection.execute(sa.insert(schema.contract_source), [told])
    if trouble:
        return
    c = schema.contract.c
    chosen = sa.select(c.item).where(c.operation == operation, c.entry == entry)
    before = set(connection.scalars(chosen))
    gone = before - set(items)
    if gone:
        one = sa.delete(schema.contract).where(
            c.operation == operation, c.entry == entry, c.item == sa.bindparam("the_item")
        )
        connection.execute(one, [{"the_item": item} for item in sorted(gone)])
    rows = [{"operation": operation, "entry": entry, "item": item} for item in sorted(set(items) - before)]
    if rows:
        connection.execute(sa.insert(schema.contract), rows)


def store_covered(connection: Connection, fresh: Iterable[tuple[Judged, str]], now: float) -> None:
    """Store the items that these results show, each with its operation. What is stored already stays as it is.

    Only what was compared shows anything: else nobody knows what the new side makes of it.
    """
    found: dict[tuple[str, str, str], str] = {}
    for result, operation in fresh:
        if result.covered and result.outcome.kind in _COMPARED and result.outcome.fingerprint:
            for item in result.covered:
                found.setdefault((operation, result.outcome.fingerprint, item), result.exchange_id)
    if not found:
        return
    table = schema.coverage
    insert = sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
    rows = [
        {"operation": operation, "fingerprint": fingerprint, "item": item, "first_at": now, "example": example}
        for (operation, fingerprint, item), example in sorted(found.items())
    ]
    connection.execute(insert.on_conflict_do_nothing(), rows)


def coverage(connection: Connection, operation: str, entry: str, fingerprint: str) -> CoverageEvidence | None:
    """What was expected and seen; ``None`` where no worker has looked at this plan entry's contract yet."""
    s = schema.contract_source.c
    chosen = sa.select(s.source, s.trouble).where(s.operation == operation, s.entry == entry)
    told = connection.execute(chosen).one_or_none()
    if told is None:
        return None
    items = seen_items(connection, operation, entry, fingerprint)
    unseen = tuple(item.item for item in items if item.example is None)
    v = schema.coverage.c
    others = sa.select(sa.func.count(sa.distinct(v.item))).where(v.operation == operation, v.fingerprint != fingerprint)
    return CoverageEvidence(
        expected=len(items),
        seen=len(items) - len(unseen),
        unseen=unseen,
        source=told.source,
        trouble=told.trouble,
        elsewhere=int(connection.scalar(others) or 0),
    )


def seen_items(connection: Connection, operation: str, entry: str, fingerprint: str) -> list[SeenItem]:
    """Every item that is expected of a plan entry, sorted, with where it was first seen under this fingerprint."""
    c, v = schema.contract.c, schema.coverage.c
    same = sa.and_(v.operation == c.operation, v.item == c.item, v.fingerprint == fingerprint)
    chosen = (
        sa.select(c.item, v.first_at, v.example)
        .select_from(schema.contract.outerjoin(schema.coverage, same))
        .where(c.operation == operation, c.entry == entry)
    )
    found = [SeenItem(row.item, row.first_at, row.example) for row in connection.execute(chosen)]
    return sorted(found, key=lambda item: item.item)
