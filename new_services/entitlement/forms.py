"""What the entitlement service takes in."""

from datetime import date
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Status(StrEnum):
    """Whether the award is paid."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


class FormIn(BaseModel):
    """Unknown members are refused; a number with a fraction is not taken for pence."""

    model_config = ConfigDict(extra="forbid")


class LateSpouse(FormIn):
    """Whose additional pension is inherited in part."""

    date_of_death: date
    additional_amount_pence: int = Field(ge=0, strict=True)


class Entitlement(FormIn):
    """One award."""

    nino: str
    status: Status = Status.ACTIVE
    weekly_amount_pence: int = Field(ge=0, strict=True)
    late_spouse: LateSpouse | None = None
    next_review: date | None = None


class End(FormIn):
    """The award ends, because its holder has died."""

    ended_on: date


class Import(FormIn):
    """Many awards at once."""

    entitlements: list[Entitlement] = Field(max_length=5_000)
