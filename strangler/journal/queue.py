"""The work queue inside the journal: claim, renew, release.

A caller's requests stay in order: while one worker holds any exchange of a key, no other worker gets that key, in
whatever operation. A claim is a lease, so a killed worker's exchanges come back by themselves; nothing is lost, and
nothing is held by two workers at once.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from strangler.journal.records import State
from strangler.journal.schema import exchanges

_x = exchanges.c
_WAITING: sa.ColumnElement[str] = sa.literal_column("'waiting'")
_CLAIMED: sa.ColumnElement[str] = sa.literal_column("'claimed'")
"""Literals, because SQLite uses a partial index only where it can see the value."""


def is_unfinished() -> sa.ColumnElement[bool]:
    """The condition for exchanges that have no outcome yet, as the partial index has it."""
    return _x.state.in_((_WAITING, _CLAIMED))


def _claim_statement() -> sa.Update:
    """Made once. PostgreSQL works the choice out once, because it locks the rows ("WITH Queries", 7.8.3)."""
    worker: sa.BindParameter[str] = sa.bindparam("the_worker", type_=sa.String())
    now: sa.BindParameter[float] = sa.bindparam("the_time", type_=sa.Double())
    held = exchanges.alias("held")
    is_free = sa.or_(_x.state == _WAITING, sa.and_(_x.state == _CLAIMED, _x.lease_until < now))
    is_held_elsewhere = sa.exists().where(
        held.c.key_digest == _x.key_digest,
        held.c.state == _CLAIMED,
        held.c.worker != worker,
        held.c.lease_until >= now,
    )
    chosen = (
        sa.select(_x.seq)
        .where(is_unfinished(), is_free, sa.not_(is_held_elsewhere))
        .order_by(_x.at, _x.seq)
        .limit(sa.bindparam("the_most", type_=sa.Integer()))
        .with_for_update(skip_locked=True)
        .cte("chosen")
    )
    lease = {"worker": worker, "lease_until": sa.bindparam("the_end", type_=sa.Double())}
    return (
        sa.update(exchanges)
        .where(_x.seq.in_(sa.select(chosen.c.seq)))
        .values(state=_CLAIMED, attempts=_x.attempts + 1, **lease)
        .returning(exchanges)
    )


_CLAIM = _claim_statement()


def claim(connection: Connection, worker: str, limit: int, lease_s: float, now: float) -> list[sa.Row[Any]]:
    """Lease up to ``limit`` exchanges, oldest first; the claimed rows, in order."""
    given = {"the_worker": worker, "the_most": limit, "the_end": now + lease_s, "the_time": now}
    claimed = connection.execute(_CLAIM, given).all()
    return sorted(claimed, key=lambda row: (row.at, row.seq))  # an update gives its rows in any order


def unfinished_writes(connection: Connection, key_digest: bytes) -> list[str]:
    """The ids of a key's writes that have no outcome yet, in whatever operation."""
    effect: sa.ColumnElement[str] = sa.literal_column("'write'")
    of_key = sa.select(_x.id).where(_x.key_digest == key_digest, _x.effect == effect)
    found = sa.union_all(of_key.where(_x.state == _WAITING), of_key.where(_x.state == _CLAIMED))
    return list(connection.scalars(found))


def renew(connection: Connection, worker: str, ids: Sequence[str], lease_s: float, now: float) -> int:
    """Prolong the leases that this worker still holds; how many these are."""
    return connection.execute(
        sa.update(exchanges)
        .where(_x.id.in_(ids), _x.state == State.CLAIMED, _x.worker == worker)
        .values(lease_until=now + lease_s)
    ).rowcount


def release(connection: Connection, worker: str, ids: Sequence[str]) -> int:
    """Give claimed exchanges back unasked; how many were given back."""
    return connection.execute(
        sa.update(exchanges)
        .where(_x.id.in_(ids), _x.state == State.CLAIMED, _x.worker == worker)
        .values(state=State.WAITING, worker=None, lease_until=None)
    ).rowcount
