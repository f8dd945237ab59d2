"""How exchanges and losses get into the journal. Every function runs inside one writing transaction."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from strangler.exchange import Exchange, Observation, OutcomeKind, Reason
from strangler.journal import schema
from strangler.journal.crypto import Sealer
from strangler.journal.frames import pack_exchange
from strangler.journal.judging import CHUNK, upsert
from strangler.journal.records import Loss, State
from strangler.stages import Effect, Side

FAILED = "failed"
"""The role of a caller's answer that failed and names no build."""

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


def exchange_row(exchange: Exchange, sealer: Sealer) -> dict[str, Any]:
    """The row of an exchange; everything personal is sealed."""
    answer, fell_back = exchange.answer, exchange.fell_back
    failed_one = fell_back if fell_back is not None else answer if answer.side is Side.NEW else None
    has_new_failed = failed_one is not None and failed_one.has_failed
    judged = exchange.not_compared is not None
    return {
        "id": exchange.id,
        "operation": exchange.operation,
        "effect": exchange.effect.value,
        "key_digest": None if exchange.key is None else sealer.key_digest(exchange.key),
        "cohort": None if exchange.cohort is None else plain(exchange.cohort),
        "stage": exchange.stage.value,
        "entry": exchange.entry,
        "at": exchange.at,
        "asked": None if exchange.asked is None else exchange.asked.value,
        "answered_by": answer.side.value,
        "duration_s": answer.duration_s,
        "new_tried": int(failed_one is not None),
        "new_failed": (2 if fell_back is not None else 1) if has_new_failed else 0,
        "failure": _failure_name(failed_one.failure, failed_one.status) if has_new_failed and failed_one else None,
        "state": _state(exchange, judged),
        "outcome": OutcomeKind.NOT_COMPARED.value if judged else None,
        "reason": exchange.not_compared.value if exchange.not_compared is not None else None,
        "sealed": sealer.seal(exchange.id, pack_exchange(exchange)),
    }


def append(connection: Connection, exchanges: Sequence[Exchange], rows: Sequence[dict[str, Any]]) -> None:
    """Store exchanges; those that are there already are left as they are."""
    _count_skipped(connection, exchanges)
    insert = sa.insert(schema.exchanges)
    if connection.dialect.name == "sqlite":
        connection.execute(insert.prefix_with("OR IGNORE"), list(rows))
    else:
        from sqlalchemy.dialects import postgresql

        statement = postgresql.insert(schema.exchanges).on_conflict_do_nothing(index_elements=["id"])
        connection.execute(statement, list(rows))


def builds_seen(
    observations: Iterable[tuple[str, str, Observation | None, float]],
) -> dict[tuple[str, str, str, str], float]:
    """When each build was last seen, by operation, side, role and build.

    Args:
        observations: operation, role (``answer`` or ``asked``), observation and time. A failed one without a build
            tells that its side was reached, not what runs there.
    """
    seen: dict[tuple[str, str, str, str], float] = {}
    for operation, role, observation, at in observations:
        if observation is None:
            continue
        known_role = FAILED if observation.build is None and observation.has_failed else role
        if known_role == FAILED and role != "answer":
            continue
        key = (operation, observation.side.value, known_role, plain(observation.build or ""))
        seen[key] = max(at, seen.get(key, 0.0))
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
    skipped = {exchange.id: exchange for exchange in exchanges if exchange.not_compared is not None}
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


def _state(exchange: Exchange, judged: bool) -> str:
    if judged:
        return State.JUDGED.value
    return State.ANSWERED.value if exchange.asked is None else State.WAITING.value


def _failure_name(failure: str | None, status: int | None) -> str:
    return str(failure or status or "protocol")
