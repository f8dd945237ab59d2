"""The anytime-valid bound: golden figures, and that it stays valid under constant looking."""

import random

import pytest

from strangler.bounds import is_below, is_lopsided, needed, rate_between, upper_bound


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


@pytest.mark.parametrize("true_rate", [0.05, 0.06, 0.1])
def test_false_passes_stay_under_alpha_although_every_comparison_is_looked_at(true_rate: float) -> None:
    limit, confidence, runs, looks = 0.05, 0.9, 2_000, 400
    first_n = {
        failures: next((n for n in range(1, looks + 1) if _passes(failures, n, limit, confidence)), None)
        for failures in range(30)
    }
    rng = random.Random(7)
    false_passes = sum(_is_ever_below(rng, true_rate, looks, first_n) for _ in range(runs))
    assert false_passes / runs <= 1 - confidence


def _passes(failures: int, n: int, limit: float, confidence: float) -> bool:
    return failures <= n and is_below(failures, n, limit, confidence)


def _is_ever_below(rng: random.Random, rate: float, looks: int, first_n: dict[int, int | None]) -> bool:
    """Whether one run of comparisons is ever declared below, looked at after each."""
    failures = 0
    for n in range(1, looks + 1):
        failures += rng.random() < rate
        needed_n = first_n.get(failures)
        if needed_n is not None and n >= needed_n:
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
