"""Gates that a plan may add to those it always has: each is off where it is not named. Pydantic models."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from strangler.plan.basis import Model, Name, Reference, Why

MINUTES_A_DAY = 1440


def _of_minutes(value: object) -> object:
    """``16:30`` without quotes is 990 in YAML 1.1: the minutes since midnight."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MINUTES_A_DAY:
        return f"{value // 60:02}:{value % 60:02}"
    return value


TimeOfDay = Annotated[str, BeforeValidator(_of_minutes), Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Opening(Model):
    """Hours of some days of the week."""

    days: tuple[Day, ...] = Field(("mon", "tue", "wed", "thu", "fri"), min_length=1, description="Days of the week.")
    from_: TimeOfDay = Field(alias="from", description='Local time at which it opens, as "09:00".')
    to: TimeOfDay = Field(description='Local time at which it closes, as "16:30"; "24:00" is the day\'s end.')


class Frozen(Model):
    """Dates on which nothing moves forward."""

    from_: date = Field(alias="from", description="The first day.")
    to: date
    """The last day."""
    why: Why


class WindowGate(Model):
    """When an operation may move forward. It may be taken back at any time."""

    zone: str = Field(description="Time zone of all times and dates, as Europe/London.")
    open: tuple[Opening, ...] = Field(min_length=1, description="When moves are allowed; any one is enough.")
    frozen: tuple[Frozen, ...] = ()
    """Dates on which it stays closed all day."""


class LatencyGate(Model):
    """How much slower than old the new side may be shown to be, in the traffic that both were seen to answer."""

    p99_ratio: float = Field(1.5, gt=0, description="p99 of new over that of old must be shown to be below this.")
    confidence: float = Field(0.95, gt=0.5, lt=1)
    """How sure that must be."""
    min_answers: int = Field(1000, ge=1, description="Fewest answers of each side; fewer is no data.")
    window_h: float = Field(24.0, gt=0, description="Answers of the last so many hours count.")


class ErrorsGate(Model):
    """How many of the new side's answers may have failed: no answer, or a status of 500 and above."""

    max_ratio: float = Field(0.01, gt=0, lt=1, description="The share of failed answers that must be ruled out.")
    confidence: float = Field(0.95, gt=0.5, lt=1)
    """How sure the bound must be."""


class RowsGate(Model):
    """A reconciliation of rows that ended, was made as the plan says now, and found few differences."""

    name: Name
    """Its name under ``rows``."""
    max_age_h: float = Field(24.0, gt=0, description="How long ago its first row may have been read, in hours.")
    max_differences: int = Field(0, ge=0, description="So many keys may differ.")


class CustomGate(Model):
    """A gate of your own: a Python function, or an HTTP hook that answers 2xx where a move may be made."""

    name: Name
    """What it is called in verdicts."""
    function: Reference | None = Field(
        None, description='``function(evidence)``: a dict in; ``{"result": "PASS" or "HOLD", "reasons": [...]}`` out.'
    )
    url: str | None = Field(None, description="Where name, operation, rollout and evidence are posted to as JSON.")
    timeout_s: float = Field(5.0, gt=0, le=60, description="Longest wait for its answer, in seconds; then no data.")

    @model_validator(mode="after")
    def _one_way(self) -> "CustomGate":
        if (self.function is None) == (self.url is None):
            raise ValueError("say either function or url")
        return self
