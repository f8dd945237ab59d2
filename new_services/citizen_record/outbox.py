"""Notices that wait to be asked for, in the record's own database.

A notice is stored in the transaction of the write that causes it: there is never one without the other, and the write
waits for nobody. What a notice says is personal, so it is forgotten as soon as the notice is done with.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from new_services.citizen_record.notices import Notice
from new_services.citizen_record.tables import NOTICE
from new_services.notifications.templates import Kind

KEPT_S = 30 * 86_400.0
"""How long it is remembered that a notice was sent or given up."""


class State(StrEnum):
    """What became of a notice."""

    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given_up"


def add(connection: Connection, notices: Sequence[Notice], now: float) -> None:
    """Let these be asked for."""
    rows = [
        {
            "reference": notice.reference,
            "kind": notice.kind,
            "body": dict(notice.body),
            "state": State.WAITING,
            "made_at": now,
            "next_try_at": now,
            "tries": 0,
        }
        for notice in notices
    ]
    if rows:
        connection.execute(insert(NOTICE), rows)


def due(connection: Connection, now: float, limit: int) -> list[Row[Any]]:
    """Those whose turn it is, the longest waiting first."""
    is_due = (NOTICE.c.state == State.WAITING) & (NOTICE.c.next_try_at <= now)
    return list(connection.execute(select(NOTICE).where(is_due).order_by(NOTICE.c.next_try_at).limit(limit)))


def sent(connection: Connection, reference: str) -> None:
    """The notification was asked for, and the service has it."""
    _done(connection, reference, State.SENT, None)


def give_up(connection: Connection, reference: str, why: str) -> None:
    """It will not be asked for again."""
    _done(connection, reference, State.GIVEN_UP, why)


def put_off(connection: Connection, reference: str, until: float, why: str) -> None:
    """It was asked for in vain; another try is due at ``until``."""
    later = update(NOTICE).where(NOTICE.c.reference == reference, NOTICE.c.state == State.WAITING)
    connection.execute(later.values(next_try_at=until, tries=NOTICE.c.tries + 1, why=why))


def forget(connection: Connection, now: float) -> None:
    """Forget those that were done with long ago."""
    is_old = (NOTICE.c.state != State.WAITING) & (NOTICE.c.made_at < now - KEPT_S)
    connection.execute(delete(NOTICE).where(is_old))


def counts(connection: Connection) -> Mapping[str, Any]:
    """How many notices are in which state, for ``/health``."""
    found = connection.execute(select(NOTICE.c.state, func.count()).group_by(NOTICE.c.state)).all()
    by_state = {state: count for state, count in found}  # noqa: C416  rows are no pairs to a type checker
    return {"notices": {state.value: by_state.get(state.value, 0) for state in State}}


def notice_of(row: Row[Any]) -> Notice:
    """The notice as it was added."""
    return Notice(row.reference, Kind(row.kind), row.body)


def _done(connection: Connection, reference: str, state: State, why: str | None) -> None:
    values = {"state": state, "why": why, "body": None, "tries": NOTICE.c.tries + 1}
    connection.execute(update(NOTICE).where(NOTICE.c.reference == reference).values(**values))
