"""What the notifications service takes in."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Filling = Annotated[str, Field(max_length=2_000)] | int | float

MOST_LINES = 7
FEWEST_LINES = 3


class NotificationIn(BaseModel):
    """What every kind has. Unknown members are refused."""

    model_config = ConfigDict(extra="forbid")

    template_id: UUID
    personalisation: dict[str, Filling] = Field(default_factory=dict, max_length=50)
    reference: str | None = Field(None, min_length=1, max_length=1_000)

    @property
    def fillings(self) -> dict[str, str]:
        """The personalisation as text."""
        return {name: str(value) for name, value in self.personalisation.items()}


class EmailIn(NotificationIn):
    """An email."""

    email_address: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=320)]


class SmsIn(NotificationIn):
    """A text message."""

    phone_number: Annotated[str, StringConstraints(pattern=r"^\+?(?:[\s()-]*\d){7,15}[\s()-]*$", max_length=40)]


class LetterIn(NotificationIn):
    """A letter: the address is in the personalisation, as ``address_line_1`` to ``address_line_7``."""

    @property
    def lines(self) -> list[str]:
        """The address's lines that have something in them; ``postcode`` is an older name of the last."""
        names = [*(f"address_line_{number}" for number in range(1, MOST_LINES + 1)), "postcode"]
        return [line for name in names if (line := self.fillings.get(name, "").strip())]
