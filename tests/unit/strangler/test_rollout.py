from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.rollout import (
    DENOMINATOR,
    Rollout,
    bucket,
    rollout_from,
    seed_of,
    stage_for,
    steps_forward,
    thresholds,
)
from strangler.stages import Effect, Stage, path_of, position


@pytest.mark.parametrize(
    ("key", "seed", "denominator", "expected"),
    [
        ("12345678Z", 0, 100, 70),
        ("12345678Z", 42, 100, 96),
        ("", 42, 10**4, 3268),
        ("C00001", 42, 10**4, 1639),
        ("C00002", 42, 10**6, 219330),
        ("citizen-7f3a", 2**64 - 1, 10**4, 2389),
        ("María José Ñúñez", 42, 10**4, 3525),
        ("日本語", 1, 10**6, 161799),
        ("0f8fad5b-d9cb-469f-a165-70867728950e", 2026, 10**4, 8368),
    ],
)
def test_bucket_is_envoys(key: str, seed: int, denominator: int, expected: int) -> None:
    assert bucket(key, seed, denominator) == expected


def test_bucket_ignores_white_space_around_the_key_and_keeps_case() -> None:
    assert bucket(" 12345678Z\t", 42, 100) == 96
    assert bucket("c00002", 42) != bucket("C00002", 42)


def test_seed_of_is_stable_and_differs_by_name() -> None:
    assert seed_of("pensions.get-entitlement") == 11_305_701_307_087_763_327
    assert seed_of("a.b") != seed_of("a.c")


@pytest.mark.parametrize(
    ("shares", "effect", "said"),
    [
        ({"shadow": 90, "live": 9}, Effect.READ, "add up to 99, not 100"),
        ({"shadow": 90, "live": 11}, Effect.READ, "add up to 101, not 100"),
        ({}, Effect.READ, "add up to 0, not 100"),
        ({"dualwrite": 100}, Effect.READ, "choose from off, shadow, live, complete"),
        ({"canary": 100}, Effect.WRITE, "choose from"),
        ({"live": -1, "off": 101}, Effect.WRITE, "0 to 100"),
        ({"live": 101}, Effect.WRITE, "0 to 100"),
        ({"live": "1e999999"}, Effect.WRITE, "0 to 100"),
        ({"live": "sNaN"}, Effect.WRITE, "0 to 100"),
        ({"live": "0.00001", "off": "99.99999"}, Effect.WRITE, "four decimals"),
        ({"live": "NaN", "off": 100}, Effect.WRITE, "four decimals"),
        ({"live": "Infinity"}, Effect.WRITE, "four decimals"),
        ({"live": "ten", "off": 90}, Effect.WRITE, "four decimals"),
        ({"live": None, "off": 100}, Effect.WRITE, "four decimals"),
    ],
)
def test_rollout_from_refuses_and_says_what_to_write(shares: dict[str, object], effect: Effect, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        rollout_from(shares, effect)


def test_rollout_from_orders_stages_and_drops_empty_shares() -> None:
    rollout = rollout_from({"live": "0.1", "off": 0, "shadow": 99.9}, Effect.READ)
    assert rollout.shares == ((Stage.SHADOW, Decimal("99.9")), (Stage.LIVE, Decimal("0.1")))
    assert rollout_from(rollout.as_dict(), Effect.READ) == rollout
    assert str(rollout) == "{shadow: 99.9, live: 0.1}"


def test_thresholds_give_the_most_advanced_stage_the_lowest_buckets() -> None:
    rollout = rollout_from({"off": 50, "shadow": 40, "live": 10}, Effect.READ)
    limits = thresholds(rollout)
    assert limits == ((100_000, Stage.LIVE), (500_000, Stage.SHADOW), (1_000_000, Stage.OFF))
    edges = (0, 99_999, 100_000, 499_999, 500_000, 999_999)
    assert [stage_for(limits, edge) for edge in edges] == ["live", "live", "shadow", "shadow", "off", "off"]


def test_steps_forward_is_the_furthest_any_key_moves() -> None:
    def steps(before: dict[str, object], after: dict[str, object], effect: Effect = Effect.READ) -> int:
        return steps_forward(rollout_from(before, effect), rollout_from(after, effect), effect)

    assert steps({"off": 100}, {"shadow": 100}) == 1
    assert steps({"off": 100}, {"live": 1, "shadow": 99}) == 2
    assert steps({"shadow": 90, "live": 10}, {"shadow": 50, "live": 50}) == 1
    assert steps({"live": 100}, {"shadow": 100}) == -1
    assert steps({"live": 100}, {"live": 100}) == 0
    assert steps({"off": 100}, {"complete": 100}, Effect.WRITE) == 5


@st.composite
def _rollouts(draw: st.DrawFn, effect: Effect = Effect.WRITE) -> Rollout:
    """Any rollout, in whole tenths of a percent."""
    stages = path_of(effect)
    cuts = sorted(draw(st.lists(st.integers(0, 1000), min_size=len(stages) - 1, max_size=len(stages) - 1)))
    shares = [high - low for low, high in zip([0, *cuts], [*cuts, 1000], strict=True)]
    return rollout_from({stage: Decimal(share) / 10 for stage, share in zip(stages, shares, strict=True)}, effect)


def _grow(rollout: Rollout, moves: list[tuple[int, int]]) -> Rollout:
    """Move shares forward: each move takes the n-th stage's share, or a part of it, one or more stages on."""
    shares = {stage: dict(rollout.shares).get(stage, Decimal(0)) for stage in Stage}
    stages = list(Stage)
    for start, tenths in moves:
        taken = min(shares[stages[start]], Decimal(tenths) / 10)
        shares[stages[start]] -= taken
        shares[stages[start + 1]] += taken
    return rollout_from({stage.value: share for stage, share in shares.items()}, Effect.WRITE)


@given(
    _rollouts(),
    st.lists(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1000)), min_size=1, max_size=3), max_size=8),
    st.lists(st.integers(0, DENOMINATOR - 1), min_size=1, max_size=30),
)
def test_growing_shares_never_move_a_key_back(
    rollout: Rollout, growths: list[list[tuple[int, int]]], buckets: list[int]
) -> None:
    for moves in growths:
        grown = _grow(rollout, moves)
        for one in buckets:
            before = position(stage_for(thresholds(rollout), one), Effect.WRITE)
            assert position(stage_for(thresholds(grown), one), Effect.WRITE) >= before
        assert steps_forward(rollout, grown, Effect.WRITE) >= 0
        rollout = grown


@given(_rollouts())
def test_thresholds_share_out_every_bucket_exactly(rollout: Rollout) -> None:
    limits = thresholds(rollout)
    sizes = {}
    low = 0
    for limit, stage in limits:
        sizes[stage] = limit - low
        low = limit
    assert low == DENOMINATOR
    assert sizes == {stage: int(share * DENOMINATOR / 100) for stage, share in rollout.shares}
