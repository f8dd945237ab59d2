"""Whether a load run on the present builds stayed within its budget."""

from math import isfinite

from strangler.evidence import Evidence, LoadEvidence, LoadSide, Result, Verdict
from strangler.gates.verdicts import is_past, no_data, percent
from strangler.plan.models import Budget, LoadGate

REACHED_RATIO = 0.9
"""A load run that reached less than this share of its rate or duration did not test the budget."""


def load(evidence: Evidence, policy: LoadGate, budget: Budget, now: float) -> Verdict:
    """Whether a load run on the present builds stayed within the budget."""
    run = evidence.load
    threshold = f"within budget {policy.budget}"
    remedy = f"a load run with budget {policy.budget}"
    reason = "there is no load run of this operation" if run is None else _unfit(run, evidence, policy, budget, now)
    if run is None or reason:
        return no_data("load", reason, threshold, remedy=remedy)
    reason = _stale_load(run, evidence, policy, now)
    if reason:
        return Verdict("load", Result.STALE, (reason,), f"run {run.run}", threshold, remedy)
    reasons = [*_short_of_budget(run, budget), *_over_budget(run, budget)]
    value = (
        f"p99 {run.new.p99_ms:.1f} ms new, {run.old.p99_ms:.1f} ms old, {run.new.errors:,} errors in "
        f"{run.new.requests:,}"
    )
    if reasons:
        return Verdict("load", Result.HOLD, tuple(reasons), value, threshold, remedy + " that stays within it")
    return Verdict("load", Result.PASS, (), value, threshold)


def _unfit(run: LoadEvidence, evidence: Evidence, policy: LoadGate, budget: Budget, now: float) -> str:
    """Why the run is no data for this gate; empty where it is."""
    if run.operation != evidence.operation:
        return f"the load run is of {run.operation}"
    damage = _damage_of_load(run, now)
    if damage:
        return damage
    if run.budget != policy.budget:
        return f"the load run was made with budget {run.budget}"
    fewest = min(run.old.requests, run.new.requests)
    if fewest < max(1, budget.min_requests):
        return f"a side answered only {fewest:,} requests; {budget.min_requests:,} are the fewest that count"
    return ""


def _damage_of_load(run: LoadEvidence, now: float) -> str:
    figures = [run.duration_s, run.rate_per_s, run.achieved_per_s]
    for side in (run.old, run.new):
        figures += [side.requests, side.errors, side.p50_ms, side.p95_ms, side.p99_ms, side.max_ms]
    if not all(isinstance(figure, int | float) and isfinite(figure) and figure >= 0 for figure in figures):
        return "the load run has figures that are no numbers"
    if not all(_is_ordered(side) for side in (run.old, run.new)):
        return "the load run's figures contradict each other"
    if not is_past(run.at, now):
        return "the load run is from the future: a clock is wrong"
    return ""


def _stale_load(run: LoadEvidence, evidence: Evidence, policy: LoadGate, now: float) -> str:
    """Why the run no longer counts; empty where it does."""
    age_h = (now - run.at) / 3600
    if run.fingerprint != evidence.fingerprint:
        return "the load run was made on other builds or under another plan entry"
    if age_h > policy.max_age_h:
        return f"the load run is {age_h:.1f} h old; at most {policy.max_age_h:g} h are allowed"
    return ""


def _is_ordered(side: LoadSide) -> bool:
    percentiles = (side.p50_ms, side.p95_ms, side.p99_ms, side.max_ms)
    return side.errors <= side.requests and list(percentiles) == sorted(percentiles)


def _short_of_budget(run: LoadEvidence, budget: Budget) -> list[str]:
    """In what the run asked less of the systems than the budget says."""
    reasons = []
    if run.achieved_per_s < budget.rate_per_s * REACHED_RATIO:
        reasons.append(f"the run reached {run.achieved_per_s:.1f} requests/s of {budget.rate_per_s:g}")
    if run.duration_s < budget.duration_s * REACHED_RATIO:
        reasons.append(f"the run took {run.duration_s:.1f} s of {budget.duration_s:g}")
    return reasons


def _over_budget(run: LoadEvidence, budget: Budget) -> list[str]:
    reasons = []
    for name, side in (("new", run.new), ("old", run.old)):
        ratio = side.errors / side.requests
        if ratio > budget.error_ratio:
            reasons.append(
                f"{side.errors:,} of {side.requests:,} requests to {name} failed ({percent(ratio)}); "
                f"the budget is {percent(budget.error_ratio)}"
            )
    if budget.p99_ms is not None and not run.new.p99_ms <= budget.p99_ms:
        reasons.append(f"p99 of new is {run.new.p99_ms:.1f} ms; the budget is {budget.p99_ms:g} ms")
    if budget.p99_ratio is not None:
        if run.old.p99_ms <= 0:
            reasons.append("p99 of old is 0 ms, so there is nothing to compare new with")
        elif run.new.p99_ms / run.old.p99_ms > budget.p99_ratio:
            ratio = run.new.p99_ms / run.old.p99_ms
            reasons.append(f"p99 of new is {ratio:.2f} times that of old; the budget is {budget.p99_ratio:g} times")
    return reasons
