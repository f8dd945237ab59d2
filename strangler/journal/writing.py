"""How exchanges and losses get into the journal. Every function runs inside one writing transaction."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from strangler.exchange import Exchange, Observation, Origin, OutcomeKind, Reason
from strangler.journal import rollups, schema
from strangler.journal.crypto import Sealer
from strangler.journal.frames import pack_exchange
from strangler.journal.records import Loss, State
from strangler.journal.upserts import CHUNK, upsert
from strangler.stages import Effect, Side

FAILED = "failed"
"""The role of a caller's answer that names no build although it should: it failed, or its header is missing."""

SIGHTING_EVERY_S = 1.0
"""How often an unchanged build is written down again."""


class Sightings:
    """Which builds were last written down, so that a batch writes only news. One for each open journal."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, str, str, str], float] = {}

    def news(self, seen: dict[tuple[str, str, str, str], float]) -> list[dict[str, Any]]:
        """The rows worth writing: new ones, and those last written over ``SIGHTING_EVERY_S`` ago."""
        rows = []
        for key, at in seen.items():
            if at - self._written.get(key, float("-inf")) >= SIGHTING_EVERY_S:
                self._written[key] = at
                rows.append(dict(zip(("subject", "side", "role", "build", "last_at"), (*key, at), strict=True)))
        return rows


APPENDED = (
    "id", "operation", "effect", "key_digest", "cohort", "stage", "entry", "at", "asked", "answered_by", "duration_s",
    "new_tried", "new_failed", "failure", "state", "outcome", "reason", "sealed", "origin",
)  # fmt: skip
"""The columns that an append fills, in the order of ``exchange_row``."""


def exchange_row(exchange: Exchange, sealer: Sealer, sealed: bytes) -> tuple[Any, ...]:
    """The row of an exchange, in the order of ``APPENDED``; ``sealed`` is everything personal in it.

    Enumerations go in as their plain text: SQLite's driver looks for an adapter for every value of another class.
    """
    answer, fell_back, skipped = exchange.answer, exchange.fell_back, exchange.not_compared
    is_skipped = skipped is not None and not is_owed(exchange)
    tried = fell_back if fell_back is not None else answer if answer.side is Side.NEW else None
    failed = tried if tried is not None and tried.has_failed else None
    return (
        exchange.id,
        exchange.operation,
        str(exchange.effect),
        None if exchange.key is None else sealer.key_digest(exchange.key),
        None if exchange.cohort is None else plain(exchange.cohort),
        str(exchange.stage),
        exchange.entry,
        exchange.at,
        None if exchange.asked is None else str(exchange.asked),
        str(answer.side),
        answer.duration_s,
        int(tried is not None),
        0 if failed is None else 1 if fell_back is None else 2,
        None if failed is None else str(failed.failure or failed.status or "protocol"),
        str(State.JUDGED if is_skipped else State.ANSWERED if exchange.asked is None else State.WAITING),
        str(OutcomeKind.NOT_COMPARED) if is_skipped else None,
        None if skipped is None else str(skipped),
        sealed,
        str(exchange.origin),
    )


def is_owed(exchange: Exchange) -> bool:
    """Whether a worker must see the exchange although it is not to be compared: a write that the other side is owed."""
    return exchange.effect is Effect.WRITE and exchange.asked is not None


def rows_of(exchanges: Sequence[Exchange], sealer: Sealer) -> list[tuple[Any, ...]]:
    """The rows of exchanges, made before the transaction: nobody else can write while one is open."""
    sealed = sealer.seal_all([(exchange.id, pack_exchange(exchange)) for exchange in exchanges])
    return [exchange_row(exchange, sealer, part) for exchange, part in zip(exchanges, sealed, strict=True)]


def append(connection: Connection, exchanges: Sequence[Exchange], rows: Sequence[tuple[Any, ...]]) -> None:
    """Store exchanges; those that are there already are left as they are."""
    _count_skipped(connection, exchanges)
    stored = connection.exec_driver_sql(_append_statement(connection.dialect.name), list(rows)).rowcount
    fresh = exchanges if stored == len(rows) else _stored_now(connection, exchanges, rows)
    rollups.bump(connection, rollups.of_answers(fresh))


def _stored_now(
    connection: Connection, exchanges: Sequence[Exchange], rows: Sequence[tuple[Any, ...]]
) -> list[Exchange]:
    """Those of the exchanges that were not there before: what is sealed in their rows is what was sealed now."""
    x = schema.exchanges.c
    sealed: dict[str, bytes] = {}
    ids = [exchange.id for exchange in exchanges]
    for start in range(0, len(ids), CHUNK):
        chosen = sa.select(x.id, x.sealed).where(x.id.in_(ids[start : start + CHUNK]))
        sealed.update((name, part) for name, part in connection.execute(chosen))
    given = APPENDED.index("sealed")
    return [exchange for exchange, row in zip(exchanges, rows, strict=True) if sealed[exchange.id] == row[given]]


@cache
def _append_statement(dialect: str) -> str:
    """The insert as text: rows go to the driver as they are, for this is the one statement that must be quick."""
    mark = "?" if dialect == "sqlite" else "%s"
    values = ", ".join(mark for _ in APPENDED)
    return f"INSERT INTO exchanges ({', '.join(APPENDED)}) VALUES ({values}) ON CONFLICT (id) DO NOTHING"


def answers_of(exchanges: Iterable[Exchange]) -> Iterator[tuple[str, str, Observation | None, float]]:
    """What ``builds_seen`` takes: every answer with its operation, its role and its time.

    Only a caller was answered; whatever else has an answer had it asked for, at the time that the answer itself tells.
    """
    for exchange in exchanges:
        is_traffic = exchange.origin is Origin.CALLER
        role = "answer" if is_traffic else "asked"
        for seen in (exchange.answer, exchange.fell_back):
            at = exchange.at if is_traffic or seen is None else seen.at
            yield exchange.operation, role, seen, at


def builds_seen(
    observations: Iterable[tuple[str, str, Observation | None, float]],
) -> dict[tuple[str, str, str, str], float]:
    """When each build was last seen, by operation, side, role and build.

    Args:
        observations: operation, role (``answer`` or ``asked``), observation and time. One without a build tells that
            its side was reached, not what runs there.
    """
    raw: dict[tuple[str, str, str, str | None], float] = {}
    for operation, role, observation, at in observations:
        if observation is None:
            continue
        known_role = role if observation.build else FAILED
        if known_role == FAILED and role != "answer":
            continue
        key = (operation, str(observation.side), known_role, observation.build)
        if raw.get(key, -1.0) < at:
            raw[key] = at
    seen: dict[tuple[str, str, str, str], float] = {}
    for (operation, side, role, build), at in raw.items():
        name = (operation, side, role, plain(build or ""))
        seen[name] = max(at, seen.get(name, 0.0))
    return seen


def record_sightings(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write down when builds were last seen."""
    upsert(connection, schema.sightings, ("subject", "side", "role", "build"), rows, {"last_at": "greatest"})


def record_losses(connection: Connection, sealer: Sealer, losses: Sequence[Loss]) -> None:
    """Count losses as not compared; each lost write leaves a gap."""
    counted = [
        {
            "operation": loss.operation,
            "reason": loss.reason.value,
            "entry": loss.entry,
            "count": loss.count,
            "at": loss.at,
            "is_loss": 1,
        }
        for loss in losses
        if loss.count > 0
    ]
    missing = [
        {
            "operation": loss.operation,
            "sealed": None if loss.key is None else sealer.seal("gap", loss.key.encode("utf-8", "surrogatepass")),
            "count": loss.count,
            "at": loss.at,
            "why": loss.why or f"not journaled ({loss.reason})",
        }
        for loss in losses
        if loss.effect is Effect.WRITE and loss.count > 0
    ]
    if counted:
        connection.execute(sa.insert(schema.uncounted), counted)
    if missing:
        connection.execute(sa.insert(schema.gaps), missing)


def _count_skipped(connection: Connection, exchanges: Sequence[Exchange]) -> None:
    """Count what the engine already knows not to be comparable, once for each exchange."""
    skipped = {x.id: x for x in exchanges if x.not_compared is not None and not is_owed(x)}
    ids = list(skipped)
    for start in range(0, len(ids), CHUNK):
        chosen = sa.select(schema.exchanges.c.id).where(schema.exchanges.c.id.in_(ids[start : start + CHUNK]))
        for there in connection.scalars(chosen):
            del skipped[there]
    counts: dict[tuple[str, Reason, str], list[float]] = defaultdict(list)
    for exchange in skipped.values():
        if exchange.not_compared is not None:
            counts[exchange.operation, exchange.not_compared, exchange.entry].append(exchange.at)
    rows = [
        {
            "operation": operation,
            "reason": reason.value,
            "entry": entry,
            "count": len(times),
            "at": max(times),
            "is_loss": 0,
        }
        for (operation, reason, entry), times in counts.items()
    ]
    if rows:
        connection.execute(sa.insert(schema.uncounted), rows)


def plain(text: str) -> str:
    """Text that every database takes: no lone surrogates (a header's odd bytes), no NUL, at most 256 characters."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")[:256]
