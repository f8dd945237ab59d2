"""Whether new is shown to be fast enough beside old, in the traffic that both answered."""

from collections.abc import Sequence
from math import isfinite

from strangler.bounds import fewest_for_quantile, quantile_ranks
from strangler.evidence import Evidence, LatencyBucket, LatencyEvidence, Result, Verdict
from strangler.gates.soundness import damage_of_parity, missing, mixed
from strangler.gates.verdicts import is_past, no_data, percent
from strangler.plan.gate_models import LatencyGate

QUANTILE = 0.99


def latency(evidence: Evidence, policy: LatencyGate, now: float) -> Verdict:
    """Whether the ratio of new's p99 to old's is shown to be below the policy's.

    Each side's p99 lies between two order statistics, at half of the risk each; of their buckets the outer edges count.
    So the ratio's upper end is new's upper one over old's lower one, and holds whenever somebody looks.
    """
    seen = evidence.latency
    threshold = f"p99 of new below {policy.p99_ratio:g} times old's at {percent(policy.confidence)} confidence"
    absent = missing("latency", evidence, evidence.parity, threshold)
    if absent is not None or evidence.parity is None or seen is None:
        return absent or no_data("latency", "nobody measured how long the sides take", threshold)
    if seen.fingerprint != evidence.fingerprint:
        return Verdict("latency", Result.STALE, ("the times are of other builds",), "", threshold, "new times")
    damage = damage_of_parity(evidence.parity, now) or _damage(seen, policy, now)
    if damage:
        return no_data("latency", damage, threshold)
    each = (1 + policy.confidence) / 2
    lacking = _lacking(seen, max(policy.min_answers, fewest_for_quantile(QUANTILE, each)))
    if lacking:
        return no_data("latency", f"too few answers: {lacking} are missing", threshold, remedy=f"{lacking} more")
    old_low, new_high = _interval(seen.old, each)[0], _interval(seen.new, each)[1]
    if old_low <= 0:
        return no_data("latency", "p99 of old is 0 ms, so there is nothing to compare new with", threshold)
    return _said(seen, policy, new_high / old_low, mixed(evidence.parity), threshold)


def _said(
    seen: LatencyEvidence, policy: LatencyGate, upper: float, doubt: tuple[str, str] | None, threshold: str
) -> Verdict:
    old, new = _p99_ms(seen.old), _p99_ms(seen.new)
    value = f"p99 {new:.1f} ms new, {old:.1f} ms old: {new / old:.2f} times, at most {upper:.2f}"
    reasons, remedies = ([doubt[0]], [doubt[1]]) if doubt else ([], [])
    if not upper < policy.p99_ratio:
        reasons.append(
            f"p99 of new may be {upper:.2f} times that of old; the plan allows less than {policy.p99_ratio:g}"
        )
        remedies.append("more answers" if new / old < policy.p99_ratio else "a new side that answers faster")
    result = Result.HOLD if remedies else Result.PASS
    return Verdict("latency", result, tuple(reasons), value, threshold, ", and ".join(remedies))


def _interval(buckets: Sequence[LatencyBucket], confidence: float) -> tuple[float, float]:
    """Between which times, in milliseconds, a side's p99 lies; 0 or infinity where that is not shown."""
    low, high = quantile_ranks(_total(buckets), QUANTILE, confidence)
    least, most = _at(buckets, low), _at(buckets, high)
    return (least.low_ms if least else 0.0), (most.high_ms if most else float("inf"))


def _at(buckets: Sequence[LatencyBucket], rank: int) -> LatencyBucket | None:
    """The bucket of the answer with this rank, counted from 1; ``None`` where there is no such answer."""
    if rank < 1:
        return None
    for bucket in buckets:
        rank -= bucket.count
        if rank <= 0:
            return bucket
    return None


def _p99_ms(buckets: Sequence[LatencyBucket]) -> float:
    """The 99th percentile by nearest rank."""
    found = _at(buckets, -(-_total(buckets) * 99 // 100))
    return (found.low_ms + found.high_ms) / 2 if found else 0.0


def _total(buckets: Sequence[LatencyBucket]) -> int:
    return sum(bucket.count for bucket in buckets)


def _lacking(seen: LatencyEvidence, fewest: int) -> str:
    """How many answers each side lacks, in words; empty where none does."""
    counts = (("new", _total(seen.new)), ("old", _total(seen.old)))
    return " and ".join(f"{fewest - count:,} answers of {side}" for side, count in counts if count < fewest)


def _damage(seen: LatencyEvidence, policy: LatencyGate, now: float) -> str:
    """What is wrong with the figures or the limits themselves; empty where nothing is."""
    for buckets in (seen.old, seen.new):
        last = 0.0
        for bucket in buckets:
            if not isinstance(bucket.count, int) or bucket.count < 0:
                return f"{bucket.count!r} is no number of answers"
            edges = (last, bucket.low_ms, bucket.high_ms)
            if not all(isinstance(edge, int | float) and isfinite(edge) for edge in edges):
                return "the sides' times have figures that are no numbers"
            if not last <= bucket.low_ms <= bucket.high_ms:
                return "the sides' times are out of order"
            last = bucket.high_ms
    if not is_past(seen.since, now):
        return "times were taken from no time in the past: a clock is wrong"
    if not (isfinite(policy.p99_ratio) and policy.p99_ratio > 0 and 0 < policy.confidence < 1):
        return f"a ratio below {policy.p99_ratio!r} at {policy.confidence!r} confidence is nothing that can be shown"
    return ""
