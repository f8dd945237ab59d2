"""How the keys of one operation are spread over stages, and which stage a key is in.

The bucket is ``xxh64(key, seed) % 1,000,000``, exactly as Envoy's ``runtime_fraction`` matcher computes it, so both
engines agree. The most advanced stage holds the lowest buckets: a share that grows only ever adds keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import xxhash

from strangler.stages import Effect, Stage, path_of, position

DENOMINATOR = 1_000_000


@dataclass(frozen=True, slots=True)
class Rollout:
    """One operation's distribution: stage to share in percent. The shares add up to 100."""

    shares: tuple[tuple[Stage, Decimal], ...] = ((Stage.OFF, Decimal(100)),)

    def as_dict(self) -> dict[str, str]:
        """Stage names to shares, as the ledger stores them."""
        return {stage.value: format(share.normalize(), "f") for stage, share in self.shares}

    def __str__(self) -> str:
        return "{" + ", ".join(f"{stage}: {share}" for stage, share in self.as_dict().items()) + "}"


def rollout_from(shares: Mapping[str, object], effect: Effect) -> Rollout:
    """A rollout from stage names and percentages, checked.

    Raises:
        ValueError: an unknown stage, one that the effect skips, a share with more than four decimals, or shares that
            do not add up to 100. The message says which, and what to write.
    """
    allowed = path_of(effect)
    parsed: list[tuple[Stage, Decimal]] = []
    for name, share in shares.items():
        if name not in {stage.value for stage in allowed}:
            raise ValueError(f"{name!r} is no stage of a {effect} operation; choose from {', '.join(allowed)}")
        value = _percentage(share)
        if value is None:
            raise ValueError(f"share {share!r} of {name}: write a percentage of at most four decimals, 0 to 100")
        if value:
            parsed.append((Stage(name), value))
    total = sum((share for _, share in parsed), Decimal(0))
    if total != 100:
        raise ValueError(f"the shares add up to {total}, not 100")
    return Rollout(tuple(sorted(parsed, key=lambda item: position(item[0], effect))))


def _percentage(share: object) -> Decimal | None:
    """The share as an exact number; ``None`` where it is no percentage of at most four decimals."""
    try:
        value = Decimal(str(share))
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 <= value <= 100 or value * 10_000 != int(value * 10_000):
        return None
    return value


def bucket(key: str, seed: int, denominator: int = DENOMINATOR) -> int:
    """The key's bucket, 0 to denominator - 1. White space around the key does not count, case does."""
    return xxhash.xxh64_intdigest(key.strip().encode(), seed) % denominator


def seed_of(operation: str) -> int:
    """The seed of an operation that names none: stable for its name."""
    return xxhash.xxh64_intdigest(operation.encode(), 0)


def thresholds(rollout: Rollout) -> tuple[tuple[int, Stage], ...]:
    """The rollout as ascending bucket limits, most advanced stage first: a key is in the first stage it is under."""
    limits: list[tuple[int, Stage]] = []
    limit = Decimal(0)
    for stage, share in reversed(rollout.shares):
        limit += share
        limits.append((int(limit * DENOMINATOR / 100), stage))
    return tuple(limits)


def stage_for(limits: tuple[tuple[int, Stage], ...], key_bucket: int) -> Stage:
    """The stage of a bucket, by the limits of ``thresholds``."""
    for limit, stage in limits:
        if key_bucket < limit:
            return stage
    return Stage.OFF


def steps_forward(before: Rollout, after: Rollout, effect: Effect) -> int:
    """The most stages any one key moves forward between two rollouts; negative where every moved key goes back."""
    edges = sorted({0, *(limit for limit, _ in thresholds(before)), *(limit for limit, _ in thresholds(after))})
    first, second = thresholds(before), thresholds(after)
    moves = [
        position(stage_for(second, edge), effect) - position(stage_for(first, edge), effect)
        for edge in edges
        if edge < DENOMINATOR
    ]
    forward = max(moves)
    return forward if forward > 0 else min(moves)
