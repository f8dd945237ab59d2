"""What happens when a worker has judged exchanges: rows, rollups, findings, in one transaction.

The rollups (``exchange_tally``, ``input_tally``, ``rule_tally``, ``noise_tally``, ``findings``, ``coverage``) are kept
as outcomes arrive, so a gate reads a few rows whatever the journal's size. A result that comes twice counts once.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from strangler.exchange import Judged, Origin, Outcome, OutcomeKind, Reason
from strangler.journal import rollups, schema
from strangler.journal.coverage import store_covered
from strangler.journal.crypto import Sealer
from strangler.journal.findings import bump_findings
from strangler.journal.frames import pack_differences, pack_observation, unpack_exchange
from strangler.journal.keys import bump_keys
from strangler.journal.records import COMPARED, RANK, State
from strangler.journal.tallies import bump_noise, bump_rules
from strangler.journal.upserts import CHUNK, upsert

UNEXPLAINED = ""
"""The signature of a mismatch that names no difference: nothing can accept it."""

MOST_SIGNATURES = 64
"""An input with more different findings than this is counted as unexplained: no acceptance covers it."""


EVERYBODY = ""
"""The cohort under which exchanges of all cohorts are counted together, and those that have none."""

_x, _i = schema.exchanges.c, schema.inputs.c
_UNJUDGED = sa.select(
    _x.id, _x.operation, _x.cohort, _x.at, _x.origin, _x.key_digest, sa.func.length(_x.sealed).label("size")
).where(_x.id.in_(sa.bindparam("ids", expanding=True)), _x.state != State.JUDGED)
_INPUTS = sa.select(_i.input, _i.worst, _i.beside, _i.signatures).where(
    _i.operation == sa.bindparam("the_operation"),
    _i.fingerprint == sa.bindparam("the_fingerprint"),
    _i.cohort == sa.bindparam("the_cohort"),
    _i.input.in_(sa.bindparam("names", expanding=True)),
)
"""Made once: to make them with hundreds of values each time takes longer than to run them."""


@dataclass(frozen=True, slots=True)
class _Group:
    """What counts together: the first columns of a tally's key."""

    operation: str
    fingerprint: str
    cohort: str

    @property
    def columns(self) -> dict[str, str]:
        return {"operation": self.operation, "fingerprint": self.fingerprint, "cohort": self.cohort}


@dataclass(slots=True)
class _InputState:
    """One input's row while a batch is worked in."""

    worst: int = -1
    beside: int = -1
    signatures: frozenset[str] = frozenset()

    @property
    def tally_key(self) -> tuple[int, int, str]:
        return self.worst, self.beside, encode_signatures(self.signatures)


def encode_signatures(signatures: Iterable[str]) -> str:
    """A set of signatures as the text that the tables hold: one text for one set."""
    found = sorted(signatures)
    return orjson.dumps(found).decode() if found else "[]"


def signatures_of(outcome: Outcome) -> frozenset[str]:
    """The signatures of a mismatch; none for any other outcome."""
    if outcome.kind is not OutcomeKind.MISMATCH:
        return frozenset()
    found = frozenset(difference.signature for difference in outcome.differences)
    return found if 0 < len(found) <= MOST_SIGNATURES else frozenset({UNEXPLAINED})


def finish(connection: Connection, sealer: Sealer, results: Sequence[Judged], now: float) -> list[tuple[Judged, str]]:
    """Store what workers learnt; the results that were new, each with its operation."""
    rows = _unjudged(connection, results)
    sizes = {name: row.size or 0 for name, row in rows.items()}
    counts = _rollups(results, rows)
    keys = {name: row.key_digest for name, row in rows.items() if row.key_digest}
    cohorts = {name: row.cohort for name, row in rows.items() if row.cohort}
    callers = {name for name, row in rows.items() if row.origin == Origin.CALLER}
    fresh: list[tuple[Judged, str]] = []
    for result in results:
        row = rows.pop(result.exchange_id, None)  # popped: the same exchange twice in one batch counts once
        if row is not None:
            fresh.append((result, row.operation))
    if not fresh:
        return []
    _store_rows(connection, sealer, fresh, now)
    store_gaps(connection, sealer, {result.exchange_id: result.gap for result, _ in fresh if result.gap})
    store_covered(connection, fresh, now)
    rollups.bump(connection, counts)
    with_fingerprint = [item for item in fresh if item[0].outcome.fingerprint]
    _store_uncounted(connection, [item for item in fresh if not item[0].outcome.fingerprint], now)
    groups: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for result, operation in with_fingerprint:
        groups[operation, result.outcome.fingerprint].append(result)
    _bump_heard(connection, groups, callers, now)
    for (operation, fingerprint), members in groups.items():
        new_pairs = _bump_outcomes(connection, _Group(operation, fingerprint, EVERYBODY), members, now)
        for cohort, of_cohort in _by_cohort(members, cohorts).items():
            _bump_outcomes(connection, _Group(operation, fingerprint, cohort), of_cohort, now)
        of_members = [keys[result.exchange_id] for result in members if result.exchange_id in keys]
        bump_keys(connection, operation, fingerprint, of_members, now)
        bump_rules(connection, operation, fingerprint, members, now)
        bump_noise(connection, operation, fingerprint, members)
        bump_findings(
            connection, sealer, operation, fingerprint, members=members, sizes=sizes, new_pairs=new_pairs, now=now
        )
    return fresh


def _rollups(results: Sequence[Judged], rows: Mapping[str, Any]) -> rollups.Counts:
    """What these results add to the figures of traffic; each exchange once."""
    counts: rollups.Counts = Counter()
    for name, result in {result.exchange_id: result for result in reversed(results)}.items():
        row = rows.get(name)
        if row is not None and row.origin == Origin.CALLER:
            is_compared = result.outcome.kind in COMPARED
            counts.update(rollups.of_judged(row.operation, row.at, result.observations, is_compared=is_compared))
    return counts


def _bump_heard(
    connection: Connection, groups: Mapping[tuple[str, str], Sequence[Judged]], callers: Collection[str], now: float
) -> None:
    """Note when callers' exchanges were judged: what nobody asked for does not soak."""
    rows = [
        {"operation": operation, "fingerprint": fingerprint, "first_at": now, "last_at": now}
        for (operation, fingerprint), members in groups.items()
        if any(result.exchange_id in callers for result in members)
    ]
    changes = {"first_at": "least", "last_at": "greatest"}
    upsert(connection, schema.heard, ("operation", "fingerprint"), rows, changes)


def _by_cohort(members: Sequence[Judged], cohorts: Mapping[str, str]) -> dict[str, list[Judged]]:
    """The results of exchanges that have a cohort, by cohort."""
    found: dict[str, list[Judged]] = defaultdict(list)
    for result in members:
        cohort = cohorts.get(result.exchange_id)
        if cohort:
            found[cohort].append(result)
    return found


def _bump_outcomes(
    connection: Connection, group: _Group, members: Sequence[Judged], now: float
) -> set[tuple[str, str]]:
    """Count exchanges and inputs by outcome; the pairs of signature and input that had not been seen."""
    _bump_exchanges(connection, group, members, now)
    return _bump_inputs(connection, group, members)


def _unjudged(connection: Connection, results: Sequence[Judged]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    ids = [result.exchange_id for result in results]
    for start in range(0, len(ids), CHUNK):
        rows = connection.execute(_UNJUDGED, {"ids": ids[start : start + CHUNK]}).all()
        found.update((row.id, row) for row in rows)
    return found


def _store_rows(connection: Connection, sealer: Sealer, fresh: Sequence[tuple[Judged, str]], now: float) -> None:
    updates: list[tuple[Any, ...]] = []
    seen: list[tuple[Any, ...]] = []
    for result, operation in fresh:
        outcome = result.outcome
        has_more = outcome.differences or outcome.detail
        updates.append(
            (
                now,
                str(outcome.kind),
                None if outcome.reason is None else str(outcome.reason),
                outcome.fingerprint,
                outcome.input,
                encode_signatures(signatures_of(outcome)),
                outcome.settled,
                sealer.seal(result.exchange_id, pack_differences(outcome.differences, outcome.detail))
                if has_more
                else None,
                result.exchange_id,
            )
        )
        seen.extend(
            (
                result.exchange_id,
                operation,
                str(observation.side),
                observation.at,
                observation.duration_s,
                int(observation.has_failed),
                sealer.seal(result.exchange_id, pack_observation(observation)),
            )
            for observation in result.observations
        )
    judged, observed = _statements(connection.dialect.name)
    connection.exec_driver_sql(judged, updates)
    if seen:
        connection.exec_driver_sql(observed, seen)


@cache
def _statements(dialect: str) -> tuple[str, str]:
    """The two that run once for each exchange, as text: rows go to the driver as they are."""
    mark = "?" if dialect == "sqlite" else "%s"
    changed = ("judged_at", "outcome", "reason", "fingerprint", "input", "signatures", "settled", "judged_sealed")
    changes = ", ".join(f"{column} = {mark}" for column in changed)
    stored = ("exchange_id", "operation", "side", "at", "duration_s", "failed", "sealed")
    ended = f"state = '{State.JUDGED}', worker = NULL, lease_until = NULL"
    return (
        f"UPDATE exchanges SET {ended}, {changes} WHERE id = {mark}",
        f"INSERT INTO observations ({', '.join(stored)}) VALUES ({', '.join([mark] * len(stored))})",
    )


def store_gaps(connection: Connection, sealer: Sealer, whys: Mapping[str, str]) -> None:
    """Keep a gap for each of these exchanges, with its key and why the other side may lack its write."""
    x = schema.exchanges.c
    ids = list(whys)
    for start in range(0, len(ids), CHUNK):
        chosen = sa.select(x.id, x.operation, x.at, x.sealed).where(x.id.in_(ids[start : start + CHUNK]))
        rows = []
        for row in connection.execute(chosen):
            key = None if row.sealed is None else unpack_exchange(sealer.open(row.id, row.sealed))[0]
            sealed = None if key is None else sealer.seal("gap", key.encode("utf-8", "surrogatepass"))
            rows.append({"operation": row.operation, "sealed": sealed, "count": 1, "at": row.at, "why": whys[row.id]})
        if rows:
            connection.execute(sa.insert(schema.gaps), rows)


def _store_uncounted(connection: Connection, items: Sequence[tuple[Judged, str]], now: float) -> None:
    """An outcome without a fingerprint proves nothing, so it counts as not compared."""
    rows = [
        {
            "operation": operation,
            "reason": result.outcome.reason or Reason.COMPARER_FAILED,
            "entry": "",
            "count": 1,
            "at": now,
            "is_loss": 0,
        }
        for result, operation in items
    ]
    if rows:
        connection.execute(sa.insert(schema.uncounted), rows)


def _bump_exchanges(connection: Connection, group: _Group, members: Sequence[Judged], now: float) -> None:
    counts: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for result in members:
        outcome = result.outcome
        key = (outcome.kind.value, outcome.reason or "", encode_signatures(signatures_of(outcome)))
        counts[key][0] += 1
        counts[key][1] += int(outcome.settled > 0)
    rows = [
        {
            **group.columns,
            "kind": kind,
            "reason": reason,
            "signatures": signatures,
            "count": count,
            "settled": settled,
            "first_at": now,
            "last_at": now,
        }
        for (kind, reason, signatures), (count, settled) in counts.items()
    ]
    changes = {"count": "add", "settled": "add", "first_at": "least", "last_at": "greatest"}
    key_columns = ("operation", "fingerprint", "cohort", "kind", "reason", "signatures")
    upsert(connection, schema.exchange_tally, key_columns, rows, changes)


def _bump_inputs(connection: Connection, group: _Group, members: Sequence[Judged]) -> set[tuple[str, str]]:
    """Work the batch into the inputs; the pairs of signature and input that had not been seen."""
    before = _inputs_before(connection, group, sorted({result.outcome.input for result in members}))
    after = {name: _InputState(state.worst, state.beside, state.signatures) for name, state in before.items()}
    new_pairs: set[tuple[str, str]] = set()
    for result in members:
        outcome = result.outcome
        state = after.setdefault(outcome.input, _InputState())
        rank = RANK[outcome.kind]
        state.worst = max(state.worst, rank)
        if outcome.kind is not OutcomeKind.MISMATCH:
            state.beside = max(state.beside, rank)
            continue
        found = signatures_of(outcome)
        new_pairs.update((signature, outcome.input) for signature in found - state.signatures)
        joined = state.signatures | found
        state.signatures = joined if len(joined) <= MOST_SIGNATURES else frozenset({UNEXPLAINED})
    _store_inputs(connection, group, before, after)
    return new_pairs


def _inputs_before(connection: Connection, group: _Group, names: Sequence[str]) -> dict[str, _InputState]:
    found: dict[str, _InputState] = {}
    under = {f"the_{column}": value for column, value in group.columns.items()}
    for start in range(0, len(names), CHUNK):
        rows = connection.execute(_INPUTS, {**under, "names": names[start : start + CHUNK]}).all()
        for name, worst, beside, signatures in rows:
            found[name] = _InputState(worst, beside, frozenset(orjson.loads(signatures)))
    return found


def _store_inputs(
    connection: Connection,
    group: _Group,
    before: dict[str, _InputState],
    after: dict[str, _InputState],
) -> None:
    rows: list[dict[str, Any]] = []
    deltas: dict[tuple[int, int, str], int] = defaultdict(int)
    under = group.columns
    for name, state in after.items():
        earlier = before.get(name)
        if earlier is not None and earlier.tally_key == state.tally_key:
            continue
        if earlier is not None:
            deltas[earlier.tally_key] -= 1
        deltas[state.tally_key] += 1
        worst, beside, signatures = state.tally_key
        rows.append({**under, "input": name, "worst": worst, "beside": beside, "signatures": signatures})
    replaced = {"worst": "replace", "beside": "replace", "signatures": "replace"}
    upsert(connection, schema.inputs, ("operation", "fingerprint", "cohort", "input"), rows, replaced)
    tallies = [
        {**under, "worst": worst, "beside": beside, "signatures": signatures, "count": delta}
        for (worst, beside, signatures), delta in deltas.items()
        if delta
    ]
    key = ("operation", "fingerprint", "cohort", "worst", "beside", "signatures")
    upsert(connection, schema.input_tally, key, tallies, {"count": "add"})
