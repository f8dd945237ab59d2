"""Whether new is shown to fail rarely enough, whoever asked it."""

from strangler.bounds import is_below, needed, upper_bound
from strangler.evidence import AnsweredEvidence, Evidence, ParityEvidence, Result, Verdict
from strangler.exchange import OutcomeKind
from strangler.gates.soundness import compared_count, damage_of_parity, missing, mixed
from strangler.gates.verdicts import is_past, no_data, percent
from strangler.plan.gate_models import ErrorsGate


def errors(evidence: Evidence, policy: ErrorsGate, now: float) -> Verdict:
    """Whether the share of new's answers that failed is shown to be below the policy's.

    Exchanges that were judged, and requests that new answered to callers, are two counts of which one may be part of
    the other. The larger is the sample, and failures of both count: too many rather than too few.
    """
    seen, answered = evidence.parity, evidence.answered
    threshold = f"below {percent(policy.max_ratio)} at {percent(policy.confidence)} confidence"
    absent = missing("errors", evidence, seen, threshold)
    if absent is not None or seen is None or answered is None:
        return absent or no_data("errors", "nobody counted what new answered to callers", threshold)
    if answered.fingerprint != evidence.fingerprint:
        return Verdict("errors", Result.STALE, ("the count is of other builds",), "", threshold, "a new count")
    damage = damage_of_parity(seen, now) or _damage(answered, policy, now)
    if damage:
        return no_data("errors", damage, threshold)
    failed, n = _sample(seen, answered)
    if not n:
        return no_data("errors", "new was not asked under the present fingerprint", threshold)
    value = (
        f"{failed:,} of {n:,} answers, at most {percent(upper_bound(failed, n, policy.confidence, policy.max_ratio))}"
    )
    doubt = mixed(seen)
    reasons, remedies = ([doubt[0]], [doubt[1]]) if doubt else ([], [])
    if not is_below(failed, n, policy.max_ratio, policy.confidence):
        more = needed(failed, n, policy.max_ratio, policy.confidence)
        reasons.append(f"{failed:,} of {n:,} answers of new failed: too many, or too few answers to show more")
        remedies.insert(0, f"{more:,} more answers of new, none of them failed")
    result = Result.HOLD if remedies else Result.PASS
    return Verdict("errors", result, tuple(reasons), value, threshold, ", and ".join(remedies))


def _sample(seen: ParityEvidence, answered: AnsweredEvidence) -> tuple[int, int]:
    """Failures and size of the sample. What was not compared says nothing about new's failures and is no part of it."""
    n = max(compared_count(seen.exchanges), answered.requests)
    return min(n, seen.exchanges.of(OutcomeKind.NEW_FAILED) + answered.failed), n


def _damage(answered: AnsweredEvidence, policy: ErrorsGate, now: float) -> str:
    """What is wrong with the figures or the limits themselves; empty where nothing is."""
    for count in (answered.requests, answered.failed):
        if not isinstance(count, int) or count < 0:
            return f"{count!r} is no number of answers"
    if answered.failed > answered.requests:
        return "more answers failed than there were"
    if not is_past(answered.since, now):
        return "answers were counted from no time in the past: a clock is wrong"
    if not (0 < policy.max_ratio < 1 and 0 < policy.confidence < 1):
        return f"a rate below {policy.max_ratio!r} at {policy.confidence!r} confidence is nothing that can be shown"
    return ""
