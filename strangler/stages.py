"""The six migration stages. Rule 1: everything that depends on the stage is in this file's table.

=========  ==========  =====  ==========  ============
stage      read by     asked  written by  then written
=========  ==========  =====  ==========  ============
off        old         –      old         –
dualwrite  old         –      old         new
shadow     old         new    old         new
live       new         old    new         old
rampdown   new         –      new         old
complete   new         –      new         –
=========  ==========  =====  ==========  ============

The side that answers goes first; a write reaches the other side only if the first succeeded, and the caller never
waits for the other side. The stages are those of feature-flag migrations (LaunchDarkly, "Migration flags").
"""

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """The two sides of an operation."""

    OLD = "old"
    NEW = "new"

    @property
    def other(self) -> "Side":
        """The opposite side."""
        return Side.NEW if self is Side.OLD else Side.OLD


class Effect(StrEnum):
    """What an operation does to the system that answers it."""

    READ = "read"
    WRITE = "write"


class Stage(StrEnum):
    """How far one key of one operation has moved."""

    OFF = "off"
    DUALWRITE = "dualwrite"
    SHADOW = "shadow"
    LIVE = "live"
    RAMPDOWN = "rampdown"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Duty:
    """Who does what for one request: ``answers`` speaks to the caller, ``asked`` is asked afterwards (or nobody)."""

    answers: Side
    asked: Side | None


_OLD, _NEW = Side.OLD, Side.NEW

#                      read by, asked     written by, then written
_TABLE: dict[Stage, tuple[Duty, Duty]] = {
    Stage.OFF: (Duty(_OLD, None), Duty(_OLD, None)),
    Stage.DUALWRITE: (Duty(_OLD, None), Duty(_OLD, _NEW)),
    Stage.SHADOW: (Duty(_OLD, _NEW), Duty(_OLD, _NEW)),
    Stage.LIVE: (Duty(_NEW, _OLD), Duty(_NEW, _OLD)),
    Stage.RAMPDOWN: (Duty(_NEW, None), Duty(_NEW, _OLD)),
    Stage.COMPLETE: (Duty(_NEW, None), Duty(_NEW, None)),
}

_WRITES_ONLY = frozenset({Stage.DUALWRITE, Stage.RAMPDOWN})
"""Stages that differ from a neighbour in writes only: an operation that only reads skips them."""


def duty(stage: Stage, effect: Effect) -> Duty:
    """Who answers and who is asked for a request with this effect in this stage."""
    read, write = _TABLE[stage]
    return read if effect is Effect.READ else write


def path_of(effect: Effect) -> tuple[Stage, ...]:
    """The stages an operation with this effect goes through, first to last."""
    if effect is Effect.WRITE:
        return tuple(Stage)
    return tuple(stage for stage in Stage if stage not in _WRITES_ONLY)


def position(stage: Stage, effect: Effect) -> int:
    """How many steps from ``off`` the stage is, for an operation with this effect.

    Raises:
        ValueError: the operation skips this stage.
    """
    return path_of(effect).index(stage)


def is_answered_by_new(stage: Stage) -> bool:
    """Whether callers hear the new side in this stage."""
    return _TABLE[stage][0].answers is Side.NEW
