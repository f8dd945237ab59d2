"""Slots and buckets: every time has its slot, and every latency a bucket close to it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.exchange import Exchange, Observation, Origin, Request
from strangler.journal.rollups import SLOT_S, bucket_of, duration_of, of_answers, of_judged, slot_of
from strangler.stages import Effect, Side, Stage


@given(st.floats(0, 3_600))
def test_bucket_is_close_to_its_latency(duration_s: float) -> None:
    assert duration_of(bucket_of(duration_s)) == pytest.approx(duration_s, rel=1 / 60, abs=1e-6)


@given(st.floats(0, 3_600), st.floats(0, 3_600))
def test_buckets_are_in_the_order_of_latencies(first: float, second: float) -> None:
    assert (bucket_of(first) <= bucket_of(second)) or first > second


def test_buckets_of_two_latencies_apart_by_a_twentieth_differ() -> None:
    assert len({bucket_of(0.01 * 1.05**n) for n in range(100)}) == 100


def test_bucket_of_a_clock_that_went_back_is_the_first() -> None:
    assert bucket_of(-1.0) == bucket_of(0.0) == 0


@pytest.mark.parametrize(("at", "slot"), [(0.0, 0), (4.999, 0), (5.0, 5), (1_800_000_003.2, 1_800_000_000)])
def test_slot_is_where_its_time_lies(at: float, slot: int) -> None:
    assert (slot_of(at), SLOT_S) == (slot, 5)


def answered(side: Side, **more: object) -> Exchange:
    answer = Observation(side, 200, duration_s=0.25)
    made = Exchange("a", "a.b", Effect.READ, None, None, Stage.LIVE, Request("GET", "/"), answer, None, "e", 12.0)
    return replace(made, **more)  # type: ignore[arg-type]


def test_answers_count_where_new_was_tried() -> None:
    fell_back = Observation(Side.NEW, None)
    exchanges = [answered(Side.OLD), answered(Side.NEW), answered(Side.OLD, fell_back=fell_back)]
    bucket = bucket_of(0.25)
    assert of_answers(exchanges) == {
        ("a.b", 10, "answer old", bucket): 2,
        ("a.b", 10, "answer new", bucket): 1,
        ("a.b", 10, "tried", 0): 2,
    }
    assert of_answers([answered(Side.NEW, origin=Origin.REPLAY)]) == {}


def test_judged_counts_when_its_exchange_began_and_when_a_side_was_asked() -> None:
    asked = [Observation(Side.NEW, 200, at=31.0, duration_s=0.25)]
    counts = {("a.b", 30, "asked new", bucket_of(0.25)): 1}
    assert of_judged("a.b", 12.0, asked, is_compared=False) == counts
    assert of_judged("a.b", 12.0, asked, is_compared=True) == {**counts, ("a.b", 10, "compared", 0): 1}
