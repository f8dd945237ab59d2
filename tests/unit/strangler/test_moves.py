"""What a change of a rollout does to keys, held against looking at every bucket."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from strangler.moves import Moved, moved
from strangler.rollout import DENOMINATOR, Rollout, rollout_from, stage_for, thresholds
from strangler.stages import Effect, is_answered_by_new, path_of


def rollouts() -> st.SearchStrategy[Rollout]:
    stages = path_of(Effect.WRITE)

    def made(cuts: list[int]) -> Rollout:
        edges = [0, *sorted(cuts), 100]
        return rollout_from({stage.value: edges[n + 1] - edges[n] for n, stage in enumerate(stages)}, Effect.WRITE)

    return st.lists(st.integers(0, 100), min_size=len(stages) - 1, max_size=len(stages) - 1).map(made)


@given(before=rollouts(), after=rollouts())
def test_moved_counts_the_keys_that_change_stage_and_side(before: Rollout, after: Rollout) -> None:
    first, second = thresholds(before), thresholds(after)
    stage = to_new = to_old = 0
    for percent in range(100):
        key = percent * DENOMINATOR // 100
        was, then = stage_for(first, key), stage_for(second, key)
        stage += was is not then
        to_new += is_answered_by_new(then) and not is_answered_by_new(was)
        to_old += is_answered_by_new(was) and not is_answered_by_new(then)
    assert moved(before, after) == Moved(Decimal(stage), Decimal(to_new), Decimal(to_old))


def test_moved_is_exact_below_a_percent() -> None:
    before, after = Rollout(), rollout_from({"off": "99.9999", "shadow": "0.0001"}, Effect.READ)
    assert moved(before, after) == Moved(Decimal("0.0001"), Decimal(0), Decimal(0))
