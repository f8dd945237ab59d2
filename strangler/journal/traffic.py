"""How much callers ask of an operation, and for how many different keys. Reads only."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from strangler.exchange import Origin
from strangler.journal import schema

MOST = 200_000
"""Of the newest requests that are counted: a figure for people must not read a whole day of a busy service."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Callers' requests between two times (seconds since the epoch), replays and probes left out.

    ``keyed`` of them have a key, ``keys`` is how many different ones. ``is_capped``: there were more before ``since``
    than are counted.
    """

    since: float
    until: float
    requests: int = 0
    keyed: int = 0
    keys: int = 0
    is_capped: bool = False

    @property
    def span_h(self) -> float:
        """What was looked at, in hours; at least a minute."""
        return max(self.until - self.since, 60.0) / 3600

    @property
    def per_hour(self) -> float:
        """Requests an hour, at the rate that was seen."""
        return self.requests / self.span_h


def traffic(connection: Connection, operation: str, since: float, until: float, most: int = MOST) -> Traffic:
    """What callers asked since a point in time; of the newest ``most`` requests alone, where there were more.

    ``since`` of the answer is the oldest request that is counted, where the journal holds none before it.
    """
    x = schema.exchanges.c
    newest = sa.select(x.at, x.key_digest).where(
        x.operation == operation, x.at >= since, x.at <= until, x.origin == Origin.CALLER
    )
    chosen = newest.order_by(x.at.desc()).limit(most).subquery()
    c = chosen.c
    counted = sa.select(
        sa.func.count(), sa.func.count(c.key_digest), sa.func.count(c.key_digest.distinct()), sa.func.min(c.at)
    )
    requests, keyed, keys, first = connection.execute(counted.select_from(chosen)).one()
    if not requests:
        return Traffic(since, until)
    return Traffic(float(first), until, int(requests), int(keyed), int(keys), requests >= most)
