"""From measurements to evidence."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from load_tests import latency
from load_tests.budgets import achieved_per_s, evidence_of, side_figures, why_not_evidence
from load_tests.job import LoadResult, SideResult
from strangler.evidence import Builds, fingerprint
from strangler.plan.models import Budget
from strangler.stages import Side

BUDGET = Budget(rate_per_s=10, duration_s=10)


def side(*seconds: float, **more: object) -> SideResult:
    times = latency.histogram()
    for each in seconds:
        latency.record(times, each)
    fields = {"requests": len(seconds), "sent": len(seconds), "last_sent_s": 9.9, **more}
    return SideResult(latency.encode(times), **fields)


def result(old: SideResult, new: SideResult, late_p99_ms: float = 1.0) -> LoadResult:
    return LoadResult({Side.OLD: old, Side.NEW: new}, late_p99_ms, late_p99_ms * 2)


FINE = result(side(*[0.010] * 100), side(*[0.020] * 100))


@given(st.lists(st.floats(0, 700), min_size=1, max_size=200))
def test_figures_are_ordered_and_within_three_significant_digits(seconds: list[float]) -> None:
    figures = side_figures(side(*seconds))
    assert 0 < figures.p50_ms <= figures.p95_ms <= figures.p99_ms <= figures.max_ms
    longest_ms = min(max(seconds), 600) * 1000
    assert abs(figures.max_ms - longest_ms) <= max(0.002, longest_ms * 0.001)


def test_figures_of_no_requests_are_zero() -> None:
    figures = side_figures(side())
    assert (figures.requests, figures.p99_ms, figures.max_ms) == (0, 0.0, 0.0)


def test_evidence_stands_under_the_entry_and_the_builds_of_the_run() -> None:
    evidence = evidence_of(
        FINE, run="r", operation="a.read", budget_name="b", budget=BUDGET, entry="e", builds=Builds("1", "2"), at=5.0
    )
    assert evidence.fingerprint == fingerprint("e", Builds("1", "2"))
    assert (evidence.at, evidence.rate_per_s, evidence.achieved_per_s, evidence.duration_s) == (5.0, 10, 10.0, 10)
    assert (evidence.old.requests, evidence.new.requests) == (100, 100)


def test_a_punctual_run_is_evidence() -> None:
    assert why_not_evidence(FINE, BUDGET) == ()


def test_a_late_generator_is_no_evidence() -> None:
    (reason,) = why_not_evidence(dataclasses.replace(FINE, late_p99_ms=80.0), BUDGET)
    assert reason.startswith("the load generator itself was late: 80 ms at p99, where the sides took 10 ms")


def test_lateness_that_is_small_beside_the_latencies_does_not_matter() -> None:
    slow = result(side(*[1.0] * 100), side(*[1.2] * 100), late_p99_ms=80.0)
    assert why_not_evidence(slow, BUDGET) == ()


def test_a_generator_that_sends_too_little_is_no_evidence() -> None:
    short = result(side(*[0.01] * 80), side(*[0.01] * 100))
    assert achieved_per_s(short, 10) == 8.0
    assert why_not_evidence(short, BUDGET) == (
        "the load generator sent 8.0 requests per second where 10 were intended",
    )


def test_a_side_that_holds_up_its_own_requests_is_evidence_against_it() -> None:
    stuck = result(side(*[5.0] * 50, queued=50), side(*[0.01] * 100))
    assert why_not_evidence(stuck, BUDGET) == ()


def test_two_builds_in_one_run_are_no_evidence() -> None:
    released = result(side(*[0.01] * 100), side(*[0.01] * 100, builds=("1", "2")))
    assert why_not_evidence(released, BUDGET) == (
        "the new side answered with more than one build (1, 2): wait until its release is done",
    )
