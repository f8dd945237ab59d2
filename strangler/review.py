"""What testers say of a finding: it is agreed to, it is a defect, or nobody has decided yet. All of it in the ledger.

``accept`` makes exactly one signature count as agreed, until a day and up to a rate; ``reject`` says that new is wrong;
``reopen`` takes either back. Each voids the approvals of the operation: they were given on another reading.
"""

from collections.abc import Callable
from datetime import date

from strangler.decisions import end_of
from strangler.errors import UsageError
from strangler.ledger import Entry, EntryKind, Ledger
from strangler.people import TESTERS, check_person
from strangler.plan.models import Plan

_LEAST_REASON = 3


class Review:
    """Findings of one programme, reviewed.

    Args:
        plan: the programme's plan: it may name who may review.
        ledger: where verdicts are kept.
        clock: seconds since the epoch.
    """

    def __init__(self, plan: Plan, ledger: Ledger, clock: Callable[[], float]) -> None:
        self._plan = plan
        self._ledger = ledger
        self._clock = clock

    def accept(
        self,
        signature: str,
        *,
        operation: str,
        owner: str,
        why: str,
        until: date | str,
        who: str,
        verdict: str = "accepted",
        max_rate: float | None = None,
    ) -> Entry:
        """Accept a difference until a day.

        Args:
            signature: exactly this finding.
            operation: in this operation.
            owner: who answers for it.
            why: the reason.
            until: the last day on which it holds, as an ISO date (UTC).
            who: who accepts.
            verdict: ``accepted`` or ``old_is_wrong``.
            max_rate: the largest share of compared exchanges that may have it.

        Raises:
            UsageError: an argument is missing, or not of its form.
            Refused: the plan names people, and this one is neither tester nor approver.
        """
        self._check(operation, who, "accept a difference")
        now, last_day = self._clock(), str(until)
        _check_acceptance(signature, owner, why, last_day, verdict=verdict, max_rate=max_rate, now=now)
        body = {
            "signature": signature,
            "operation": operation,
            "verdict": verdict,
            "owner": owner,
            "why": why,
            "until": last_day,
            "max_rate": max_rate,
        }
        return self._ledger.append(EntryKind.ACCEPTANCE, who, body, now=now)

    def reject(self, signature: str, *, operation: str, who: str, why: str) -> Entry:
        """Say that new is wrong: it counts against the gate, and an earlier acceptance no longer holds.

        Raises:
            UsageError: the operation is not in the plan, or no reason was given.
            Refused: the plan names people, and this one is neither tester nor approver.
        """
        self._check(operation, who, "reject a difference")
        _check_reason(why, "new is wrong")
        return self._ledger.append(EntryKind.REJECTION, who, _body(signature, operation, why), now=self._clock())

    def reopen(self, signature: str, *, operation: str, who: str, why: str) -> Entry:
        """Take back whatever was said of a finding: it counts against the gate, and waits for a verdict.

        Raises:
            UsageError: the operation is not in the plan, or no reason was given.
            Refused: the plan names people, and this one is neither tester nor approver.
        """
        self._check(operation, who, "reopen a difference")
        _check_reason(why, "it is opened again")
        return self._ledger.append(EntryKind.REOPENING, who, _body(signature, operation, why), now=self._clock())

    def _check(self, operation: str, who: str, what: str) -> None:
        if operation not in self._plan.operations:
            raise UsageError(f"there is no operation {operation!r} in the plan")
        check_person(self._plan.people, who, TESTERS, what)


def _body(signature: str, operation: str, why: str) -> dict[str, str]:
    return {"signature": signature, "operation": operation, "why": why}


def _check_reason(why: str, what: str) -> None:
    if len(why.strip()) < _LEAST_REASON:
        raise UsageError(f"say why {what}, in {_LEAST_REASON} characters at least: {why!r} is no reason")


def _check_acceptance(
    signature: str, owner: str, why: str, until: str, *, verdict: str, max_rate: float | None, now: float
) -> None:
    if not signature or not owner.strip():
        raise UsageError("an acceptance needs a signature, and an owner who answers for it")
    _check_reason(why, "it is accepted")
    if verdict not in {"accepted", "old_is_wrong"}:
        raise UsageError(f"verdict {verdict!r}: write accepted or old_is_wrong")
    if max_rate is not None and not 0 < max_rate <= 1:
        raise UsageError(f"max_rate {max_rate!r}: write a share above 0, at most 1")
    try:
        end = end_of(until)
    except (TypeError, ValueError) as error:
        raise UsageError(f"until {until!r}: write a date such as 2026-12-31") from error
    if end <= now:
        raise UsageError(f"until {until!r} is over already")
