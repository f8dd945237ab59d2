"""Whether the evidence has shown enough of what the old side's contract promises."""

from math import ceil, isfinite

from strangler.evidence import CoverageEvidence, Evidence, Result, Verdict
from strangler.gates.verdicts import no_data, percent
from strangler.plan.models import CoverageGate

MOST_NAMED = 5
"""So many unseen items are named; of more it is said how many there are."""


def coverage(evidence: Evidence, policy: CoverageGate) -> Verdict:
    """Whether enough items of the contract were seen in exchanges that were compared on the present builds."""
    threshold = f"{percent(policy.min)} of the contract's items"
    remedy = "a worker that reads the contract, and traffic"
    if evidence.coverage is None:
        return no_data("coverage", "no worker has read the old side's contract yet", threshold, remedy=remedy)
    damage = _damage(evidence.coverage)
    if damage:
        return no_data("coverage", damage, threshold, remedy=remedy)
    seen = evidence.coverage.without(item.item for item in policy.never)
    source = f" at {seen.source}" if seen.source else ""
    trouble = f"the contract{source} could not be read the last time: {seen.trouble}" if seen.trouble else ""
    if not seen.expected:
        reason = trouble or f"the contract{source} holds nothing that could be seen"
        return no_data("coverage", reason, threshold, remedy="a contract that can be read")
    value = f"{seen.seen:,} of {seen.expected:,} items, {percent(seen.share)}"
    if not seen.seen and seen.elsewhere > 0:
        reason = f"all {seen.elsewhere:,} items that were seen were seen on other builds or under another plan entry"
        return Verdict("coverage", Result.STALE, (reason,), value, threshold, "comparisons on the present builds")
    reasons = [f"{len(seen.unseen):,} items were never seen: {_named(seen.unseen)}"] if seen.unseen else []
    remedies = []
    missing = ceil(policy.min * seen.expected) - seen.seen if isfinite(policy.min) else seen.expected
    if not seen.share >= policy.min:
        remedies.append(f"{max(1, missing):,} more items seen, by traffic or by probes, or said to be 'never' seen")
    if trouble:
        reasons.insert(0, trouble)
        remedies.append("a contract that can be read")
    result = Result.HOLD if remedies else Result.PASS
    return Verdict("coverage", result, tuple(reasons), value, threshold, ", and ".join(remedies))


def _named(unseen: tuple[str, ...]) -> str:
    more = len(unseen) - MOST_NAMED
    return ", ".join(unseen[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _damage(seen: CoverageEvidence) -> str:
    """What is wrong with the figures themselves; empty where nothing is."""
    for count in (seen.expected, seen.seen, seen.elsewhere):
        if not isinstance(count, int) or count < 0:
            return f"{count!r} is no number of items"
    if seen.seen + len(seen.unseen) != seen.expected:
        return "the figures of the contract's items do not add up"
    return ""
