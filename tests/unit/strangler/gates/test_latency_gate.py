"""The latency gate: the upper end of an interval decides, not the ratio that was seen."""

import random
from collections import Counter

import pytest

from strangler import gates
from strangler.evidence import Counts, Evidence, LatencyBucket, LatencyEvidence, ParityEvidence, Result, Verdict
from strangler.exchange import OutcomeKind
from strangler.plan.gate_models import LatencyGate

NOW = 1_000_000.0
Buckets = tuple[LatencyBucket, ...]


def buckets(times_ms: Counter[int]) -> Buckets:
    return tuple(LatencyBucket(float(ms), ms + 1.0, count) for ms, count in sorted(times_ms.items()))


def drawn(seed: int, count: int, mean_ms: float = 20.0) -> Buckets:
    source = random.Random(seed)
    return buckets(Counter(1 + int(source.expovariate(1 / mean_ms)) for _ in range(count)))


def verdict(old: Buckets, new: Buckets, **policy: object) -> Verdict:
    counts = Counts({OutcomeKind.MATCH: 500})
    parity = ParityEvidence("now", counts, counts, first_at=NOW - 7200, last_at=NOW - 1)
    seen = LatencyEvidence("now", NOW - 7200, old, new)
    evidence = Evidence("a.b", "now", parity=parity, latency=seen)
    return gates.latency(evidence, LatencyGate.model_validate(policy), NOW)


def test_latency_passes_where_new_is_shown_to_be_fast_enough() -> None:
    told = verdict(drawn(1, 20_000), drawn(2, 20_000))
    assert told.result is Result.PASS
    assert told.threshold == "p99 of new below 1.5 times old's at 95 % confidence"


def test_latency_holds_while_few_answers_leave_it_open() -> None:
    told = verdict(drawn(1, 1_000), drawn(2, 1_000))
    assert (told.result, told.remedy) == (Result.HOLD, "more answers")


def test_latency_of_a_new_side_that_is_too_slow_holds() -> None:
    told = verdict(drawn(1, 20_000), drawn(2, 20_000, mean_ms=40))
    assert (told.result, told.remedy) == (Result.HOLD, "a new side that answers faster")


def test_latency_takes_the_outer_edges_of_buckets() -> None:
    same = (LatencyBucket(10.0, 15.0, 5_000),)
    told = verdict(same, same)
    assert told.value == "p99 12.5 ms new, 12.5 ms old: 1.00 times, at most 1.50"
    assert told.result is Result.HOLD


@pytest.mark.parametrize(("old", "new", "lacks"), [(999, 5_000, "old"), (5_000, 999, "new")])
def test_latency_with_too_few_answers_of_a_side_is_no_data(old: int, new: int, lacks: str) -> None:
    told = verdict(drawn(1, old), drawn(2, new))
    assert (told.result, told.remedy) == (Result.NO_DATA, f"1 answers of {lacks} more")


def test_latency_wants_as_many_answers_as_show_a_tail_whatever_the_plan_says() -> None:
    told = verdict(drawn(1, 5_000), drawn(2, 400), min_answers=1)
    assert told.result is Result.NO_DATA


def test_latency_that_nobody_measured_is_no_data() -> None:
    assert gates.latency(Evidence("a.b", "now"), LatencyGate(), NOW).result is Result.NO_DATA
