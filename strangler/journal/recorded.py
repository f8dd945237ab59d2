"""Callers' requests as they were recorded, read in pages: what plans are held against and traffic is made from."""

from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa

from strangler.database import Database
from strangler.exchange import Origin, Request
from strangler.journal import schema
from strangler.journal.crypto import Sealer
from strangler.journal.frames import unpack_request

_PAGE: Final = 2_000


def recorded(database: Database, sealer: Sealer, since: float, limit: int) -> Iterator[tuple[str, Request]]:
    """The newest requests with their exchanges' ids, newest first, a page in memory at a time.

    Those whose bodies expired are left out; a body that was streamed past is ``None``.
    """
    x = schema.exchanges.c
    columns = sa.select(x.seq, x.id, x.sealed).where(x.sealed.is_not(None), x.origin == Origin.CALLER, x.at >= since)
    newest: int | None = None
    while limit > 0:
        chosen = columns.order_by(x.seq.desc()).limit(min(_PAGE, limit))
        with database.reading() as connection:
            page: list[Any] = list(connection.execute(chosen if newest is None else chosen.where(x.seq < newest)))
        for row in page:
            yield row.id, unpack_request(sealer.open(row.id, row.sealed))
        if len(page) < min(_PAGE, limit):
            return
        newest, limit = page[-1].seq, limit - len(page)
