"""What the journal tells: evidence for gates, findings for people, figures for the guard. Reads only.

Nothing here scans exchanges for a gate: the rollups that ``judging`` keeps are read instead.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from strangler.evidence import Counts, NoiseEvidence, ParityEvidence
from strangler.exchange import Origin, OutcomeKind, Reason
from strangler.journal import schema
from strangler.journal.judging import EVERYBODY, UNEXPLAINED
from strangler.journal.keys import about_how_many
from strangler.journal.queue import is_unfinished
from strangler.journal.records import BY_RANK, COMPARED, RANK, AcceptedSignature, Tally
from strangler.journal.tallies import noise
from strangler.plan.rule_paths import Path, is_at

INTERLEAVED_S = 86_400.0
"""How far back other builds' outcomes are looked for among the present ones."""


_HEARD = sa.select(schema.heard.c.first_at, schema.heard.c.last_at).where(
    schema.heard.c.operation == sa.bindparam("the_operation"),
    schema.heard.c.fingerprint == sa.bindparam("the_fingerprint"),
)


@dataclass(frozen=True, slots=True)
class _Span:
    """When outcomes arrived under one fingerprint; seconds since the epoch."""

    first_at: float
    last_at: float


def parity(
    connection: Connection,
    operation: str,
    fingerprint: str,
    now: float,
    accepted: Collection[AcceptedSignature],
    *,
    minor: Collection[Path] = (),
    cohort: str = EVERYBODY,
) -> ParityEvidence:
    """What comparison told under one fingerprint, with acceptances laid over it, and what lies at minor paths."""
    t = schema.exchange_tally.c
    chosen = sa.select(schema.exchange_tally).where(t.operation == operation, t.cohort == cohort)
    rows: list[Any] = list(connection.execute(chosen))
    mine = [row for row in rows if row.fingerprint == fingerprint]
    spans = _spans(rows)
    span = spans.get(fingerprint)
    others = sum(row.count for row in rows if row.fingerprint != fingerprint)
    covered = in_force(connection, operation, fingerprint, now, accepted)
    covered |= _minor_signatures(connection, operation, fingerprint, minor)
    by_kind: dict[OutcomeKind, int] = {}
    reasons: dict[Reason, int] = {}
    for row in mine:
        kind = overlaid(OutcomeKind(row.kind), row.signatures, covered)
        by_kind[kind] = by_kind.get(kind, 0) + row.count
        if kind is OutcomeKind.NOT_COMPARED:
            reason = Reason(row.reason or Reason.COMPARER_FAILED)
            reasons[reason] = reasons.get(reason, 0) + row.count
    heard = connection.execute(_HEARD, {"the_operation": operation, "the_fingerprint": fingerprint}).one_or_none()
    by_input, uncompared_inputs = _input_counts(connection, operation, fingerprint, cohort, covered)
    skipped = uncounted_since(connection, operation, _begin(spans, fingerprint))
    interleaved, alone = _interleaved(connection, operation, fingerprint, spans, now - INTERLEAVED_S)
    return ParityEvidence(
        fingerprint=fingerprint,
        inputs=_with_skipped(by_input, _scaled(reasons, uncompared_inputs), skipped),
        exchanges=_with_skipped(by_kind, reasons, skipped),
        settled=sum(row.settled for row in mine),
        first_at=span.first_at if span else None,
        last_at=span.last_at if span else None,
        heard_first_at=heard.first_at if heard else None,
        heard_last_at=heard.last_at if heard else None,
        other_fingerprints=others,
        pending=depth(connection, operation),
        refused=sum(row.count for row in mine if row.reason == Reason.BOTH_REFUSED),
        interleaved=interleaved,
        alone=alone,
        keys=about_how_many(connection, operation, fingerprint),
        noise=_open_noise(connection, operation, fingerprint, covered, minor),
    )


def _minor_signatures(
    connection: Connection, operation: str, fingerprint: str, minor: Collection[Path]
) -> frozenset[str]:
    """The signatures of differences at one of these paths."""
    if not minor:
        return frozenset()
    f = schema.findings.c
    chosen = sa.select(f.signature, f.general_path).where(f.operation == operation, f.fingerprint == fingerprint)
    found = ((signature, general) for signature, general in connection.execute(chosen) if signature != UNEXPLAINED)
    return frozenset(signature for signature, general in found if any(is_at(path, general) for path in minor))


def _open_noise(
    connection: Connection, operation: str, fingerprint: str, covered: frozenset[str], minor: Collection[Path]
) -> NoiseEvidence:
    """What the draws told, but where people agreed to a difference: there new is known to be another."""
    told = noise(connection, operation, fingerprint)
    if not told.paths or not (covered or minor):
        return told
    f = schema.findings.c
    known = sa.select(f.signature, f.general_path, f.kind).where(f.operation == operation).distinct()
    agreed = {(path, kind) for signature, path, kind in connection.execute(known) if signature in covered}
    paths = (path for path in told.paths if (path.general_path, path.kind) not in agreed)
    left = (path for path in paths if not any(is_at(at, path.general_path) for at in minor))
    return NoiseEvidence(told.samples, tuple(left))


def in_force(
    connection: Connection, operation: str, fingerprint: str, now: float, accepted: Collection[AcceptedSignature]
) -> frozenset[str]:
    """The accepted signatures that hold: not past their day, and not seen more often than was accepted."""
    candidates = [item for item in accepted if item.signature != UNEXPLAINED and not (item.until and item.until <= now)]
    if not any(item.max_rate is not None for item in candidates):
        return frozenset(item.signature for item in candidates)
    t, f = schema.exchange_tally.c, schema.findings.c
    compared = connection.scalar(
        sa.select(sa.func.coalesce(sa.func.sum(t.count), 0)).where(
            t.operation == operation, t.fingerprint == fingerprint, t.cohort == EVERYBODY, t.kind.in_(COMPARED)
        )
    )
    seen = dict(
        connection.execute(
            sa.select(f.signature, f.count).where(f.operation == operation, f.fingerprint == fingerprint)
        ).all()
    )
    total = int(compared or 0)
    return frozenset(
        item.signature
        for item in candidates
        if item.max_rate is None or seen.get(item.signature, 0) <= item.max_rate * total
    )


def uncounted_since(connection: Connection, operation: str, since: float) -> dict[Reason, int]:
    """What was not compared, and belongs to no fingerprint, by reason."""
    u = schema.uncounted.c
    chosen = sa.select(u.reason, sa.func.sum(u.count)).where(u.operation == operation, u.at >= since).group_by(u.reason)
    return {Reason(reason): int(count) for reason, count in connection.execute(chosen)}


def cohorts(connection: Connection, operation: str, fingerprint: str) -> list[str]:
    """The cohorts of whose exchanges any has an outcome under this fingerprint, sorted."""
    t = schema.exchange_tally.c
    chosen = sa.select(t.cohort).where(t.operation == operation, t.fingerprint == fingerprint, t.cohort != EVERYBODY)
    return sorted(connection.scalars(chosen.distinct()))


def depth(connection: Connection, operation: str | None = None) -> int:
    """How many exchanges wait for their outcome."""
    chosen = sa.select(sa.func.count()).select_from(schema.exchanges).where(is_unfinished())
    if operation is not None:
        chosen = chosen.where(schema.exchanges.c.operation == operation)
    return int(connection.scalar(chosen) or 0)


def tallies(connection: Connection) -> list[Tally]:
    """Outcomes of everything, by operation, fingerprint, kind and reason."""
    t, u = schema.exchange_tally.c, schema.uncounted.c
    judged = sa.select(t.operation, t.fingerprint, t.kind, t.reason, sa.func.sum(t.count)).where(t.cohort == EVERYBODY)
    judged = judged.group_by(t.operation, t.fingerprint, t.kind, t.reason)
    skipped = sa.select(u.operation, u.reason, sa.func.sum(u.count)).group_by(u.operation, u.reason)
    found = [
        Tally(operation, fingerprint, OutcomeKind(kind), Reason(reason) if reason else None, int(count))
        for operation, fingerprint, kind, reason, count in connection.execute(judged)
    ]
    found += [
        Tally(operation, "", OutcomeKind.NOT_COMPARED, Reason(reason), int(count))
        for operation, reason, count in connection.execute(skipped)
    ]
    return found


def _spans(rows: Collection[Any]) -> dict[str, _Span]:
    spans: dict[str, _Span] = {}
    for row in rows:
        there = spans.get(row.fingerprint, _Span(row.first_at, row.last_at))
        spans[row.fingerprint] = _Span(min(there.first_at, row.first_at), max(there.last_at, row.last_at))
    return spans


def _begin(spans: Mapping[str, _Span], fingerprint: str) -> float:
    """From when on skipped exchanges belong to this fingerprint: since the last outcome under an earlier one."""
    mine = spans.get(fingerprint)
    if mine is None:
        return 0.0
    ended = [span.last_at for name, span in spans.items() if name != fingerprint and span.last_at < mine.first_at]
    return max(ended, default=0.0)


def _interleaved(
    connection: Connection, operation: str, fingerprint: str, spans: Mapping[str, _Span], since: float
) -> tuple[int, int]:
    """Exchanges under other fingerprints that began after one under this; and those under this after the last of them.

    Only callers' exchanges: a replay asks a build that answers nobody yet.
    Ordered by when the exchange began, for a slow one may be judged long after. Nothing is read where every other
    outcome was there before the first under this: that is how a clean swap looks.
    """
    mine = spans.get(fingerprint)
    others = [span.last_at for name, span in spans.items() if name != fingerprint]
    if mine is None or max(others, default=0.0) < max(mine.first_at, since):
        return 0, 0
    x = schema.exchanges.c
    here = sa.and_(x.operation == operation, x.at >= since, x.origin == Origin.CALLER)
    first = connection.scalar(sa.select(sa.func.min(x.at)).where(here, x.fingerprint == fingerprint))
    if first is None:
        return 0, 0
    others_after = sa.select(sa.func.count(), sa.func.max(x.at)).where(here, x.at > first, x.fingerprint != fingerprint)
    count, last = connection.execute(others_after).one()
    if not count:
        return 0, 0
    alone = sa.select(sa.func.count()).where(here, x.at > last, x.fingerprint == fingerprint)
    return int(count), int(connection.scalar(alone) or 0)


def overlaid(kind: OutcomeKind, signatures: str | None, covered: frozenset[str]) -> OutcomeKind:
    """A mismatch whose every signature is accepted is accepted; everything else stays what it is."""
    if kind is not OutcomeKind.MISMATCH or not covered:
        return kind
    found = frozenset(orjson.loads(signatures or "[]"))
    return OutcomeKind.ACCEPTED if found and found <= covered else kind


def _input_counts(
    connection: Connection, operation: str, fingerprint: str, cohort: str, covered: frozenset[str]
) -> tuple[dict[OutcomeKind, int], int]:
    """Inputs by worst outcome, and how many of them were not compared."""
    i = schema.input_tally.c
    chosen = sa.select(i.worst, i.beside, i.signatures, i.count).where(
        i.operation == operation, i.fingerprint == fingerprint, i.cohort == cohort, i.count > 0
    )
    by_kind: dict[OutcomeKind, int] = {}
    for worst, beside, signatures, count in connection.execute(chosen):
        kind = BY_RANK[worst]
        if overlaid(kind, signatures, covered) is OutcomeKind.ACCEPTED and kind is OutcomeKind.MISMATCH:
            kind = BY_RANK[max(beside, RANK[OutcomeKind.ACCEPTED])]
        by_kind[kind] = by_kind.get(kind, 0) + count
    return by_kind, by_kind.get(OutcomeKind.NOT_COMPARED, 0)


def _scaled(reasons: Mapping[Reason, int], inputs: int) -> dict[Reason, int]:
    """Reasons of exchanges as reasons of inputs: the same order, adding up to the number of inputs."""
    scaled: dict[Reason, int] = {}
    left, remaining = inputs, sum(reasons.values())
    for reason, count in sorted(reasons.items(), key=lambda item: -item[1]):
        share = min(left, -(-left * count // remaining)) if remaining else 0
        if share:
            scaled[reason] = share
        left -= share
        remaining -= count
    return scaled


def _with_skipped(
    by_kind: Mapping[OutcomeKind, int], reasons: Mapping[Reason, int], skipped: Mapping[Reason, int]
) -> Counts:
    kinds, not_compared = dict(by_kind), dict(reasons)
    for reason, count in skipped.items():
        not_compared[reason] = not_compared.get(reason, 0) + count
        kinds[OutcomeKind.NOT_COMPARED] = kinds.get(OutcomeKind.NOT_COMPARED, 0) + count
    return Counts(kinds, not_compared)
