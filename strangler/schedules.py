"""A schedule: the steps that somebody asked the guard to take, one after the other, as far as gates let it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from strangler.rollout import Rollout, rollout_from, steps_forward
from strangler.stages import Effect, Stage, path_of, position

DONE = "done"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Steps of one operation, as the ledger has them.

    ``steps`` are rollouts by stage and share; ``taken`` of them were taken, the last one at ``last_at``. A step is due
    ``pause_s`` after the one before. One that gates hold for longer than ``patience_s`` ends the schedule. ``ended``
    says why it ended; empty while it runs. Times are seconds since the epoch.
    """

    seq: int
    operation: str
    who: str
    why: str
    at: float
    steps: tuple[Mapping[str, Any], ...]
    pause_s: float
    patience_s: float
    taken: int = 0
    last_at: float = 0.0
    ended: str = ""

    @property
    def is_running(self) -> bool:
        """Whether there are steps to come."""
        return not self.ended

    @property
    def due_at(self) -> float:
        """When the next step is due."""
        return self.last_at + self.pause_s if self.taken else self.at

    def after_step(self, step: int, at: float) -> "Schedule":
        """The schedule after its next step; one that was not the next ends it, for nobody knows where it stands."""
        if step != self.taken:
            return replace(self, ended=f"step {step + 1} was taken when step {self.taken + 1} was the next")
        taken = self.taken + 1
        return replace(self, taken=taken, last_at=at, ended=DONE if taken == len(self.steps) else "")


def shares_into(stage: Stage, percents: tuple[str, ...], effect: Effect) -> tuple[Rollout, ...]:
    """The rollouts that bring these shares of keys (in percent) into a stage, from the one before it.

    Raises:
        ValueError: the operation skips that stage, nothing comes before it, or a share is none.
    """
    stages = path_of(effect)
    if stage not in stages[1:]:
        raise ValueError(
            f"{stage} is no stage that a {effect} operation moves into; choose from {', '.join(stages[1:])}"
        )
    before = stages[position(stage, effect) - 1]
    found = []
    for percent in percents:
        whole = rollout_from({stage.value: 100}, effect)
        if percent != "100":
            rest = _rest(percent)
            whole = rollout_from({before.value: rest, stage.value: percent}, effect)
        found.append(whole)
    return tuple(found)


def _rest(percent: str) -> str:
    try:
        return str(Decimal(100) - Decimal(percent))
    except InvalidOperation:
        raise ValueError(f"share {percent!r}: write a percentage such as 5 or 12.5") from None


def against(before: Rollout, steps: tuple[Rollout, ...], effect: Effect) -> str:
    """Why these steps are no schedule from here, as a sentence; empty where they are."""
    if not steps:
        return "a schedule has at least one step"
    for step in steps:
        if steps_forward(before, step, effect) != 1 or steps_forward(step, before, effect) > 0:
            return f"each step brings some keys one stage forward and none back; from {before} to {step} it does not"
        before = step
    return ""
