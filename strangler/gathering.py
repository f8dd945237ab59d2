"""Reads what only some gates ask about: nothing is read for a gate that the plan does not name."""

from dataclasses import replace

from strangler.evidence import AnsweredEvidence, Evidence, LatencyBucket, LatencyEvidence
from strangler.journal import Journal
from strangler.plan.models import Gates
from strangler.stages import Side


def with_added(evidence: Evidence, policy: Gates, journal: Journal, now: float) -> Evidence:
    """The evidence with what the plan's added gates read.

    Times and failures stand under no fingerprint of their own, so they are those since the first comparison under the
    present one; that nothing else answered since then is the business of the gates.

    Args:
        evidence: what every gate reads.
        policy: the operation's gates.
        journal: where it is read.
        now: seconds since the epoch.
    """
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


def _latency(evidence: Evidence, journal: Journal, since: float) -> LatencyEvidence:
    seen = journal.latencies(evidence.operation, since)
    sides = {
        side: tuple(LatencyBucket(low_s * 1000, high_s * 1000, count) for low_s, high_s, count in seen[side])
        for side in Side
    }
    return LatencyEvidence(evidence.fingerprint, since, sides[Side.OLD], sides[Side.NEW])
