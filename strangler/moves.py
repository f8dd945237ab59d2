"""What a change of a rollout does to keys: which go forward, and what taking back makes of them. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from strangler.rollout import DENOMINATOR, Rollout, rollout_from, stage_for, thresholds
from strangler.stages import Effect, Stage, is_answered_by_new, path_of, position


@dataclass(frozen=True, slots=True)
class Moved:
    """Shares of all keys, in percent: whose stage changes, and for whom another side answers than before."""

    stage: Decimal
    to_new: Decimal
    to_old: Decimal


def moved(before: Rollout, after: Rollout) -> Moved:
    """Which share of all keys a change of the rollout moves."""
    first, second = thresholds(before), thresholds(after)
    edges = sorted({0, DENOMINATOR, *(limit for limit, _ in first), *(limit for limit, _ in second)})
    stage = to_new = to_old = 0
    for edge, end in pairwise(edges):
        now, then = stage_for(first, edge), stage_for(second, edge)
        hears = is_answered_by_new(now), is_answered_by_new(then)
        stage += (end - edge) * (now is not then)
        to_new += (end - edge) * (hears == (False, True))
        to_old += (end - edge) * (hears == (True, False))
    return Moved(*(Decimal(count) * 100 / DENOMINATOR for count in (stage, to_new, to_old)))


def brings_forward(before: Rollout, after: Rollout, effect: Effect) -> bool:
    """Whether any key moves forward to a stage in which callers hear the new side."""
    first, second = thresholds(before), thresholds(after)
    edges = {0, *(limit for limit, _ in first), *(limit for limit, _ in second)}
    for edge in edges:
        if edge >= DENOMINATOR:
            continue
        now, then = stage_for(first, edge), stage_for(second, edge)
        if is_answered_by_new(then) and position(then, effect) > position(now, effect):
            return True
    return False


def taken_back(before: Rollout, to: Stage, effect: Effect) -> Rollout:
    """The rollout with every key that is beyond a stage brought back to it (or to the one before, if skipped)."""
    stages = path_of(effect)
    order = list(Stage)
    target = next(stage for stage in reversed(stages) if order.index(stage) <= order.index(to))
    shares: dict[str, Any] = {}
    for stage, share in before.shares:
        kept = min(stage, target, key=order.index)
        shares[kept.value] = shares.get(kept.value, 0) + share
    return rollout_from(shares, effect)
