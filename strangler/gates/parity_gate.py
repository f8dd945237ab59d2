"""Whether new is shown to be old: the bound on the mismatch rate, and what makes its figures say too little."""

from collections.abc import Iterator

from strangler.bounds import is_below, needed, upper_bound
from strangler.evidence import Counts, Evidence, ParityEvidence, Result, Verdict
from strangler.exchange import OutcomeKind
from strangler.gates.noise import noise_doubts
from strangler.gates.soundness import compared_count, damage_of_parity, missing, mixed
from strangler.gates.verdicts import no_data, percent, rounded
from strangler.plan.models import ParityGate

PENDING_RATIO = 0.01
"""More exchanges than this share of the inputs still waiting to be compared, and parity is not shown."""

FEWEST_SETTLED = 3
"""So many may settle whatever their share: a few races are no sign of anything."""

INPUTS_PER_KEY = 100
"""More different inputs than this for each key look like a part of the request that makes no other question."""

SHORTEST_S = 60.0
"""The rate at which inputs come is told from no shorter a time than this."""

_FAILURES = (OutcomeKind.MISMATCH, OutcomeKind.NEW_FAILED)


def parity(evidence: Evidence, policy: ParityGate, now: float) -> Verdict:
    """Whether the mismatch rate over distinct inputs is shown to be below the policy's."""
    seen = evidence.parity
    threshold = f"below {percent(policy.max_mismatch)} at {percent(policy.confidence)} confidence"
    absent = missing("parity", evidence, seen, threshold)
    if absent is not None or seen is None:
        return absent or no_data("parity", "nothing was compared", threshold)
    damage = damage_of_parity(seen, now) or _damage_of(policy)
    if damage:
        return no_data("parity", damage, threshold)
    failures, n, reasons = _sample(seen.inputs, policy.max_not_compared)
    if seen.keys and n > INPUTS_PER_KEY * seen.keys:
        reasons.append(
            f"the {n:,} inputs are of about {seen.keys:,} keys only: see that what makes no other question, such as a "
            f"request id, is under 'same_input_ignoring'"
        )
    if seen.pending:
        reasons.append(f"{seen.pending:,} exchanges still wait to be compared")
    if n == 0:
        return no_data("parity", "no input was compared under the present fingerprint", threshold, reasons)
    bound = upper_bound(failures, n, policy.confidence, policy.max_mismatch)
    value = f"{failures:,} of {n:,} inputs, at most {percent(bound)}"
    doubts = _doubts(seen, policy)
    remedies = [remedy for _, remedy in doubts]
    reasons[:0] = [reason for reason, _ in doubts]
    # A mismatch takes longer to judge than a match (it is asked again): those that wait are the likelier ones.
    if seen.pending > PENDING_RATIO * n:
        remedies.append("the worker to catch up")
    if not is_below(failures, n, policy.max_mismatch, policy.confidence):
        more = needed(failures, n, policy.max_mismatch, policy.confidence)
        remedies.insert(0, f"{more:,} more clean comparisons{_time_left(more, n, seen, now)}")
        if failures:
            reasons.insert(0, f"{failures:,} of {n:,} inputs did not come out equal")
        reasons.append(f"the mismatch rate is only shown to be at most {percent(bound)}")
    result = Result.HOLD if remedies else Result.PASS
    return Verdict("parity", result, tuple(reasons), value, threshold, ", and ".join(remedies))


def _damage_of(policy: ParityGate) -> str:
    """What is wrong with the limits themselves; empty where nothing is."""
    if 0 < policy.max_mismatch < 1 and 0 < policy.confidence < 1:
        return ""
    return f"a rate below {policy.max_mismatch!r} at {policy.confidence!r} confidence is nothing that can be shown"


def _sample(inputs: Counts, max_not_compared: float) -> tuple[int, int, list[str]]:
    """Failures and size of the sample, with what was said about the uncompared."""
    skipped = max(inputs.of(OutcomeKind.NOT_COMPARED), sum(inputs.not_compared.values()))
    failures = sum(inputs.of(kind) for kind in _FAILURES)
    compared = inputs.total - inputs.of(OutcomeKind.NOT_COMPARED)
    if not skipped:
        return failures, compared, []
    by_reason = ", ".join(f"{count:,} {reason}" for reason, count in sorted(inputs.not_compared.items()))
    share = skipped / (compared + skipped)
    text = f"{skipped:,} inputs were not compared ({by_reason or 'no reason given'}), {percent(share)} of all"
    if share <= max_not_compared:
        return failures, compared, [f"{text}: left out, for the plan allows {percent(max_not_compared)}"]
    return failures + skipped, compared + skipped, [f"{text}: each counts as a mismatch"]


def _time_left(more: int, n: int, seen: ParityEvidence, now: float) -> str:
    """How long that many more inputs take at the rate at which inputs came so far; empty where that is too short."""
    span_s = now - (seen.first_at if seen.first_at is not None else now)
    return f" (about {rounded(more * span_s / n)} at the rate so far)" if span_s >= SHORTEST_S else ""


def _doubts(seen: ParityEvidence, policy: ParityGate) -> list[tuple[str, str]]:
    """Why outcomes that are good enough prove too little all the same: reasons, each with its remedy."""
    found = mixed(seen), _unstable(seen, policy.max_settled), _refusals(seen, policy.max_refused)
    return [*(doubt for doubt in found if doubt is not None), *noise_doubts(seen, policy), *_rules_over(seen)]


def _unstable(seen: ParityEvidence, max_settled: float) -> tuple[str, str] | None:
    """Reason and remedy where too many exchanges only agreed when both sides were asked again."""
    compared = compared_count(seen.exchanges)
    if seen.settled <= max(FEWEST_SETTLED, max_settled * compared):
        return None
    reason = (
        f"{seen.settled:,} of {compared:,} compared exchanges ({percent(seen.settled / max(1, compared))}) agreed "
        f"only when asked again; the plan allows {percent(max_settled)}: new is not stable, or races are too common"
    )
    return reason, "comparisons that agree at once"


def _refusals(seen: ParityEvidence, max_refused: float) -> tuple[str, str] | None:
    """Reason and remedy where mostly refusals were compared."""
    compared = compared_count(seen.exchanges)
    if seen.refused <= max_refused * compared:
        return None
    reason = (
        f"mostly refusals were compared: both sides refused {seen.refused:,} of {compared:,} "
        f"({percent(seen.refused / max(1, compared))}); the plan allows {percent(max_refused)}"
    )
    return reason, "requests that are granted"


def _rules_over(seen: ParityEvidence) -> Iterator[tuple[str, str]]:
    """Reason and remedy for every rule that hid something in more exchanges than the plan says."""
    compared = compared_count(seen.exchanges)
    for rule in seen.rules:
        if rule.exchanges > rule.at_most * compared:
            reason = (
                f"{rule.name} hid something in {rule.exchanges:,} of {compared:,} compared exchanges "
                f"({percent(rule.exchanges / max(1, compared))}); the plan allows it in {percent(rule.at_most)}"
            )
            yield reason, f"a look at what {rule.name} hides, and then a narrower rule or a larger 'at_most'"
