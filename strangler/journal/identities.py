"""The identity map: which old id and which new id stand for the same thing. Each function runs in one transaction.

Ids are personal often enough: they are found by keyed digests and kept sealed. A pair that is learnt stays: nothing
overwrites it, and it does not expire with the bodies, for requests about what was created may come for years.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from strangler.journal.crypto import Sealer
from strangler.journal.frames import pack, unpack
from strangler.journal.queue import is_unfinished
from strangler.journal.schema import exchanges, identities
from strangler.journal.upserts import CHUNK
from strangler.stages import Side


@dataclass(frozen=True, slots=True)
class LearntId:
    """One thing's id on both sides.

    ``name`` says what it identifies; ``operation`` and ``exchange`` created it, at ``at`` seconds since the epoch.
    """

    name: str
    old: str
    new: str
    operation: str
    exchange: str
    at: float


@dataclass(frozen=True, slots=True)
class IdConflict:
    """A pair that was not learnt, because one of its ids has another partner already: those that ``stand``."""

    given: LearntId
    standing: tuple[LearntId, ...]


def learn(connection: Connection, sealer: Sealer, pairs: Sequence[LearntId]) -> tuple[IdConflict, ...]:
    """Store pairs; one that is there already is nothing new. The conflicts, of which nothing was stored."""
    i = identities.c
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    conflicts: list[IdConflict] = []
    for pair in sorted(pairs, key=lambda one: (one.name, one.old, one.new)):  # in one order, so that nobody deadlocks
        row = _row(pair, sealer)
        connection.execute(insert(identities).values(row).on_conflict_do_nothing())
        is_either = sa.or_(i.old_digest == row["old_digest"], i.new_digest == row["new_digest"])
        found = connection.execute(sa.select(identities).where(i.name == pair.name, is_either).order_by(i.at)).all()
        standing = tuple(_pair(one, sealer) for one in found)
        if [(one.old, one.new) for one in standing] != [(pair.old, pair.new)]:
            conflicts.append(IdConflict(pair, standing))
    return tuple(conflicts)


def partners(connection: Connection, sealer: Sealer, name: str, values: Sequence[str], side: Side) -> dict[str, str]:
    """Of each known id of one side, the other side's id for the same thing."""
    column = identities.c.old_digest if side is Side.OLD else identities.c.new_digest
    digests = [sealer.id_digest(name, side, value) for value in dict.fromkeys(values)]
    found: dict[str, str] = {}
    for start in range(0, len(digests), CHUNK):
        chosen = sa.select(identities).where(identities.c.name == name, column.in_(digests[start : start + CHUNK]))
        for row in connection.execute(chosen):
            pair = _pair(row, sealer)
            found |= {pair.old: pair.new} if side is Side.OLD else {pair.new: pair.old}
    return found


def are_pending(connection: Connection, operations: Sequence[str], until: float) -> bool:
    """Whether an exchange of these operations, answered no later than ``until``, has no outcome yet."""
    x = exchanges.c
    waiting = sa.select(x.seq).where(is_unfinished(), x.at <= until, x.operation.in_(operations)).limit(1)
    return connection.scalar(waiting) is not None


def _row(pair: LearntId, sealer: Sealer) -> dict[str, object]:
    old_digest = sealer.id_digest(pair.name, Side.OLD, pair.old)
    return {
        "name": pair.name,
        "old_digest": old_digest,
        "new_digest": sealer.id_digest(pair.name, Side.NEW, pair.new),
        "sealed": sealer.seal(_owner(pair.name, old_digest), pack((pair.old, pair.new))),
        "operation": pair.operation,
        "exchange": pair.exchange,
        "at": pair.at,
    }


def _pair(row: sa.Row[Any], sealer: Sealer) -> LearntId:
    (old, new), _ = unpack(sealer.open(_owner(row.name, row.old_digest), row.sealed))
    return LearntId(row.name, old, new, row.operation, row.exchange, row.at)


def _owner(name: str, old_digest: bytes) -> str:
    return f"identity {name} {bytes(old_digest).hex()}"
