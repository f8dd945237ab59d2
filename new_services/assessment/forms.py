"""What the assessment service takes in."""

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Band = Literal["low", "moderate", "substantial", "critical"]


class FormIn(BaseModel):
    """Unknown members are refused."""

    model_config = ConfigDict(extra="forbid")


class Assessment(FormIn):
    """What was found."""

    band: Band
    weekly_hours: Decimal = Field(ge=0, max_digits=5, decimal_places=2)
    assessor: str = Field(min_length=1, max_length=100)
    summary: str = Field(max_length=4_000)
    assessed_on: date


class Client(FormIn):
    """Somebody the council knows, assessed or not."""

    nino: str
    assessment: Assessment | None = None


class Import(FormIn):
    """Many clients at once."""

    clients: list[Client] = Field(max_length=5_000)


class AssessmentRequest(FormIn):
    """Somebody asks for an assessment."""

    nino: str
    reason: str = Field(max_length=1_000)
