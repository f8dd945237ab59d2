"""What can be said. A template's text has places such as ``((name))``, which the request's personalisation fills."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

_PLACE = re.compile(r"\(\((\w+)\)\)")


class Kind(StrEnum):
    """How a notification travels."""

    EMAIL = "email"
    SMS = "sms"
    LETTER = "letter"


@dataclass(frozen=True, slots=True)
class Template:
    """One text. A text message has no subject."""

    id: str
    kind: Kind
    body: str
    subject: str | None = None
    version: int = 1

    @property
    def places(self) -> tuple[str, ...]:
        """What must be filled in, in the order of the text."""
        return tuple(dict.fromkeys(_PLACE.findall(f"{self.subject or ''} {self.body}")))


ADDRESS_CHANGED_LETTER = Template(
    "6f1b0f7a-3c52-4a0e-9d7e-0d6d6a1f2b01",
    Kind.LETTER,
    "Dear ((name)),\n\nWe have been told that you have moved, and that letters should go to another address from now "
    "on. You need not tell anybody else in government.\n\nIf you did not tell us this, please ring us.",
    "We have been told that you have moved",
)
ADDRESS_CHANGED_TEXT = Template(
    "6f1b0f7a-3c52-4a0e-9d7e-0d6d6a1f2b02",
    Kind.SMS,
    "Government: your new address has been stored, for all departments. If you did not tell us, please ring us.",
)
ADDRESS_CHANGED_EMAIL = Template(
    "6f1b0f7a-3c52-4a0e-9d7e-0d6d6a1f2b03",
    Kind.EMAIL,
    "Dear ((name)),\n\nyour new address has been stored, for all departments. If you did not tell us, please ring us.",
    "Your new address has been stored",
)

TEMPLATES: Mapping[str, Template] = {
    one.id: one for one in (ADDRESS_CHANGED_LETTER, ADDRESS_CHANGED_TEXT, ADDRESS_CHANGED_EMAIL)
}


def missing(template: Template, personalisation: Mapping[str, str]) -> tuple[str, ...]:
    """The places that nothing was said for."""
    return tuple(place for place in template.places if place not in personalisation)


def filled(text: str, personalisation: Mapping[str, str]) -> str:
    """The text with its places filled; nothing may be missing."""
    return _PLACE.sub(lambda found: personalisation[found[1]], text)
