"""``run_load``: one load run of one operation, old against new, kept as evidence."""

import math
import uuid
from collections.abc import Callable
from typing import Protocol

from load_tests.arrivals import Arrival, poisson, warmed_up
from load_tests.budgets import evidence_of, why_not_evidence
from load_tests.job import LoadJob, LoadResult, SideJob, encode_result
from load_tests.launch import launch
from load_tests.workload import Requests, Workload, workload
from strangler.builds import UNKNOWN, build_source
from strangler.errors import Refused, UsageError
from strangler.evidence import Builds, LoadEvidence, entry_digest
from strangler.plan.addresses import asked_url, needs_gateway, target_of
from strangler.plan.models import Budget, Operation, Plan
from strangler.stages import Effect, Side

MOST_S = 3600.0
"""Longest measured time of a run."""
_WARM_UP_PART, _WARM_UP_MOST_S = 0.1, 5.0
_FEWEST_USERS, _MOST_USERS = 8, 128


class LoadJournal(Requests, Protocol):
    """What a load run needs of the journal."""

    def record_load(self, evidence: LoadEvidence, histograms: bytes | None = None) -> None:
        """Store the run."""
        ...


def run_load(
    plan: Plan,
    journal: LoadJournal,
    *,
    operation: str,
    budget_name: str,
    seed: int,
    now: Callable[[], float],
    on_progress: Callable[[float], None],
    include_writes: bool = False,
) -> LoadEvidence:
    """Send journaled requests to both sides in one run, at the budget's rate, and record what was measured.

    Args:
        plan: the only source of addresses: nothing else is ever sent to.
        journal: where the requests come from and the evidence goes to.
        operation: its name in the plan.
        budget_name: its name in the plan.
        seed: the same seed and journal give the same requests at the same times.
        now: the clock, seconds since the epoch.
        on_progress: gets the part done, 0 to 1.
        include_writes: without it an operation that writes is refused.

    Raises:
        UsageError: no such operation or budget, or a budget beyond the bounds.
        Refused: nothing to send; a write that must not be repeated; or a run that is no evidence (nothing is recorded).
        SystemUnreachable: the generator broke.
    """
    entry, budget = _chosen(plan, operation, budget_name)
    _check_effect(operation, entry, include_writes=include_writes)
    requests = workload(journal, operation, entry.effect)
    job = _job(plan, requests, budget, seed)
    result = launch(job, on_progress)
    reasons = why_not_evidence(result, budget)
    if reasons:
        raise Refused(f"load run {job.run} of {operation} is no evidence", reasons)
    evidence = evidence_of(
        result,
        run=job.run,
        operation=operation,
        budget_name=budget_name,
        budget=budget,
        entry=entry_digest(plan, operation),
        builds=_builds(plan, entry, result),
        at=now(),
    )
    journal.record_load(evidence, encode_result(result))
    return evidence


def _chosen(plan: Plan, operation: str, budget_name: str) -> tuple[Operation, Budget]:
    if operation not in plan.operations:
        raise UsageError(f"no operation {operation!r}; the plan has {', '.join(plan.operations)}")
    if budget_name not in plan.budgets:
        raise UsageError(f"no budget {budget_name!r}; the plan has {', '.join(plan.budgets) or 'none'}")
    budget = plan.budgets[budget_name]
    if budget.duration_s > MOST_S:
        raise UsageError(f"budget {budget_name}: {budget.duration_s:g} s is longer than a run may be ({MOST_S:g} s)")
    return plan.operations[operation], budget


def _check_effect(operation: str, entry: Operation, *, include_writes: bool) -> None:
    if entry.effect is Effect.READ:
        return
    if not include_writes:
        raise Refused(f"{operation} writes: a load run sends reads only, unless told to include writes")
    if entry.writes is None or entry.writes.policy == "never":
        raise Refused(f"{operation}: its writes may not be repeated (policy never)")
    if entry.writes.policy == "dual" and entry.writes.idempotency_header is None:
        raise Refused(f"{operation}: without writes.idempotency_header no request can be told from its repetition")


def _job(plan: Plan, requests: Workload, budget: Budget, seed: int) -> LoadJob:
    warm_up_s = min(_WARM_UP_MOST_S, _WARM_UP_PART * budget.duration_s)
    sides = {side: _side_job(plan, requests, budget, side, warm_up_s=warm_up_s, seed=seed) for side in Side}
    longest_s = max(part.timeout_s for part in sides.values())
    return LoadJob(
        run=uuid.uuid4().hex[:12],
        operation=requests.operation,
        calls=requests.calls,
        sides=sides,
        warm_up_s=warm_up_s,
        duration_s=budget.duration_s,
        # Little's law: so many are under way at this rate when every answer takes its whole time limit.
        users=max(_FEWEST_USERS, min(_MOST_USERS, math.ceil(budget.rate_per_s * longest_s))),
    )


def _side_job(plan: Plan, requests: Workload, budget: Budget, side: Side, *, warm_up_s: float, seed: int) -> SideJob:
    """One side's arrivals: times of its own, and on both sides the same calls in the same order."""
    entry = plan.operations[requests.operation]
    target = target_of(entry, side)
    base = asked_url(plan, requests.operation, side)
    if base is None:
        policy = entry.writes.policy if entry.writes else "never"
        raise Refused(
            f"{requests.operation}: its {side} side may not be written to by us (policy {policy})",
            ["only a write with policy dual, told apart by its idempotency key, can be sent to both sides"],
        )
    try:
        offsets = poisson(budget.rate_per_s, budget.duration_s, f"{seed}:{side}")
        offsets = warmed_up(budget.rate_per_s, warm_up_s, offsets, f"{seed}:{side}")
    except ValueError as error:
        raise UsageError(str(error)) from error
    calls = requests.draw(len(offsets), f"{seed}:calls")
    system = plan.systems[target.system]
    return SideJob(
        base_url=base,
        arrivals=tuple(Arrival(*each, number) for number, each in enumerate(zip(offsets, calls, strict=True))),
        timeout_s=system.timeout_s,
        build_header=build_source(plan, target).header,
        fresh=_fresh(plan, requests, side),
    )


def _fresh(plan: Plan, requests: Workload, side: Side) -> tuple[str, ...]:
    """Headers that get a value of their own on every request.

    A raw old system gets none that its callers do not send, but no idempotency key of a caller is ever sent again.
    """
    entry = plan.operations[requests.operation]
    key = entry.writes.idempotency_header if entry.writes else None
    if side is Side.OLD and not needs_gateway(plan, entry.old):
        sent = {name.lower() for call in requests.calls for name, _ in call.headers}
        return (key,) if key and key.lower() in sent else ()
    return ("x-strangler-exchange", *([key] if key else []))


def _builds(plan: Plan, entry: Operation, result: LoadResult) -> Builds:
    """The builds that answered, as the engine names them: by the answers' header, else as the plan declares."""
    named = {}
    for side in Side:
        source = build_source(plan, target_of(entry, side))
        named[side] = source.name(next(iter(result.sides[side].builds), None)) or source.declared or UNKNOWN
    return Builds(old=named[Side.OLD], new=named[Side.NEW])
