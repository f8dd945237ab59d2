"""Bodies expire: what is personal goes, what is counted stays. Each function runs inside one transaction."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from strangler.exchange import OutcomeKind, Reason
from strangler.journal import schema
from strangler.journal.crypto import Sealer
from strangler.journal.judging import store_gaps
from strangler.journal.queue import is_unfinished
from strangler.journal.records import State
from strangler.journal.upserts import CHUNK
from strangler.stages import Effect


def expired(connection: Connection, before: float, limit: int) -> list[tuple[int, str]]:
    """Sequence number and id of exchanges older than ``before`` that still have a body; the oldest ``limit``."""
    x = schema.exchanges.c
    chosen = sa.select(x.seq, x.id).where(x.at < before, x.sealed.is_not(None)).order_by(x.seq).limit(limit)
    return [(seq, name) for seq, name in connection.execute(chosen)]


def purge(connection: Connection, sealer: Sealer, chosen: Sequence[tuple[int, str]], before: float, now: float) -> int:
    """Drop the bodies of the chosen exchanges, and of findings older than ``before``; how many lost theirs.

    An exchange that is still waiting by then is never asked any more: it counts as not compared (expired).
    """
    x, o, f = schema.exchanges.c, schema.observations.c, schema.findings.c
    dropped = 0
    for start in range(0, len(chosen), CHUNK):
        seqs = [seq for seq, _ in chosen[start : start + CHUNK]]
        names = [name for _, name in chosen[start : start + CHUNK]]
        _give_up(connection, sealer, seqs, now)
        dropped += connection.execute(
            sa.update(schema.exchanges)
            .where(x.seq.in_(seqs), x.sealed.is_not(None))
            .values(sealed=None, judged_sealed=None, key_digest=None)
        ).rowcount
        connection.execute(sa.update(schema.observations).where(o.exchange_id.in_(names)).values(sealed=None))
    connection.execute(
        sa.update(schema.findings).where(f.example_at < before, f.sealed.is_not(None)).values(sealed=None, samples=None)
    )
    connection.execute(sa.delete(schema.key_sketch).where(schema.key_sketch.c.last_at < before))
    connection.execute(sa.delete(schema.minutes).where(schema.minutes.c.slot < before))
    return dropped


def _give_up(connection: Connection, sealer: Sealer, seqs: Sequence[int], now: float) -> None:
    """Finish those that still wait: counted as expired, and a gap for each write."""
    x = schema.exchanges.c
    waiting = sa.and_(x.seq.in_(seqs), is_unfinished())
    found = connection.execute(sa.select(x.id, x.operation, x.entry, x.effect).where(waiting)).all()
    if not found:
        return
    why = "exchange {}: its body expired before the other side was asked"
    store_gaps(connection, sealer, {row.id: why.format(row.id) for row in found if row.effect == Effect.WRITE})
    counts: list[dict[str, Any]] = [
        {"operation": row.operation, "reason": Reason.EXPIRED, "entry": row.entry, "count": 1, "at": now, "is_loss": 0}
        for row in found
    ]
    connection.execute(sa.insert(schema.uncounted), counts)
    connection.execute(
        sa.update(schema.exchanges)
        .where(waiting)
        .values(
            state=State.JUDGED,
            outcome=OutcomeKind.NOT_COMPARED,
            reason=Reason.EXPIRED,
            worker=None,
            lease_until=None,
            judged_at=now,
        )
    )
