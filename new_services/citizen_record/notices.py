"""Which notifications a change of address asks for. Pure.

A letter to the old address and a text: if somebody else gave the new one, that is how the citizen hears of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from new_services.notifications.templates import ADDRESS_CHANGED_LETTER, ADDRESS_CHANGED_TEXT, Kind

FEWEST_LINES = 2
"""An address needs a line and a postcode, else no letter gets there: those without a fixed address have one line."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification to be asked for. ``reference`` is its own: asking twice makes one letter.

    ``body`` is what ``POST /v2/notifications/{kind}`` takes.
    """

    reference: str
    kind: Kind
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AddressChange:
    """What the record held before an address was changed, and what it holds now."""

    name: str
    telephone: str | None
    is_deceased: bool
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def of_address_change(change: AddressChange, change_id: str) -> tuple[Notice, ...]:
    """The notices of one change; none where nothing changed or nobody is there to be told.

    Args:
        change: the change.
        change_id: its own, at most 36 characters; references begin with it.
    """
    if change.is_deceased or change.before == change.after:
        return ()
    letter, text = _letter(change, f"{change_id}-letter"), _text(change, f"{change_id}-text")
    return tuple(notice for notice in (letter, text) if notice is not None)


def _letter(change: AddressChange, reference: str) -> Notice | None:
    place = [line for line in (*change.before["lines"], change.before["postcode"]) if line and line.strip()]
    if len(place) < FEWEST_LINES:
        return None
    address = {f"address_line_{number}": line for number, line in enumerate((change.name, *place), 1)}
    body = {
        "template_id": ADDRESS_CHANGED_LETTER.id,
        "personalisation": {"name": change.name, **address},
        "reference": reference,
    }
    return Notice(reference, Kind.LETTER, body)


def _text(change: AddressChange, reference: str) -> Notice | None:
    """A text, where the number is a mobile's: 07 and nine digits (Ofcom, National Telephone Numbering Plan)."""
    number = "".join((change.telephone or "").split())
    if not (number.startswith("07") and number.isdecimal() and len(number) == 11):
        return None
    body = {"template_id": ADDRESS_CHANGED_TEXT.id, "phone_number": number, "reference": reference}
    return Notice(reference, Kind.SMS, body)
