"""Whether new wavers where, and as often as, old does itself: what keeps noise from hiding a defect.

In a draw old is asked again and new is asked in the same breath, and both are compared with old's first answer. Were
new no other than old, a path would be seen to differ in the one half as often as in the other.
"""

from collections.abc import Iterator

from strangler.bounds import is_lopsided, rate_between
from strangler.evidence import NoiseEvidence, NoisyPath, ParityEvidence
from strangler.exchange import OutcomeKind
from strangler.gates.soundness import compared_count
from strangler.gates.verdicts import percent
from strangler.plan.models import ParityGate

FEWEST_NOISY = 3
"""So many exchanges may differ only where old differs from itself, whatever their share."""

MOST_NAMED = 3
"""So many paths are named; of more it is said how many there are."""


def changed_rates(noise: NoiseEvidence, confidence: float) -> tuple[NoisyPath, ...]:
    """The paths at which new differs from old more, or less, often than old from itself; the most unequal first.

    Where new is like old, any path is ever called so with a probability of at most ``1 - confidence``, over all paths
    together and however often somebody looks. Paths turn up one after the other: the j-th is never asked about among
    fewer than j, so with its part of that probability set to 1 / (j (j + 1)) all parts together stay below the whole.
    """
    count = len(noise.paths)
    share = count * (count + 1)
    found = [path for path in noise.paths if is_lopsided(path.only_again, path.only_beside, confidence, share)]
    return tuple(sorted(found, key=lambda path: -abs(path.only_beside - path.only_again)))


def noise_doubts(seen: ParityEvidence, policy: ParityGate) -> Iterator[tuple[str, str]]:
    """Why what is called noise may not be: reasons, each with its remedy."""
    noise = seen.noise or NoiseEvidence()
    changed = changed_rates(noise, policy.confidence)
    for path in changed[:MOST_NAMED]:
        yield _changed(path, noise.samples, policy.confidence), "noise of new as old has it"
    if len(changed) > MOST_NAMED:
        yield f"so it is at {len(changed) - MOST_NAMED:,} further paths", "the same there"
    compared, noisy = compared_count(seen.exchanges), seen.exchanges.of(OutcomeKind.NOISE)
    if noisy > max(FEWEST_NOISY, policy.max_noise * compared):
        reason = (
            f"{noisy:,} of {compared:,} compared exchanges ({percent(noisy / max(1, compared))}) differ where old "
            f"differs from itself; the plan allows {percent(policy.max_noise)}: too little was compared exactly"
        )
        yield reason, "rules for what wavers, or a larger 'max_noise'"
    if noisy > FEWEST_NOISY and not noise.samples:
        reason = (
            f"{noisy:,} exchanges differ where old differs from itself, and no draw tells whether new does so as often"
        )
        yield reason, "draws: a share of reads in 'compare.noise.sample'"


def _changed(path: NoisyPath, draws: int, confidence: float) -> str:
    low, high = rate_between(path.both + path.only_again, draws, confidence)
    more = "more" if path.only_beside > path.only_again else "less"
    return (
        f"{path.general_path} ({path.kind}) differs {more} often between old and new than between old and old: in "
        f"{path.only_beside:,} of {draws:,} draws only from new, in {path.only_again:,} only from old, which differs "
        f"from itself in {percent(low)} to {percent(high)}"
    )
