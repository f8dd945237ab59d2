"""What the guard looks back over: an operation's figures since a point in time. Reads only.

The sums of whole slots (``rollups``), the exchanges of the slot in which the window begins, and from indexes that hold
nothing else the answers of new that failed and the comparisons that disagreed.
"""

from collections import Counter
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from strangler.exchange import Failure, Origin, OutcomeKind
from strangler.journal import rollups, schema
from strangler.journal.readings import overlaid
from strangler.journal.records import COMPARED, AcceptedSignature, WindowStats
from strangler.stages import Side

FEWEST_FOR_P99 = 20
"""Fewer answers than this have no p99 worth acting on."""

_NONE: sa.ColumnElement[int] = sa.literal_column("0")
_MISMATCH: sa.ColumnElement[str] = sa.literal_column("'mismatch'")
"""Literals, because SQLite uses a partial index only where it can see the value."""


def window(
    connection: Connection, operation: str, since: float, accepted: Collection[AcceptedSignature] = ()
) -> WindowStats:
    """One operation since a point in time (seconds since the epoch)."""
    first = rollups.first_whole_slot(connection, since)
    figures = rollups.sums(connection, operation, first)
    for measure, buckets in _before(connection, operation, since, first).items():
        figures.setdefault(measure, Counter()).update(buckets)
    failures = _failures(connection, operation, since)
    names = Counter[Failure | int]()
    for (_, name), count in failures.items():
        names[name] += count
    return WindowStats(
        operation=operation,
        since=since,
        requests=_count(figures, rollups.TRIED),
        failed=names.total(),
        fell_back=sum(count for (kind, _), count in failures.items() if kind == 2),
        p99_new_ms=_p99_ms(figures, Side.NEW),
        p99_old_ms=_p99_ms(figures, Side.OLD),
        compared=_count(figures, rollups.COMPARED),
        mismatches=_mismatches(connection, operation, since, accepted),
        failures=dict(names),
    )


def latencies(connection: Connection, operation: str, since: float) -> dict[Side, Counter[int]]:
    """Every answer of callers' exchanges since a point in time, heard or asked for: by side, and there by bucket."""
    first = rollups.first_whole_slot(connection, since)
    figures = rollups.sums(connection, operation, first)
    for measure, buckets in _before(connection, operation, since, first).items():
        figures.setdefault(measure, Counter()).update(buckets)
    measures = {side: (rollups.answer_measure(side), rollups.asked_measure(side)) for side in Side}
    return {side: sum((figures.get(name, Counter()) for name in measures[side]), Counter()) for side in Side}


def _count(figures: dict[str, Counter[int]], measure: str) -> int:
    return figures[measure].total() if measure in figures else 0


def _p99_ms(figures: dict[str, Counter[int]], side: Side) -> float | None:
    """The 99th percentile of a side's answers by nearest rank: callers' alone, if these are enough."""
    seen = Counter(figures.get(rollups.answer_measure(side), Counter()))
    if seen.total() < FEWEST_FOR_P99:
        seen.update(figures.get(rollups.asked_measure(side), Counter()))
    total = seen.total()
    if total < FEWEST_FOR_P99:
        return None
    rank = -(-total * 99 // 100)
    for bucket in sorted(seen):
        rank -= seen[bucket]
        if rank <= 0:
            return rollups.duration_of(bucket) * 1000
    return None


def _before(connection: Connection, operation: str, since: float, first: int) -> dict[str, Counter[int]]:
    """What happened before the first whole slot, in the form of the sums, from the exchanges themselves."""
    x, o = schema.exchanges.c, schema.observations.c
    figures: dict[str, Counter[int]] = {rollups.TRIED: Counter(), rollups.COMPARED: Counter()}
    chosen = sa.select(x.answered_by, x.duration_s, x.new_tried, x.outcome).where(
        x.operation == operation, x.at >= since, x.at < first, x.origin == Origin.CALLER
    )
    for answered_by, duration_s, tried, outcome in connection.execute(chosen):
        measure = rollups.answer_measure(Side(answered_by))
        figures.setdefault(measure, Counter())[rollups.bucket_of(duration_s)] += 1
        figures[rollups.TRIED][0] += tried
        figures[rollups.COMPARED][0] += int(outcome in COMPARED)
    of_traffic = schema.observations.join(schema.exchanges, sa.and_(x.id == o.exchange_id, x.origin == Origin.CALLER))
    for side in Side:
        asked = sa.select(o.duration_s).select_from(of_traffic)
        asked = asked.where(o.operation == operation, o.side == side, o.at >= since, o.at < first)
        buckets = Counter(rollups.bucket_of(duration_s) for duration_s in connection.scalars(asked))
        figures.setdefault(rollups.asked_measure(side), Counter()).update(buckets)
    return figures


def _failures(connection: Connection, operation: str, since: float) -> dict[tuple[int, Failure | int], int]:
    """Failed answers of new to callers: by whether old answered after it (2), and by what was wrong."""
    x = schema.exchanges.c
    chosen = sa.select(x.new_failed, x.failure, sa.func.count()).where(
        x.operation == operation, x.at >= since, x.origin == Origin.CALLER, x.new_failed > _NONE
    )
    found: dict[tuple[int, Failure | int], int] = {}
    for kind, failure, count in connection.execute(chosen.group_by(x.new_failed, x.failure)):
        found[kind, _failure(failure)] = int(count)
    return found


def _mismatches(connection: Connection, operation: str, since: float, accepted: Collection[AcceptedSignature]) -> int:
    """Comparisons that disagreed in a way that nobody accepted."""
    x = schema.exchanges.c
    chosen = sa.select(x.signatures, sa.func.count()).where(
        x.operation == operation, x.at >= since, x.origin == Origin.CALLER, x.outcome == _MISMATCH
    )
    names = frozenset(item.signature for item in accepted)
    open_kind = OutcomeKind.MISMATCH
    return sum(
        int(count)
        for signatures, count in connection.execute(chosen.group_by(x.signatures))
        if overlaid(open_kind, signatures, names) is open_kind
    )


def _failure(text: str | None) -> Failure | int:
    return int(text) if text and text.isdigit() else Failure(text or Failure.PROTOCOL)
