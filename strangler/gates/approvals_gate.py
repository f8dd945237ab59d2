"""Whether enough people agreed."""

from collections.abc import Collection, Iterable

from strangler.evidence import Approval, Evidence, Result, Verdict
from strangler.gates.verdicts import is_past


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
        if name not in allowed or not is_past(approval.at, now):
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


def _folded(name: str) -> str:
    return name.strip().casefold()


def _named(given: Iterable[Approval], folded: Collection[str]) -> str:
    return ", ".join(sorted({approval.who for approval in given if _folded(approval.who) in folded}))
