"""Reads what only some gates ask about: nothing is read for a gate that the plan does not name."""

from collections.abc import Sequence
from dataclasses import replace

from strangler.evidence import (
    AnsweredEvidence,
    Evidence,
    LatencyBucket,
    LatencyEvidence,
    RowsEvidence,
    RowsRun,
    rows_digest,
)
from strangler.journal import Journal
from strangler.journal.row_runs import RowRun
from strangler.plan.models import Plan
from strangler.stages import Side


def with_added(evidence: Evidence, plan: Plan, journal: Journal, now: float) -> Evidence:
    """The evidence with what the plan's added gates read.

    Times and failures stand under no fingerprint of their own, so they are those since the first comparison under the
    present one; that nothing else answered since then is the business of the gates.

    Args:
        evidence: what every gate reads.
        plan: says which gates the operation has.
        journal: where it is read.
        now: seconds since the epoch.
    """
    policy = plan.operations[evidence.operation].gates
    if policy.rows is not None and policy.rows.name in plan.rows:
        evidence = replace(evidence, rows=_rows(plan, policy.rows.name, journal))
    first_at = evidence.parity.first_at if evidence.parity else None
    if first_at is None:
        return evidence
    answered, latency = evidence.answered, evidence.latency
    if policy.errors is not None:
        seen = journal.window(evidence.operation, first_at)
        answered = AnsweredEvidence(evidence.fingerprint, first_at, seen.requests, seen.failed)
    if policy.latency is not None:
        latency = _latency(evidence, journal, max(first_at, now - policy.latency.window_h * 3600))
    return replace(evidence, answered=answered, latency=latency)


def _rows(plan: Plan, name: str, journal: Journal) -> RowsEvidence:
    """The newest run that ended under the present plan, with how old its first reading is."""
    runs, present = journal.row_runs(name), rows_digest(plan, name)
    here = [run for run in runs if run.result.get("plan") == present]
    ended = [place for place, run in enumerate(here) if run.result.get("is_complete") is True]
    elsewhere = sum(run.result.get("plan") != present and run.result.get("is_complete") is True for run in runs)
    newer = here[: ended[0]] if ended else here
    stopped = max((run.result["differences"] for run in newer), default=0)
    return RowsEvidence(name, _row_run(here[ended[0] :]) if ended else None, elsewhere, stopped)


def _row_run(runs: Sequence[RowRun]) -> RowsRun:
    """The first of these runs, newest first. If it went on where others had stopped, it is as old as they are."""
    run, result = runs[0], runs[0].result
    began_at = result["began_at"]
    for before in runs[1:] if result.get("resumed") else ():
        if before.result.get("is_complete"):
            break
        began_at = min(began_at, before.result["began_at"])
    counts = result["differences"], result["old_rows"], result["new_rows"]
    return RowsRun(run.run, began_at, run.at, result["is_complete"], *counts)


def _latency(evidence: Evidence, journal: Journal, since: float) -> LatencyEvidence:
    seen = journal.latencies(evidence.operation, since)
    sides = {
        side: tuple(LatencyBucket(low_s * 1000, high_s * 1000, count) for low_s, high_s, count in seen[side])
        for side in Side
    }
    return LatencyEvidence(evidence.fingerprint, since, sides[Side.OLD], sides[Side.NEW])
