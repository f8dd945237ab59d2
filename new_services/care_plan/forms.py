"""What the care plan service takes in. What is not known is left out, never null."""

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class FormIn(BaseModel):
    """Unknown members are refused."""

    model_config = ConfigDict(extra="forbid")


class Contact(FormIn):
    """Somebody to ring."""

    name: str = Field(min_length=1, max_length=60)
    relation: Literal["spouse", "child", "neighbour", "paid-carer"]
    telephone: str = Field(max_length=40)
    is_keyholder: bool = False


class Review(FormIn):
    """One review, in the order in which they were made."""

    date: date
    outcome: Literal["no-change", "more-hours", "fewer-hours"]
    remark: str | None = None


class CarePlan(FormIn):
    """One plan. ``dependency`` is 1 (least) to 4."""

    nhs_number: str
    opened_on: date
    weekly_hours: Decimal = Field(ge=0, max_digits=5, decimal_places=2)
    dependency: int = Field(ge=1, le=4)
    lives_alone: bool
    note: str | None = None
    contacts: list[Contact] = Field(default_factory=list, max_length=500)
    reviews: list[Review] = Field(default_factory=list, max_length=500)


class Import(FormIn):
    """Many plans at once."""

    care_plans: list[CarePlan] = Field(max_length=5_000)
