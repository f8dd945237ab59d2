"""What the citizen record takes in."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Line = Annotated[str, Field(max_length=200)]
Department = Literal["pensions", "health", "council"]


class FormIn(BaseModel):
    """Unknown members are refused."""

    model_config = ConfigDict(extra="forbid")


class Address(FormIn):
    """Where to write to. Somebody with no fixed address has one line that says so and no postcode."""

    lines: list[Line] = Field(min_length=1, max_length=4)
    postcode: str | None = Field(None, max_length=40)


class AddressChange(Address):
    """A new address, and the department that the citizen told."""

    told_to: Department


class Contact(FormIn):
    """How to reach somebody. A telephone number is text: its leading zero counts."""

    telephone: str | None = Field(None, max_length=40)
    email: str | None = Field(None, max_length=254)


class Death(FormIn):
    """A reported death."""

    date_of_death: date


class Citizen(FormIn):
    """A whole record, as the migration fills it in.

    ``held_by`` has each department's own copy of the address. ``date_of_death`` is not always known of the deceased.
    """

    nino: str
    nhs_number: str | None = None
    name: str = Field(min_length=1, max_length=200)
    given_name: str | None = Field(None, max_length=100)
    family_name: str | None = Field(None, max_length=100)
    date_of_birth: date
    is_deceased: bool = False
    date_of_death: date | None = None
    gp_code: str | None = None
    address: Address
    held_by: dict[Department, Address] = Field(default_factory=dict)
    contact: Contact = Contact()


class Import(FormIn):
    """Many records at once."""

    citizens: list[Citizen] = Field(max_length=5_000)
