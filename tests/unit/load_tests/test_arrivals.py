"""Schedules: pure, bounded, repeatable."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tests.arrivals import MOST_ARRIVALS, constant, count, poisson, ramp, warmed_up

rates = st.floats(0.1, 500)
durations = st.floats(0.1, 20)
seeds = st.text(max_size=8)


def is_schedule(offsets: tuple[float, ...], duration_s: float) -> bool:
    return list(offsets) == sorted(offsets) and all(0 <= offset < duration_s for offset in offsets)


@given(rates, durations, seeds)
def test_poisson_is_an_ascending_schedule_of_exactly_the_budgets_count(rate: float, duration: float, seed: str) -> None:
    offsets = poisson(rate, duration, seed)
    assert is_schedule(offsets, duration)
    assert len(offsets) == count(rate, duration)


@given(rates, durations, seeds)
def test_poisson_repeats_for_the_same_seed(rate: float, duration: float, seed: str) -> None:
    assert poisson(rate, duration, seed) == poisson(rate, duration, seed)


def test_poisson_differs_between_seeds() -> None:
    assert poisson(10, 10, "7:old") != poisson(10, 10, "7:new")


def test_poisson_gaps_spread_as_an_exponential_distribution_does() -> None:
    offsets = poisson(100, 100, "seed")
    gaps = [after - before for before, after in itertools.pairwise(offsets)]
    mean = sum(gaps) / len(gaps)
    longer = sum(gap > mean for gap in gaps) / len(gaps)
    assert mean == pytest.approx(0.01, rel=0.02)
    assert longer == pytest.approx(math.exp(-1), abs=0.02)


@given(rates, durations)
def test_constant_has_equal_distances(rate: float, duration: float) -> None:
    offsets = constant(rate, duration)
    assert is_schedule(offsets, duration)
    step = duration / len(offsets)
    assert all(b - a == pytest.approx(step) for a, b in itertools.pairwise(offsets))


@given(st.floats(0, 200), st.floats(0, 200), durations)
def test_ramp_is_an_ascending_schedule(first: float, last: float, duration: float) -> None:
    if first + last < 0.1:
        return
    offsets = ramp(first, last, duration)
    assert is_schedule(offsets, duration)
    assert len(offsets) == count((first + last) / 2, duration)


def test_ramp_sends_a_quarter_in_the_first_half() -> None:
    offsets = ramp(0, 20, 10)
    assert (len(offsets), sum(offset < 5 for offset in offsets)) == (100, 25)


def test_ramp_between_equal_rates_is_constant_but_for_half_a_step() -> None:
    assert ramp(10, 10, 1) == pytest.approx([offset + 0.05 for offset in constant(10, 1)])


def test_warm_up_comes_before_what_is_measured() -> None:
    offsets = warmed_up(10, 2.0, constant(10, 4), "seed")
    assert is_schedule(offsets, 6.0)
    assert sum(offset < 2.0 for offset in offsets) == 20
    assert offsets[20:] == tuple(2.0 + offset for offset in constant(10, 4))


@pytest.mark.parametrize(("rate", "duration"), [(0, 1), (-1, 1), (1, 0), (math.inf, 1), (math.nan, 1)])
def test_count_refuses_what_is_no_rate_or_duration(rate: float, duration: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        count(rate, duration)


def test_count_is_bounded() -> None:
    assert count(MOST_ARRIVALS, 1) == MOST_ARRIVALS
    with pytest.raises(ValueError, match="at most 200000"):
        count(MOST_ARRIVALS + 1, 1)
