"""From measurements to evidence, and when a run is none. Pure.

Whether evidence keeps its budget is the load gate's to say (``strangler.gates``): that arithmetic is in one place.
"""

from load_tests import latency
from load_tests.job import LoadResult, SideResult
from strangler.evidence import Builds, LoadEvidence, LoadSide, fingerprint
from strangler.gates.load_gate import REACHED_RATIO
from strangler.plan.models import Budget
from strangler.stages import Side

LATE_MS = 50.0
"""Lateness of the generator that never matters."""
LATE_PART = 0.5
"""Lateness of the generator, as part of the smaller side's p99, that makes a run worthless."""


def side_figures(result: SideResult) -> LoadSide:
    """One side's figures as gates read them."""
    times = latency.decode(result.histogram)
    return LoadSide(
        requests=result.requests,
        errors=result.failed,
        p50_ms=latency.percentile_ms(times, 50),
        p95_ms=latency.percentile_ms(times, 95),
        p99_ms=latency.percentile_ms(times, 99),
        max_ms=latency.max_ms(times),
    )


def evidence_of(
    result: LoadResult,
    *,
    run: str,
    operation: str,
    budget_name: str,
    budget: Budget,
    entry: str,
    builds: Builds,
    at: float,
) -> LoadEvidence:
    """The run as evidence under the fingerprint of its plan entry and the builds that answered."""
    return LoadEvidence(
        run=run,
        operation=operation,
        budget=budget_name,
        fingerprint=fingerprint(entry, builds),
        at=at,
        duration_s=budget.duration_s,
        rate_per_s=budget.rate_per_s,
        achieved_per_s=achieved_per_s(result, budget.duration_s),
        old=side_figures(result.sides[Side.OLD]),
        new=side_figures(result.sides[Side.NEW]),
    )


def achieved_per_s(result: LoadResult, duration_s: float) -> float:
    """Requests sent per second to the side that got fewer; late sending stretches the time."""
    return min(side.sent / max(duration_s, side.last_sent_s) for side in result.sides.values())


def why_not_evidence(result: LoadResult, budget: Budget) -> tuple[str, ...]:
    """Why this run says nothing about the two sides; empty where it does. Each reason is a sentence."""
    reasons = []
    smaller_ms = min(side_figures(side).p99_ms for side in result.sides.values())
    if result.late_p99_ms > max(LATE_MS, LATE_PART * smaller_ms):
        reasons.append(
            f"the load generator itself was late: {result.late_p99_ms:.0f} ms at p99, where the sides took "
            f"{smaller_ms:.0f} ms; run it on a machine with time to spare, or at a lower rate"
        )
    achieved = achieved_per_s(result, budget.duration_s)
    if achieved < REACHED_RATIO * budget.rate_per_s and not any(side.queued for side in result.sides.values()):
        reasons.append(
            f"the load generator sent {achieved:.1f} requests per second where {budget.rate_per_s:g} were intended"
        )
    reasons.extend(
        f"the {name} side answered with more than one build ({', '.join(side.builds)}): wait until its release is done"
        for name, side in result.sides.items()
        if len(side.builds) > 1
    )
    return tuple(reasons)
