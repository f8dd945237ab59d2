"""What stands beside one operation's findings: how its rules were used, what is noise. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from strangler.evidence import NoiseEvidence
from strangler.journal import RuleUse
from strangler.plan.comparison import Rule


@dataclass(frozen=True, slots=True)
class RuleView:
    """One comparison rule of the plan, and what it hid. ``share`` is of the compared exchanges, 0 to 1."""

    path: str
    what: str
    why: str
    exchanges: int
    differences: int
    share: float
    at_most: float | None

    @property
    def is_idle(self) -> bool:
        """Whether it hid nothing at all: nobody knows whether it is needed."""
        return self.differences == 0

    @property
    def is_over(self) -> bool:
        """Whether it hides in more exchanges than the plan says it should."""
        return self.at_most is not None and self.share > self.at_most


@dataclass(frozen=True, slots=True)
class NoiseView:
    """One path at which old differs from itself: in how many fair draws, and how often new differed from old there."""

    path: str
    kind: str
    draws: int
    old_from_old: int
    new_from_old: int


def rule_views(rules: Sequence[Rule], uses: Mapping[int, RuleUse], compared: int) -> tuple[RuleView, ...]:
    """Every rule in the plan's order, with what it hid among this many compared exchanges."""
    views = []
    for index, rule in enumerate(rules):
        use = uses.get(index)
        exchanges, differences = (use.exchanges, use.differences) if use else (0, 0)
        share = exchanges / compared if compared else 0.0
        views.append(RuleView(rule.path, rule.as_, rule.why, exchanges, differences, share, rule.at_most))
    return tuple(views)


def noise_views(noise: NoiseEvidence | None) -> tuple[NoiseView, ...]:
    """The paths at which old differed from itself in a draw, most often first."""
    if noise is None:
        return ()
    found = [
        NoiseView(
            path=one.general_path,
            kind=one.kind.value,
            draws=noise.samples,
            old_from_old=one.both + one.only_again,
            new_from_old=one.both + one.only_beside,
        )
        for one in noise.paths
        if one.both + one.only_again
    ]
    return tuple(sorted(found, key=lambda one: (-one.old_from_old, one.path)))
