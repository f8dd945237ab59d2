"""The gates: from evidence and policy to a verdict. Pure: the time comes in as an argument.

Evidence fails closed. Only a positive showing is a PASS; damaged figures (negative, not a number, from the future) and
missing ones are NO DATA, and what was gathered under another fingerprint is STALE.
"""

from collections.abc import Collection, Iterable
from math import isfinite

from strangler.bounds import is_below, needed, upper_bound
from strangler.evidence import Approval, Counts, Evidence, LoadEvidence, LoadSide, ParityEvidence, Result, Verdict
from strangler.exchange import OutcomeKind
from strangler.plan.models import Budget, LoadGate, ParityGate

REACHED_RATIO = 0.9
"""A load run that reached less than this share of its rate or duration did not test the budget."""

PENDING_RATIO = 0.01
"""More exchanges than this share of the inputs still waiting to be compared, and parity is not shown."""

RECENT_H = 1.0
"""The last comparison must be younger than this many hours, or than the soak itself where that is longer."""

FEWEST_SETTLED = 3
"""So many may settle whatever their share: a few races are no sign of anything."""

ALONE_RATIO = 0.5
"""Where another build answered in between, the present one must have gathered this share of its evidence since."""

_FAILURES = (OutcomeKind.MISMATCH, OutcomeKind.NEW_FAILED)


def parity(evidence: Evidence, policy: ParityGate, now: float) -> Verdict:
    """Whether the mismatch rate over distinct inputs is shown to be below the policy's."""
    seen = evidence.parity
    threshold = f"below {_percent(policy.max_mismatch)} at {_percent(policy.confidence)} confidence"
    missing = _missing("parity", evidence, seen, threshold)
    if missing is not None or seen is None:
        return missing or _no_data("parity", "nothing was compared", threshold)
    damage = _damage_of_parity(seen, now)
    if damage:
        return _no_data("parity", damage, threshold)
    failures, n, reasons = _sample(seen.inputs, policy.max_not_compared)
    if seen.pending:
        reasons.append(f"{seen.pending:,} exchanges still wait to be compared")
    if n == 0:
        return _no_data("parity", "no input was compared under the present fingerprint", threshold, reasons)
    bound = upper_bound(failures, n, policy.confidence, policy.max_mismatch)
    value = f"{failures:,} of {n:,} inputs, at most {_percent(bound)}"
    if is_below(failures, n, policy.max_mismatch, policy.confidence):
        doubts = _doubts(seen, policy)
        reasons[:0] = [reason for reason, _ in doubts]
        remedies = [remedy for _, remedy in doubts]
        # A mismatch takes longer to judge than a match (it is asked again): those that wait are the likelier ones.
        if seen.pending > PENDING_RATIO * n:
            remedies.append("the worker to catch up")
        result = Result.HOLD if remedies else Result.PASS
        return Verdict("parity", result, tuple(reasons), value, threshold, ", and ".join(remedies))
    more = needed(failures, n, policy.max_mismatch, policy.confidence)
    if failures:
        reasons.insert(0, f"{failures:,} of {n:,} inputs did not come out equal")
    reasons.append(f"the mismatch rate is only shown to be at most {_percent(bound)}")
    return Verdict("parity", Result.HOLD, tuple(reasons), value, threshold, f"{more:,} more clean comparisons")


def load(evidence: Evidence, policy: LoadGate, budget: Budget, now: float) -> Verdict:
    """Whether a load run on the present builds stayed within the budget."""
    run = evidence.load
    threshold = f"within budget {policy.budget}"
    remedy = f"a load run with budget {policy.budget}"
    reason = "there is no load run of this operation" if run is None else _unfit(run, evidence, policy, budget, now)
    if run is None or reason:
        return _no_data("load", reason, threshold, remedy=remedy)
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


def soak(evidence: Evidence, soak_h: float, now: float) -> Verdict:
    """Whether the present evidence has been gathered for long enough."""
    seen = evidence.parity
    threshold = f"{soak_h:g} h"
    missing = _missing("soak", evidence, seen, threshold)
    if missing is not None or seen is None:
        return missing or _no_data("soak", "nothing was compared", threshold)
    damage = _damage_of_parity(seen, now)
    if damage or seen.first_at is None:
        return _no_data("soak", damage or "nothing was compared under the present fingerprint", threshold)
    age_h = (now - seen.first_at) / 3600
    if not (isfinite(soak_h) and age_h >= soak_h):
        left = soak_h - age_h
        reason = f"the first comparison under the present fingerprint was {age_h:.1f} h ago"
        return Verdict("soak", Result.HOLD, (reason,), f"{age_h:.1f} h", threshold, f"{left:.1f} h more")
    silent_h = (now - (seen.last_at or 0.0)) / 3600
    if silent_h > max(soak_h, RECENT_H):
        reason = f"the last comparison was {silent_h:.1f} h ago: nothing was seen since"
        return Verdict("soak", Result.HOLD, (reason,), f"{age_h:.1f} h", threshold, "traffic that is compared")
    mixed = _mixed(seen)
    if mixed:
        return Verdict("soak", Result.HOLD, (mixed[0],), f"{age_h:.1f} h", threshold, mixed[1])
    return Verdict("soak", Result.PASS, (), f"{age_h:.1f} h", threshold)


def approvals(
    evidence: Evidence, count: int, to: str, requester: str | None, *, approvers: Collection[str], now: float
) -> Verdict:
    """Whether enough people, none of them the requester, approved exactly this rollout on this evidence.

    Args:
        evidence: holds the approvals.
        count: how many different approvers the plan asks for.
        to: the rollout asked for, as text.
        requester: who asks for it; ``None`` while nobody does.
        approvers: who may approve.
        now: seconds since the epoch.
    """
    allowed = {_folded(name) for name in approvers} - ({_folded(requester)} if requester is not None else set())
    given, stale, other = set(), set(), set()
    for approval in evidence.approvals:
        name = _folded(approval.who)
        if name not in allowed or not _is_past(approval.at, now):
            continue
        if approval.to != to:
            other.add(name)
        elif approval.fingerprint != evidence.fingerprint:
            stale.add(name)
        else:
            given.add(name)
    value, threshold = f"{len(given)} of {count}", f"{count} of {len(allowed)} approvers"
    if len(given) >= count >= 0:
        return Verdict(
            "approvals", Result.PASS, (_named(evidence.approvals, given),) if given else (), value, threshold
        )
    reasons = [f"{len(given)} of {count} approvals of {to} on the present evidence"]
    if stale - given:
        reasons.append(f"approved on earlier evidence only: {_named(evidence.approvals, stale - given)}")
    if other - given - stale:
        reasons.append(f"approved another rollout: {_named(evidence.approvals, other - given - stale)}")
    if len(allowed) < count:
        reasons.append(f"the plan names only {len(allowed)} people who may approve this")
    result = Result.STALE if stale and not given else Result.HOLD
    remedy = f"{count - len(given)} more approvals by somebody other than {requester or 'the requester'}"
    return Verdict("approvals", result, tuple(reasons), value, threshold, remedy)


def gaps(evidence: Evidence) -> Verdict:
    """Whether every write of callers is in the journal, or reconciled."""
    count = evidence.gaps
    if not isinstance(count, int) or count < 0:
        return _no_data("gaps", f"{count!r} is no number of gaps", "0")
    if count:
        reason = f"{count:,} writes of callers may be missing on the other side"
        return Verdict(
            "gaps", Result.HOLD, (reason,), f"{count:,}", "0", "reconcile their rows, then strangler gaps close"
        )
    return Verdict("gaps", Result.PASS, (), "0", "0")


def hold(held_by: str | None) -> Verdict:
    """Whether the kill switch is off for this operation; ``held_by`` says who set it and why."""
    if held_by is None:
        return Verdict("hold", Result.PASS, (), "off", "off")
    return Verdict("hold", Result.HOLD, (f"everything is held on old: {held_by}",), "on", "off", "release the hold")


def may_move(verdicts: Iterable[Verdict]) -> bool:
    """Whether every gate passed."""
    return all(verdict.result is Result.PASS for verdict in verdicts)


def _missing(gate: str, evidence: Evidence, seen: ParityEvidence | None, threshold: str) -> Verdict | None:
    """What to say where nothing was compared under the present fingerprint; ``None`` where something was."""
    if seen is None:
        return _no_data(gate, "nothing was compared", threshold)
    if seen.fingerprint != evidence.fingerprint:
        return Verdict(gate, Result.STALE, ("the evidence is of other builds or of another plan entry",), "", threshold)
    if seen.first_at is not None:
        return None
    if seen.other_fingerprints > 0:
        reason = f"all {seen.other_fingerprints:,} comparisons were made on other builds or under another plan entry"
        return Verdict(gate, Result.STALE, (reason,), "0 inputs", threshold, "comparisons on the present builds")
    return _no_data(gate, "nothing was compared under the present fingerprint", threshold)


def _no_data(gate: str, reason: str, threshold: str, more: Iterable[str] = (), remedy: str = "") -> Verdict:
    return Verdict(gate, Result.NO_DATA, (reason, *more), "no data", threshold, remedy or "traffic that is compared")


def _sample(inputs: Counts, max_not_compared: float) -> tuple[int, int, list[str]]:
    """Failures and size of the sample, with what was said about the uncompared."""
    skipped = max(inputs.of(OutcomeKind.NOT_COMPARED), sum(inputs.not_compared.values()))
    failures = sum(inputs.of(kind) for kind in _FAILURES)
    compared = inputs.total - inputs.of(OutcomeKind.NOT_COMPARED)
    if not skipped:
        return failures, compared, []
    by_reason = ", ".join(f"{count:,} {reason}" for reason, count in sorted(inputs.not_compared.items()))
    share = skipped / (compared + skipped)
    text = f"{skipped:,} inputs were not compared ({by_reason or 'no reason given'}), {_percent(share)} of all"
    if share <= max_not_compared:
        return failures, compared, [f"{text}: left out, for the plan allows {_percent(max_not_compared)}"]
    return failures + skipped, compared + skipped, [f"{text}: each counts as a mismatch"]


def _doubts(seen: ParityEvidence, policy: ParityGate) -> list[tuple[str, str]]:
    """Why outcomes that are good enough prove too little all the same: reasons, each with its remedy."""
    found = _mixed(seen), _unstable(seen, policy.max_settled), _refusals(seen, policy.max_refused)
    return [doubt for doubt in found if doubt is not None]


def _mixed(seen: ParityEvidence) -> tuple[str, str] | None:
    """Reason and remedy where another build answered among the present one's exchanges, and may do so still."""
    if seen.interleaved <= 0 or seen.alone >= ALONE_RATIO * seen.exchanges.total:
        return None
    reason = (
        f"two builds answer at the same time, or two plan entries: {seen.interleaved:,} exchanges of the last day are "
        f"of another one, and only {seen.alone:,} of {seen.exchanges.total:,} of the present came after them"
    )
    return reason, "one build to answer alone"


def _unstable(seen: ParityEvidence, max_settled: float) -> tuple[str, str] | None:
    """Reason and remedy where too many exchanges only agreed when both sides were asked again."""
    compared = _compared(seen.exchanges)
    if seen.settled <= max(FEWEST_SETTLED, max_settled * compared):
        return None
    reason = (
        f"{seen.settled:,} of {compared:,} compared exchanges ({_percent(seen.settled / max(1, compared))}) agreed "
        f"only when asked again; the plan allows {_percent(max_settled)}: new is not stable, or races are too common"
    )
    return reason, "comparisons that agree at once"


def _refusals(seen: ParityEvidence, max_refused: float) -> tuple[str, str] | None:
    """Reason and remedy where mostly refusals were compared."""
    compared = _compared(seen.exchanges)
    if seen.refused <= max_refused * compared:
        return None
    reason = (
        f"mostly refusals were compared: both sides refused {seen.refused:,} of {compared:,} "
        f"({_percent(seen.refused / max(1, compared))}); the plan allows {_percent(max_refused)}"
    )
    return reason, "requests that are granted"


def _compared(counts: Counts) -> int:
    return counts.total - counts.of(OutcomeKind.NOT_COMPARED)


def _damage_of_parity(seen: ParityEvidence, now: float) -> str:
    """What is wrong with the figures themselves; empty where nothing is."""
    for counts in (seen.inputs, seen.exchanges):
        for count in (*counts.by_kind.values(), *counts.not_compared.values()):
            if not isinstance(count, int) or count < 0:
                return f"{count!r} is no number of outcomes"
    for count in (seen.settled, seen.refused, seen.interleaved, seen.alone):
        if not isinstance(count, int) or count < 0:
            return f"{count!r} is no number of exchanges"
    if seen.inputs.total > seen.exchanges.total:
        return "there are more inputs than exchanges"
    return _damage_of_times(seen, now) if seen.inputs.total else ""


def _damage_of_times(seen: ParityEvidence, now: float) -> str:
    if seen.first_at is None or seen.last_at is None:
        return "the outcomes have no time"
    if not (_is_past(seen.first_at, now) and _is_past(seen.last_at, now) and seen.first_at <= seen.last_at):
        return "the outcomes' times are not in the past, or out of order: a clock is wrong"
    return ""


def _damage_of_load(run: LoadEvidence, now: float) -> str:
    figures = [run.duration_s, run.rate_per_s, run.achieved_per_s]
    for side in (run.old, run.new):
        figures += [side.requests, side.errors, side.p50_ms, side.p95_ms, side.p99_ms, side.max_ms]
    if not all(isinstance(figure, int | float) and isfinite(figure) and figure >= 0 for figure in figures):
        return "the load run has figures that are no numbers"
    if not all(_is_ordered(side) for side in (run.old, run.new)):
        return "the load run's figures contradict each other"
    if not _is_past(run.at, now):
        return "the load run is from the future: a clock is wrong"
    return ""


def _unfit(run: LoadEvidence, evidence: Evidence, policy: LoadGate, budget: Budget, now: float) -> str:
    """Why the run is no data for this gate; empty where it is."""
    fewest = min(run.old.requests, run.new.requests)
    if run.operation != evidence.operation:
        return f"the load run is of {run.operation}"
    damage = _damage_of_load(run, now)
    if damage:
        return damage
    if run.budget != policy.budget:
        return f"the load run was made with budget {run.budget}"
    if fewest < max(1, budget.min_requests):
        return f"a side answered only {fewest:,} requests; {budget.min_requests:,} are the fewest that count"
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
                f"{side.errors:,} of {side.requests:,} requests to {name} failed ({_percent(ratio)}); "
                f"the budget is {_percent(budget.error_ratio)}"
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


def _is_past(at: float, now: float) -> bool:
    return isfinite(at) and isfinite(now) and 0 < at <= now


def _folded(name: str) -> str:
    return name.strip().casefold()


def _named(given: Iterable[Approval], folded: Collection[str]) -> str:
    return ", ".join(sorted({approval.who for approval in given if _folded(approval.who) in folded}))


def _percent(ratio: float) -> str:
    return f"{ratio * 100:.3g} %"
