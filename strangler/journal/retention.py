"""Bodies expire: what is personal goes, what is counted stays. Runs inside one writing transaction."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from strangler.exchange import OutcomeKind, Reason
from strangler.journal import schema
from strangler.journal.queue import is_unfinished
from strangler.journal.records import State


def purge(connection: Connection, before: float, now: float) -> int:
    """Drop the bodies of exchanges older than ``before``; how many exchanges lost theirs.

    An exchange that is still waiting by then is never asked any more: it counts as not compared (expired).
    """
    x, o, f = schema.exchanges.c, schema.observations.c, schema.findings.c
    expired = sa.and_(x.at < before, is_unfinished())
    waiting = sa.select(x.operation, x.entry, sa.func.count()).where(expired).group_by(x.operation, x.entry)
    counts: list[dict[str, Any]] = [
        {"operation": operation, "reason": Reason.EXPIRED, "entry": entry, "count": count, "at": now, "is_loss": 0}
        for operation, entry, count in connection.execute(waiting)
    ]
    if counts:
        connection.execute(sa.insert(schema.uncounted), counts)
        connection.execute(
            sa.update(schema.exchanges)
            .where(expired)
            .values(
                state=State.JUDGED,
                outcome=OutcomeKind.NOT_COMPARED,
                reason=Reason.EXPIRED,
                worker=None,
                lease_until=None,
                judged_at=now,
            )
        )
    dropped = connection.execute(
        sa.update(schema.exchanges)
        .where(x.at < before, x.sealed.is_not(None))
        .values(sealed=None, judged_sealed=None, key_digest=None)
    ).rowcount
    connection.execute(sa.update(schema.observations).where(o.at < before, o.sealed.is_not(None)).values(sealed=None))
    connection.execute(sa.update(schema.findings).where(f.example_at < before).values(sealed=None))
    return dropped
