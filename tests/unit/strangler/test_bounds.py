"""The anytime-valid bound: golden figures, and that it stays valid under constant looking."""

import math
import random
from collections.abc import Sequence

import pytest

from strangler.bounds import (
    fewest_for_quantile,
    is_below,
    is_lopsided,
    needed,
    quantile_ranks,
    rate_between,
    upper_bound,
)


@pytest.mark.parametrize(("limit", "clean"), [(0.01, 472), (0.001, 4_741), (0.0001, 47_436)])
def test_needed_is_the_published_number_of_clean_comparisons(limit: float, clean: int) -> None:
    assert needed(0, 0, limit, 0.95) == clean
    assert is_below(0, clean, limit, 0.95)
    assert not is_below(0, clean - 1, limit, 0.95)


def test_needed_after_a_failure_is_more() -> None:
    more = needed(1, 100, 0.01, 0.95)
    assert more > 472
    assert is_below(1, 100 + more, 0.01, 0.95)
    assert not is_below(1, 99 + more, 0.01, 0.95)


def test_upper_bound_agrees_with_the_decision() -> None:
    for failures, n in [(0, 471), (0, 472), (2, 700), (2, 2000), (40, 5000)]:
        assert (upper_bound(failures, n, 0.95, 0.01) <= 0.01) == is_below(failures, n, 0.01, 0.95)


def test_upper_bound_without_data_says_nothing() -> None:
    assert upper_bound(0, 0, 0.95, 0.01) == 1.0


def test_rate_at_or_over_the_limit_is_never_below() -> None:
    assert not is_below(10_000, 1_000_000, 0.01, 0.95)
    assert not is_below(1_000_000, 1_000_000, 0.01, 0.95)


@pytest.mark.parametrize(
    ("failures", "n", "limit", "confidence"),
    [
        (-1, 10_000, 0.01, 0.95),
        (0, -1, 0.01, 0.95),
        (5, 4, 0.01, 0.95),
        (float("nan"), 10_000, 0.01, 0.95),
        (0, float("inf"), 0.01, 0.95),
        (False, 10_000, 0.01, 0.95),
        (0, 10_000, float("nan"), 0.95),
        (0, 10_000, 0.0, 0.95),
        (0, 10_000, 1.0, 0.95),
        (0, 10_000, 0.01, 1.0),
        (0, 10_000, 0.01, float("nan")),
        (0, 0, 0.01, 0.95),
    ],
)
def test_damaged_figures_show_nothing(failures: int, n: int, limit: float, confidence: float) -> None:
    assert not is_below(failures, n, limit, confidence)
    assert upper_bound(failures, n, confidence, limit) == 1.0


RUNS = 10_000


@pytest.mark.parametrize(
    ("limit", "confidence", "true_rate", "looks"),
    [(0.01, 0.95, 0.01, 40_000), (0.01, 0.95, 0.012, 40_000), (0.001, 0.95, 0.001, 200_000), (0.05, 0.9, 0.05, 8_000)],
)
def test_false_passes_stay_under_alpha_although_every_comparison_is_looked_at(
    limit: float, confidence: float, true_rate: float, looks: int
) -> None:
    first_n = [failures + needed(failures, failures, limit, confidence) for failures in range(int(2 * looks * limit))]
    false_passes = passes_among(RUNS, first_n, true_rate, looks)
    assert 0 < false_passes <= RUNS * (1 - confidence)


def test_simulation_catches_a_bound_that_holds_for_one_look_only() -> None:
    """The textbook's 95 % bound, looked at after every comparison: the runs above must be able to fail."""
    first_n = [299, 473, 628, 773, 913, 1049, 1182, 1312, 1441, 1568]
    assert passes_among(RUNS, first_n, 0.01, 1_568) > RUNS * 0.09


def passes_among(runs: int, first_n: Sequence[int], rate: float, looks: int) -> int:
    """In how many runs of comparisons at this rate the bound is ever said to hold, looked at after each comparison.

    Args:
        runs: how many runs.
        first_n: by number of failures, the number of comparisons from which on the bound is said to hold.
        rate: the true rate.
        looks: comparisons in each run.
    """
    rng = random.Random(7)
    clean = math.log1p(-rate)
    passed = 0
    for _ in range(runs):
        next_failure = 0
        for reached in first_n:
            if reached > looks:
                break
            next_failure += 1 + int(math.log(1.0 - rng.random()) / clean)  # a geometric draw: up to the next failure
            if next_failure > reached:
                passed += 1
                break
    return passed


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_fair_draws_are_rarely_called_lopsided_although_every_one_is_looked_at(confidence: float) -> None:
    pairs = 1_000
    furthest = [fewest_apart(count, confidence) for count in range(1, pairs + 1)]
    rng = random.Random(7)
    false_alarms = sum(is_ever_beyond(rng.getrandbits(pairs), furthest) for _ in range(RUNS))
    assert 0 < false_alarms <= RUNS * (1 - confidence)


def test_unfair_draws_are_found_out() -> None:
    furthest = [fewest_apart(count, 0.95) for count in range(1, 401)]
    rng = random.Random(7)
    biased = (rng.getrandbits(400) | rng.getrandbits(400) & rng.getrandbits(400) for _ in range(200))  # 5 of 8
    assert sum(is_ever_beyond(bits, furthest) for bits in biased) > 170


def fewest_apart(pairs: int, confidence: float) -> int:
    """How far apart the two counts must be among so many pairs to be called lopsided; too far where nothing is."""
    apart = pairs % 2
    while apart <= pairs and not is_lopsided((pairs + apart) // 2, (pairs - apart) // 2, confidence):
        apart += 2
    return apart


def is_ever_beyond(bits: int, furthest: Sequence[int]) -> bool:
    """Whether the pairs that the bits stand for ever look lopsided, looked at after each."""
    apart = 0
    for bit, limit in zip(f"{bits:0{len(furthest)}b}", furthest, strict=True):
        apart += 1 if bit == "1" else -1
        if not -limit < apart < limit:
            return True
    return False


@pytest.mark.parametrize(
    ("first", "second", "is_unequal"), [(0, 0, False), (6, 0, False), (7, 0, True), (0, 7, True), (40, 41, False)]
)
def test_pairs_are_lopsided_only_on_evidence(first: int, second: int, is_unequal: bool) -> None:
    assert is_lopsided(first, second, 0.95) is is_unequal


def test_more_questions_need_more_evidence_each() -> None:
    assert [is_lopsided(7, 0, 0.95, among) for among in (1, 2, 10)] == [True, False, False]
    assert is_lopsided(12, 0, 0.95, 10)


@pytest.mark.parametrize(("first", "second"), [(-1, 90), (90, -1), (float("nan"), 90), (90.0, 0), (True, 90)])
def test_damaged_pairs_show_nothing(first: int, second: int) -> None:
    assert not is_lopsided(first, second, 0.95)
    assert not is_lopsided(90, 0, float("nan"))
    assert not is_lopsided(90, 0, 0.95, 0)


def test_rate_lies_around_what_was_seen_and_closer_with_more_of_it() -> None:
    few, many = rate_between(10, 100, 0.95), rate_between(1_000, 10_000, 0.95)
    assert few == pytest.approx((0.0291, 0.2275), abs=0.001)
    assert few[0] < many[0] < 0.1 < many[1] < few[1]


def test_rate_of_none_and_of_all_reaches_the_end() -> None:
    low, high = rate_between(0, 100, 0.95)
    assert low == 0.0
    assert high == pytest.approx(1.0 - rate_between(100, 100, 0.95)[0])
    assert 0.05 < high < 0.06
    assert rate_between(100, 100, 0.95)[1] == 1.0
    assert rate_between(0, 0, 0.95) == rate_between(5, 4, 0.95) == (0.0, 1.0)


def test_quantile_ranks_show_nothing_of_few_figures() -> None:
    assert quantile_ranks(10, 0.99, 0.95)[1] == 11
    assert quantile_ranks(10, 0.01, 0.95)[0] == 0
    assert quantile_ranks(0, 0.99, 0.95) == (0, 1)
    fewest = fewest_for_quantile(0.99, 0.95)
    assert quantile_ranks(fewest, 0.99, 0.95)[1] == fewest
    assert quantile_ranks(fewest - 1, 0.99, 0.95)[1] == fewest


def test_quantile_ranks_close_in_on_the_quantile() -> None:
    low, high = quantile_ranks(1_000_000, 0.99, 0.95)
    assert 989_000 < low < 990_000 < high < 991_000


def test_quantile_ranks_hold_the_quantile_however_often_somebody_looks() -> None:
    source, missed, runs, length = random.Random(7), 0, 400, 3_000
    ranks = [quantile_ranks(n, 0.9, 0.9) for n in range(1, length + 1)]
    for _ in range(runs):
        hits = 0
        for low, high in ranks:
            hits += source.random() < 0.9
            if not low <= hits < high:
                missed += 1
                break
    assert missed / runs < 0.1


@pytest.mark.parametrize(("n", "quantile", "confidence"), [(-1, 0.99, 0.95), (9, 1.0, 0.95), (9, 0.99, math.nan)])
def test_quantile_ranks_of_what_is_no_count_or_probability_show_nothing(
    n: int, quantile: float, confidence: float
) -> None:
    assert quantile_ranks(n, quantile, confidence) == (0, max(0, n) + 1)
