"""An operation's figures in slots of a few seconds, kept as exchanges come and are judged.

The guard looks back over its window many times a minute. It reads the sums of whole slots from ``minutes``, and only
the first slot, of which its window may begin in the middle, from the exchanges themselves: so what it is told begins
exactly where it asked, and costs the same whatever the journal's size.

Latencies are in log-linear buckets (as in HdrHistogram): 32 for each doubling, so the middle of a bucket is at most
1.6 % off. Only callers' exchanges are counted: replays and probes are no traffic.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from math import ceil

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from strangler.exchange import Exchange, Observation, Origin
from strangler.journal import schema
from strangler.stages import Side

SLOT_S = 5
"""How long a slot is, in seconds."""

TRIED, COMPARED = "tried", "compared"
"""Measures that only count: requests put to new for a caller, and exchanges that were compared."""

_ANSWER = {side: f"answer {side}" for side in Side}
_ASKED = {side: f"asked {side}" for side in Side}
_BEGAN = "began"
"""The measure whose slot tells before when exchanges are in no slot: an earlier version stored them."""

Counts = Counter[tuple[str, int, str, int]]
"""By operation, slot, measure and bucket."""

_LINEAR_BITS = 5


def slot_of(at: float) -> int:
    """The slot of a time: the seconds since the epoch at which it begins."""
    return int(at // SLOT_S) * SLOT_S


def bucket_of(duration_s: float) -> int:
    """The bucket of a latency."""
    micros = max(0, int(duration_s * 1e6))
    shift = max(0, micros.bit_length() - _LINEAR_BITS - 1)
    return (shift << _LINEAR_BITS) + (micros >> shift)


def duration_of(bucket: int) -> float:
    """The latency in the middle of a bucket, in seconds."""
    shift = max(0, (bucket >> _LINEAR_BITS) - 1)
    lowest = (bucket - (shift << _LINEAR_BITS)) << shift
    return (lowest + ((1 << shift) >> 1)) / 1e6


def range_of(bucket: int) -> tuple[float, float]:
    """Between which two latencies a bucket lies, in seconds."""
    shift = max(0, (bucket >> _LINEAR_BITS) - 1)
    lowest = (bucket - (shift << _LINEAR_BITS)) << shift
    return lowest / 1e6, (lowest + (1 << shift)) / 1e6


def answer_measure(side: Side) -> str:
    """The measure of latencies that callers had from this side."""
    return _ANSWER[side]


def asked_measure(side: Side) -> str:
    """The measure of latencies with which this side answered when it was asked for comparison."""
    return _ASKED[side]


def of_answers(exchanges: Iterable[Exchange]) -> Counts:
    """What appending these exchanges adds."""
    counts: Counts = Counter()
    keys = []
    for exchange in exchanges:
        if exchange.origin is not Origin.CALLER:
            continue
        operation, slot, answer = exchange.operation, slot_of(exchange.at), exchange.answer
        keys.append((operation, slot, _ANSWER[answer.side], bucket_of(answer.duration_s)))
        if exchange.fell_back is not None or answer.side is Side.NEW:
            keys.append((operation, slot, TRIED, 0))
    counts.update(keys)
    return counts


def of_judged(operation: str, at: float, observations: Iterable[Observation], *, is_compared: bool) -> Counts:
    """What judging one caller's exchange of this time adds."""
    counts: Counts = Counter()
    if is_compared:
        counts[operation, slot_of(at), COMPARED, 0] += 1
    for seen in observations:
        counts[operation, slot_of(seen.at), _ASKED[seen.side], bucket_of(seen.duration_s)] += 1
    return counts


def bump(connection: Connection, counts: Mapping[tuple[str, int, str, int], int]) -> None:
    """Add to the slots; sorted, so that two writers never wait for each other crosswise."""
    if counts:
        rows = [(*key, count) for key, count in sorted(counts.items())]
        connection.exec_driver_sql(_bump_statement(connection.dialect.name), rows)


@cache
def _bump_statement(dialect: str) -> str:
    """The upsert as text: it is part of every append."""
    marks = ", ".join(["?" if dialect == "sqlite" else "%s"] * 5)
    return (
        f"INSERT INTO minutes (operation, slot, measure, bucket, count) VALUES ({marks})"
        " ON CONFLICT (operation, slot, measure, bucket) DO UPDATE SET count = minutes.count + excluded.count"
    )


def first_whole_slot(connection: Connection, since: float) -> int:
    """The first slot that lies after this time as a whole, and in which every exchange was counted."""
    m = schema.minutes.c
    began = connection.scalar(sa.select(sa.func.max(m.slot)).where(m.operation == "", m.measure == _BEGAN))
    return ceil(max(since, began or 0) / SLOT_S) * SLOT_S


def sums(connection: Connection, operation: str, first: int) -> dict[str, Counter[int]]:
    """What was counted from this slot on: by measure, and there by bucket."""
    m = schema.minutes.c
    total = sa.func.sum(m.count)
    chosen = sa.select(m.measure, m.bucket, total).where(m.operation == operation, m.slot >= first)
    found: dict[str, Counter[int]] = {}
    for measure, bucket, count in connection.execute(chosen.group_by(m.measure, m.bucket)):
        found.setdefault(measure, Counter())[bucket] = int(count)
    return found
